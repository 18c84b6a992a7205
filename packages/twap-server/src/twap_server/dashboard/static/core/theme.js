// Light or dark: as the system says, until somebody chooses. The choice is kept in this browser.

const KEY = "twap-theme";

/** @returns {string | null} */
function kept() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** @param {string | null} theme */
function show(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  dispatchEvent(new Event("themechange"));
}

show(kept());

/** Whether dark is shown now. */
export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

export function toggleTheme() {
  const theme = isDark() ? "light" : "dark";
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // A browser that keeps nothing shows it until the page is closed.
  }
  show(theme);
}

/** The value of a colour of style/tokens.css, for what is drawn on a canvas: `color("buy")`. @param {string} name */
export function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Call when colours change: the theme was switched, or the system's. @param {() => void} act @returns {() => void} ends it */
export function onTheme(act) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  addEventListener("themechange", act);
  system.addEventListener("change", act);
  return () => {
    removeEventListener("themechange", act);
    system.removeEventListener("change", act);
  };
}
