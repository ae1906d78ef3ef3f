"""How a page is looked at in tests: overflow, accessibility, screenshots, greyscale. For Playwright."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Page

ROOT: Final = Path(__file__).parents[2]
SCREENSHOTS: Final = ROOT / "var" / "screenshots"
AXE: Final = ROOT / ".venv" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

OVERFLOWS = """() => {
  const problems = [];
  const width = document.documentElement.clientWidth;
  if (document.scrollingElement.scrollWidth > width + 1)
    problems.push(`the page is ${document.scrollingElement.scrollWidth} px wide in ${width} px`);
  const name = (e) => `${e.localName}.${e.className} "${e.textContent.trim().slice(0, 40)}"`;
  const scrolls = (e) => e.closest(".table-wrap, pre, [data-scrolls]") !== null;
  const hidden = (e) => e.closest(".visually-hidden, .skip-link, dialog:not([open])") !== null;
  for (const e of document.body.querySelectorAll("*")) {
    const box = e.getBoundingClientRect();
    if (box.width === 0 || box.height === 0 || hidden(e) || scrolls(e) || e.closest("svg")) continue;
    if (box.right > width + 1 || box.left < -1) problems.push(`${name(e)} reaches beyond the edge`);
    if (!e.matches("h1, h2, h3, h4, button, a, label, legend, p, li, th, td, .level, .ending, .occasion")) continue;
    const clips = getComputedStyle(e).overflow !== "visible";
    if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0) problems.push(`${name(e)} is wider than its box`);
    if (clips && e.scrollHeight > e.clientHeight + 1 && e.clientHeight > 0) problems.push(`${name(e)} is cut off`);
  }
  return problems.slice(0, 10);
}"""

VIOLATIONS = """async (tags) => {
  const result = await axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
  const where = (node) => `${node.target.join(" ")} ${node.any[0]?.message ?? ""}`;
  return result.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map(where).join("; ")}`);
}"""


async def no_overflow(page: Page) -> None:
    """Nothing scrolls sideways, reaches beyond the edge or is cut off; else AssertionError says what does.

    Parts meant to scroll by themselves are ``.table-wrap``, ``pre`` or carry ``data-scrolls``.
    """
    problems = await page.evaluate(OVERFLOWS)
    assert not problems, "\n".join(problems)


LONGEST_PAGE = 12_000


async def axe(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 AA and its own best practice, one line each; works under a strict CSP.

    The page is looked at in its whole length: a bar that sticks to the window's edge covers whatever lies there at
    one moment, which scrolling uncovers, and which would make the answer depend on the height by chance.
    """
    source = await asyncio.to_thread(AXE.read_text, encoding="utf-8")
    await page.evaluate(f"() => {{ {source} }}")
    async with _whole_length(page):
        found: list[str] = await page.evaluate(VIOLATIONS, RULES)
    return found


@asynccontextmanager
async def _whole_length(page: Page) -> AsyncIterator[None]:
    size = page.viewport_size
    length = int(await page.evaluate("() => document.documentElement.scrollHeight"))
    if size is None or length <= size["height"]:
        yield
        return
    await page.set_viewport_size({"width": size["width"], "height": min(length, LONGEST_PAGE)})
    try:
        yield
    finally:
        await page.set_viewport_size(size)


async def screenshot(page: Page, name: str, *, full_page: bool = True) -> Path:
    """Keep a picture in ``var/screenshots`` for people to look at; its path.

    A JPEG takes Chromium two thirds of the time of a PNG, and hundreds are made.
    """
    path = SCREENSHOTS / f"{name}.jpg"
    await page.evaluate("() => document.fonts.ready.then(() => true)")
    await page.screenshot(path=path, full_page=full_page, type="jpeg", quality=80)
    return path


@asynccontextmanager
async def greyscale(page: Page) -> AsyncIterator[None]:
    """Inside, the page is seen without any colour."""
    session = await page.context.new_cdp_session(page)
    await session.send("Emulation.setEmulatedVisionDeficiency", {"type": "achromatopsia"})
    try:
        yield
    finally:
        await session.send("Emulation.setEmulatedVisionDeficiency", {"type": "none"})
        await session.detach()


async def contrast(page: Page, selector: str) -> float:
    """The contrast ratio (WCAG 2.2, 1.4.3) of an element's text against its nearest painted background."""
    ratio: float = await page.locator(selector).first.evaluate(CONTRAST)
    return ratio


CONTRAST = """(element) => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  let ground = element;
  while (ground && (channels(getComputedStyle(ground).backgroundColor)[3] ?? 1) === 0) ground = ground.parentElement;
  const paper = ground ? channels(getComputedStyle(ground).backgroundColor) : [255, 255, 255];
  const [dark, light] = [luminance(channels(getComputedStyle(element).color)), luminance(paper)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}"""
