"""The pages in a browser: quiet, inside the window at any width, joined to their code."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import symbackprop as sb
import symbackprop.gallery
from symbackprop import pipeline
from symbackprop.notation import Notation
from tests.report.test_captions import SHARED
from tests.sampling import sampled

pytestmark = pytest.mark.browser
webdriver = pytest.importorskip("selenium.webdriver")

PAGES = sorted(path.stem for path in Path(symbackprop.gallery.__file__).parent.glob("*.yaml"))
SIZES = ((1280, 800), (390, 844))
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# What sticks out to the right of the window, but for what scrolls inside a box of its own.
OUTSIDE = """
const width = document.documentElement.clientWidth, found = [];
for (const e of document.body.querySelectorAll("*")) {
  const box = e.getBoundingClientRect();
  if (!box.width || box.right <= width + 1) continue;
  let inside = false;
  for (let p = e.parentElement; p; p = p.parentElement) {
    const kind = getComputedStyle(p).overflowX;
    if (kind === "auto" || kind === "scroll" || kind === "hidden") { inside = true; break; }
  }
  if (!inside) found.push(e.className + " " + Math.round(box.right));
}
if (document.documentElement.scrollWidth > width) found.push("the page");
return found;
"""
# Boxes of the picture whose mathematics is wider than they are.
FULL = """
const wide = (e) => e.getBoundingClientRect().width;
return [...document.querySelectorAll(".cell")].filter(
  (cell) => [...cell.children].some((e) => wide(e) > wide(cell) + 1)
).map((cell) => cell.textContent);
"""
# Formulas wider than their room, when the page has set them smaller.
CUT = """
return new Promise((resolve) => setTimeout(resolve, 200)).then(() =>
  [...document.querySelectorAll(".m, .f, .of")]
    .filter((e) => e.scrollWidth > e.clientWidth + 1)
    .map((e) => e.textContent));
"""


# Links that lead nowhere, code without its equation, equations without code, formulas that were
# not set.
LOST = """
const at = (id) => document.getElementById(id), found = [];
for (const a of document.querySelectorAll('a[href^="#"]')) {
  if (!at(a.getAttribute("href").slice(1))) found.push(a.outerHTML);
}
for (const e of document.querySelectorAll(".code [id]")) {
  if (!at("e" + e.id.slice(1))) found.push(e.id);
}
for (const e of document.querySelectorAll("main [id]")) {
  if (/^e\\d+$/.test(e.id) && !at("c" + e.id.slice(1))) found.push(e.id);
}
for (const e of document.querySelectorAll("main, .graph, .names")) {
  if (/[\\\\$]/.test(e.textContent)) found.push(e.textContent.match(/.{0,20}[\\\\$].{0,20}/)[0]);
}
return found;
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if found is None or driver is None:
        pytest.skip("no Chromium, or no driver for it")
    options = webdriver.ChromeOptions()
    options.binary_location = found
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=driver)
    with webdriver.Chrome(options=options, service=service) as running:
        yield running


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    for name in PAGES:
        pipeline.render(sb.derive(sb.load(name)), folder / f"{name}.html")
    return folder


def opened(browser: Any, path: Path, width: int, height: int, dark: bool = False) -> list[str]:
    """Open the page; what it asked for and said."""
    media = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get("about:blank")
    browser.get_log("browser"), browser.get_log("performance")
    browser.get(path.as_uri())
    said = [entry["message"] for entry in browser.get_log("browser")]
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            address = message["params"]["request"]["url"]
            if address != path.as_uri() and not address.startswith(("data:", "about:")):
                said.append(address)
    return said


@pytest.mark.parametrize("name", sampled(PAGES, 4))
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_page_is_quiet_and_stays_inside_the_window(
    browser: Any, rendered: Path, name: str, width: int, height: int
) -> None:
    assert opened(browser, rendered / f"{name}.html", width, height) == []
    assert browser.execute_script(OUTSIDE) == []
    assert browser.execute_script(FULL) == []
    assert browser.execute_script(LOST) == []
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    assert browser.execute_script(OUTSIDE) == []
    assert browser.execute_script(CUT) == []


