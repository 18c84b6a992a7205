"""Drive a real Chromium on a real demo server.

A page fails its test on any console error, foreign request or report of the Content-Security-Policy.
Needs Debian's ``chromium``; without it the tests are skipped and say so.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import pytest
from playwright.async_api import ConsoleMessage, Page, Request, async_playwright, expect

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_AXE = Path(__file__).with_name("axe") / "axe.min.js"
_HARDLY = """
() => addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`);
})
"""
PATIENCE_MS: Final = 60_000
"""What is waited for comes when it comes: beside other workers in ten times the time that it takes alone."""
expect.set_options(timeout=PATIENCE_MS)
_OVERFLOWING = """
() => {
  const isShown = (element) => element.checkVisibility() && !element.closest("dialog:not([open])");
  const found = [];
  const page = document.documentElement;
  if (page.scrollWidth > page.clientWidth + 1) found.push(`page: ${page.scrollWidth} in ${page.clientWidth}`);
  for (const element of document.querySelectorAll("#app *")) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!hasText || !isShown(element)) continue;
    const style = getComputedStyle(element);
    if (style.display === "inline") continue;
    if (element.closest(".visually-hidden, .skip, .scroll, option, svg")) continue;
    const isCut = element.scrollWidth > element.clientWidth + 1 && style.textOverflow !== "ellipsis";
    if (!isCut || /auto|scroll/.test(style.overflowX)) continue;
    found.push(`${element.className || element.tagName}: ${element.textContent.trim().slice(0, 60)}`);
  }
  return found;
}
"""


def why_not() -> str:
    """The reason why no browser can be driven here; empty: it can."""
    return "" if _CHROMIUM else "needs Chromium (Debian: apt-get install chromium)"


@contextmanager
def demo_server(*more: str) -> Iterator[str]:
    """``twap-server start --demo`` as people start it, on a free port; gives its base URL."""
    with DemoServer(*more) as server:
        yield server.url


class DemoServer:
    """A demo server in a process of its own, which can be killed and started again on the same port."""

    def __init__(self, *more: str, folder: Path | None = None) -> None:
        """``folder``: where orders and accounts stay over a kill."""
        self.url = ""
        self._more = (*more, *(() if folder is None else ("--database", f"sqlite:///{folder}/demo.sqlite3")))
        self._variables = {} if folder is None else {"TMPDIR": str(folder)}
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end(signal.SIGTERM)

    def start(self) -> None:
        """Start it: on a free port at first, then on that one."""
        port = self.url.rpartition(":")[2] or "0"
        command = [sys.executable, "-m", "twap_server", "start", "--demo", "--port", port, *self._more]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | self._variables,
        )
        assert self._process.stdout is not None
        lines = iter(self._process.stdout.readline, "")
        urls = (found[0] for line in lines if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        self.url = next(urls, "")
        if not self.url:
            self.kill()
            pytest.fail("the demo server ended before it listened")

    def kill(self) -> None:
        """End it at once, as a crash does (SIGKILL)."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(how)
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


@dataclass
class Watched:
    """A page, and what it did that it should not."""

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    """Parts of console lines that a test provokes, such as ``401`` or ``ERR_CONNECTION_REFUSED``."""

    async def open(self, place: str = "") -> None:
        """Go to an address of the page, such as ``#/market``, and wait until a view is there."""
        await self.page.goto(f"{self.url}/{place}")
        await self.page.wait_for_selector("main")

    async def enter_demo(self) -> None:
        """Sign in as the demo's user, with the one button."""
        await self.open("#/sign-in")
        await self.page.get_by_role("button", name="Enter the demo").click()
        await self.page.locator("header .who").wait_for()

    async def overflowing(self) -> list[str]:
        """Texts that do not fit their boxes."""
        found: list[str] = await self.page.evaluate(_OVERFLOWING)
        return found

    async def inaccessible(self) -> list[str]:
        """What axe-core finds wrong: rules and where."""
        await self.page.evaluate(_AXE.read_text("utf-8"))
        result: dict[str, Any] = await self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {one['nodes'][0]['target']} {one['nodes'][0].get('failureSummary', '')[:200]}"
            for one in result["violations"]
        ]

    def on_console(self, message: ConsoleMessage) -> None:
        """Keep errors and warnings."""
        is_of_the_driver = (
            "GL Driver Message" in message.text
        )  # of a graphics card in software: no fault of the page
        if message.type in ("error", "warning") and not is_of_the_driver:
            self._note(f"console {message.type}: {message.text} {message.location.get('url', '')}")

    def on_request(self, request: Request) -> None:
        """Keep requests to other hosts."""
        if not request.url.startswith((self.url, "data:", "blob:")):
            self._note(f"foreign request: {request.url}")

    def _note(self, fault: str) -> None:
        if not any(part in fault for part in self.allowed):
            self.faults.append(fault)


@asynccontextmanager
async def browsing(
    url: str, *, width: int = 1280, height: int = 800, is_dark: bool = False, **context: Any
) -> AsyncIterator[Watched]:
    """A fresh browser at that size; its page must have done nothing wrong by the end."""
    if reason := why_not():
        pytest.skip(reason)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        scheme: Any = "dark" if is_dark else "light"
        opened = await browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, **context
        )
        await opened.add_init_script(f"({_HARDLY})()")
        page = await opened.new_page()
        page.set_default_timeout(PATIENCE_MS)
        watched = Watched(page, url)
        page.on("console", watched.on_console)
        page.on("pageerror", lambda error: watched.faults.append(f"uncaught: {error}"))
        page.on("request", watched.on_request)
        yield watched
        await browser.close()
    assert watched.faults == [], watched.faults
