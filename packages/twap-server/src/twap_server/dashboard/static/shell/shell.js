// The frame around every view: menu, badge of the market, connection, who is signed in, what the keys do.

import { useEffect } from "preact/hooks";
import { classes, html } from "../core/html.js";
import { go, link as address, route } from "../core/router.js";
import { server } from "../core/server.js";
import { signOut, user } from "../core/session.js";
import { toggleTheme } from "../core/theme.js";
import { Toasts } from "../parts/toasts.js";
import { ConnectionBanner, SignInBanner, VersionBanner } from "./connection.js";
import { Keys, openKeys, useKeys } from "./keys.js";
import { views } from "./views.js";

export function Shell() {
  const { path, query } = route.value;
  const name = path[0] || Object.keys(views())[0];
  const view = views()[name];
  useKeys();
  useEffect(() => {
    document.title = view ? `${view.label} · TWAP` : "TWAP";
  }, [name]);
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <${Header} current=${name} />
    <${ConnectionBanner} />
    <${SignInBanner} />
    <${VersionBanner} />
    <main id="main" tabindex="-1" class=${`view-${name}`}>${shown(name, view, path.slice(1), query)}</main>
    <${Footer} />
    <${Keys} />
    <${Toasts} />
  `;
}

/** @param {string} name @param {any} view @param {string[]} args @param {Record<string, string>} query */
function shown(name, view, args, query) {
  if (!view) {
    return html`<p class="problem" role="alert">There is no page “${name}”. <a href=${address([])}>Show what there is</a></p>`;
  }
  if (view.needsSignIn && !user.value) {
    const SignIn = views()["sign-in"].component;
    return html`<${SignIn} why=${`${view.label}: sign in to see yours.`} />`;
  }
  const View = view.component;
  return html`<${View} key=${name} args=${args} query=${query} />`;
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** @param {{current: string}} props */
function Header({ current }) {
  return html`
    <header class="top" role="banner">
      <a class="brand" href=${address([])}>TWAP</a>
      <${MarketBadge} />
      <nav aria-label="Views">
        ${Object.entries(views())
          .filter(([, view]) => view.isInMenu)
          .map(
            ([name, view]) => html`
              <a href=${address([name])} title=${view.hint} aria-current=${name === current ? "page" : undefined}
                class=${classes(name === current && "current")}>${view.label}</a>
            `,
          )}
      </nav>
      <div class="tools">
        <button type="button" class="quiet" onClick=${toggleTheme} aria-label="Switch between light and dark" title="Light or dark">◐</button>
        <button type="button" class="quiet" onClick=${openKeys} aria-label="Show the keys" title="Keys (?)">?</button>
        ${server.value?.theatre ? null : html`<${Account} />`}
      </div>
    </header>
  `;
}

const MARKETS = {
  live: ["LIVE", "Real books of exchanges. Fills are simulated."],
  demo: ["DEMO", "A simulated market: nothing here is a real price."],
  replay: ["REPLAY", "Recorded traffic of an exchange: nothing here is the price of now."],
};

const BOOKS = { live: "real books", demo: "the books of a simulated market", replay: "recorded books" };

function MarketBadge() {
  const market = server.value?.market;
  if (!market) return null;
  const [word, meaning] = MARKETS[market] || [market.toUpperCase(), ""];
  return html`<span class=${`badge market-${market}`} title=${meaning}>${word}</span>`;
}

function Account() {
  if (!user.value) return html`<a class="button" href=${address(["sign-in"])}>Sign in</a>`;
  return html`
    <span class="who" title="Signed in">${user.value.username}</span>
    <button type="button" class="quiet" onClick=${leave}>Sign out</button>
  `;
}

async function leave() {
  await signOut();
  go(["market"]);
}

function Footer() {
  return html`
    <footer>
      <span>Paper trading: fills are computed from ${BOOKS[server.value?.market || "live"] || "books"}, no order leaves this server.</span>
      <span>
        twap-server ${server.value?.version || ""} · ${server.value?.theatre ? null : html`<a href="docs">API</a> · `}
        Charts by <a href="https://www.tradingview.com/" rel="noreferrer" target="_blank">TradingView</a> Lightweight Charts™,
        © 2026 TradingView, Inc.
      </span>
    </footer>
  `;
}