@pytest.mark.parametrize("name", ["dropout_digits", "sunspots_ssm"])
def test_a_page_in_chinese_is_as_quiet(browser: Any, tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.html"
    pipeline.render(sb.derive(sb.load(name)), path, Notation(language="zh"))
    for width, height in SIZES:
        assert opened(browser, path, width, height) == []
        for found in (OUTSIDE, FULL, LOST):
            assert browser.execute_script(found) == []


def test_an_equation_and_its_code_light_up_together(browser: Any, rendered: Path) -> None:
    opened(browser, rendered / "xor.html", 1280, 800)
    point = (
        "const over = new PointerEvent('pointerover', {bubbles: true});"
        "document.getElementById(arguments[0]).dispatchEvent(over)"
    )
    both = (
        "return [...document.querySelectorAll('.on')]"
        ".map((e) => [e.dataset.n, e.closest('.code') ? 'code' : 'text'])"
    )
    for place in ("e8", "c8"):
        browser.execute_script(point, place)
        lit = {tuple(found) for found in browser.execute_script(both)}
        assert lit == {("8", "code"), ("8", "text")}


def test_a_link_opens_what_it_leads_to(browser: Any, rendered: Path) -> None:
    opened(browser, rendered / "xor.html", 390, 844)
    browser.execute_script("document.querySelector('.code details').open = false")
    browser.execute_script("location.hash = 'c8'; dispatchEvent(new HashChangeEvent('hashchange'))")
    seen = "const e = document.getElementById('c8'); return !!e.offsetParent"
    assert browser.execute_script(seen)


def test_dark_and_light(browser: Any, rendered: Path) -> None:
    paper = "return getComputedStyle(document.documentElement).backgroundColor"
    colours = []
    for dark in (False, True):
        opened(browser, rendered / "xor.html", 1280, 800, dark)
        colours.append(browser.execute_script(paper))
        browser.execute_script("document.querySelector('.theme').click()")
        colours.append(browser.execute_script(paper))
        browser.execute_script("localStorage.clear()")
    light, turned, dark, back = colours
    assert light == back != turned == dark


def test_formulas_are_set_before_any_script_runs(browser: Any, rendered: Path) -> None:
    """Without scripts the page has the same height: nothing jumps."""
    heights = []
    for off in (False, True):
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": off})
        opened(browser, rendered / "xor.html", 1280, 800)
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
        tall = browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]["height"]
        heights.append(tall)
    assert heights[0] == heights[1]


def test_signs_of_several_losses_stay_inside_their_boxes(browser: Any, tmp_path: Path) -> None:
    derivation = sb.derive(sb.parse(SHARED))
    for gradients in ("nabla", "denominators"):
        path = tmp_path / f"{gradients}.html"
        pipeline.render(derivation, path, Notation("delta", gradients, "column"))
        opened(browser, path, 1280, 800)
        assert browser.execute_script(FULL) == []


def test_long_names_stay_in_their_columns(browser: Any, tmp_path: Path) -> None:
    name = "a_very_long_parameter_name_that_goes_on_and_on_for_a_while"
    text = (
        f"name: long\ninputs: {{x: [N, 3]}}\nparams: {{{name}: {{shape: [3]}}}}\n"
        f"network: |\n  predictions = x @ {name}\nloss: mean(predictions)\n"
    )
    path = tmp_path / "long.html"
    pipeline.render(sb.derive(sb.parse(text)), path)
    wider = "return [...document.querySelectorAll('.table li > *')]"
    wider += ".filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent)"
    for width, height in SIZES:
        assert opened(browser, path, width, height) == []
        assert browser.execute_script(wider) == []
        assert browser.execute_script(OUTSIDE) == []
