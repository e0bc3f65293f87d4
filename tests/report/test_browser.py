"""The report in a real browser: ids look-*. Nothing leaves the file, nothing is cut off, everything can be read."""

from __future__ import annotations

import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
if CHROMIUM is None:
    pytest.skip("no chromium on this machine", allow_module_level=True)

WIDTHS = (360, 768, 1280)
PRINT_WIDTH = 680  # A4 less its margins, at 96 pixels an inch

# Contrast of every visible text against what is behind it (WCAG 2: 4.5 for text; 3 for large text).
CONTRAST = """() => {
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
  const light = ([r, g, b]) => { const f = v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] > 0) return c; }
    return parse(getComputedStyle(document.documentElement).backgroundColor); };
  const bad = []; let seen = 0;
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!own || !e.checkVisibility() || e.closest('style') || e.getClientRects().length === 0) continue;
    const style = getComputedStyle(e), svg = e.ownerSVGElement;
    const ink = light(parse(svg ? style.fill : style.color)), ground = light(behind(svg ? svg.parentElement : e));
    const ratio = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
    seen++;
    if (ratio < 4.5) bad.push([e.tagName, e.className.baseVal ?? e.className, e.textContent.trim().slice(0, 40), ratio.toFixed(2)]);
  }
  return {seen, bad};
}"""

# Figures that take no room, or lie outside every box that a reader can scroll to.
UNSEEN = """() => {
  const bad = []; let seen = 0;
  for (const e of document.querySelectorAll('data.fig, tspan.fig')) {
    const picture = e.closest('.wide, .narrow');
    if (picture && getComputedStyle(picture).display === 'none') continue;
    const b = e.getBoundingClientRect(), svg = e.closest('svg'); seen++;
    if (b.width < 1 || b.height < 6 || getComputedStyle(e).visibility !== 'visible') bad.push(['no room', e.textContent]);
    if (svg) { const s = svg.getBoundingClientRect();
      if (b.left < s.left - 1 || b.right > s.right + 1 || b.top < s.top - 1 || b.bottom > s.bottom + 1) bad.push(['cut', e.textContent, b.right - s.right]); }
  }
  return {seen, bad};
}"""

# Labels of pictures: none cut off, none printed over another one.
CROWDED = """() => {
  const bad = []; let seen = 0;
  for (const svg of document.querySelectorAll('svg.pic')) {
    const frame = svg.getBoundingClientRect(); if (!frame.width) continue;
    const boxes = [...svg.querySelectorAll('text')].map(t => [t.getBoundingClientRect(), t.textContent]); seen += boxes.length;
    boxes.forEach(([a, text], i) => {
      if (a.left < frame.left - 1 || a.right > frame.right + 1) bad.push(['cut', text, (a.right - frame.right).toFixed(1)]);
      for (const [b, other] of boxes.slice(i + 1)) {
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left), tall = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (wide > 2 && tall > 4) bad.push(['over', text, other, tall.toFixed(1)]);
      }
    });
  }
  return {seen, bad};
}"""


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


class Opened:
    """A page with what it asked for and complained about."""

    def __init__(self, browser, path, width=1280, scheme="light", height=800):
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True
        )
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda r: self.asked.append(r.url))
        self.page.on("console", lambda m: self.said.append(m.text))
        self.page.on("pageerror", lambda e: self.said.append(str(e)))
        self.page.goto(path.as_uri())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_look_nothing_leaves_and_nothing_is_wider_than_the_page(either, browser, width):
    with Opened(browser, either.page, width) as at:
        wide = at.page.evaluate("document.scrollingElement.scrollWidth")
        assert wide <= width, f"{wide} pixels wide on a screen of {width}"
        assert at.asked == [either.page.as_uri()] and at.said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_look_every_text_can_be_read(either, browser, width, scheme):
    with Opened(browser, either.page, width, scheme) as at:
        found = at.page.evaluate(CONTRAST)
        assert found["seen"] > 120 and found["bad"] == []
        ground = at.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") == (scheme == "light"), ground


@pytest.mark.parametrize("width", WIDTHS)
def test_look_every_figure_is_there(either, browser, width):
    with Opened(browser, either.page, width) as at:
        found = at.page.evaluate(UNSEEN)
        assert found["seen"] > 120 and found["bad"] == []
        crowded = at.page.evaluate(CROWDED)
        assert crowded["seen"] > 60 and crowded["bad"] == []


def test_look_pictures_can_be_read_on_a_phone(either, browser):
    """No text of a picture is smaller than ten pixels at 360 wide."""
    with Opened(browser, either.page, 360) as at:
        smallest = at.page.evaluate(
            """() => Math.min(...[...document.querySelectorAll('svg.pic')].filter(s => s.clientWidth).map(s =>
            Math.min(...[...s.querySelectorAll('text')].map(t => parseFloat(getComputedStyle(t).fontSize))) *
            s.getBoundingClientRect().width / s.viewBox.baseVal.width))"""
        )
        assert smallest >= 10, smallest


def test_look_print_cuts_nothing_off(either, browser):
    with Opened(browser, either.page, PRINT_WIDTH) as at:
        at.page.emulate_media(media="print")
        assert at.page.evaluate("document.scrollingElement.scrollWidth") <= PRINT_WIDTH
        cut = at.page.evaluate(
            f"""() => [...document.querySelectorAll('table, svg.pic, pre, dl')].map(e => [e.id || e.tagName, e.getBoundingClientRect()])
            .filter(([, b]) => b.width && (b.right > {PRINT_WIDTH} + 1 || b.left < -1)).map(([n, b]) => [n, b.right])"""
        )
        assert cut == []
        tall = at.page.evaluate(
            "Math.max(...[...document.querySelectorAll('figure')].map(f => f.getBoundingClientRect().height))"
        )
        assert tall < 1000, f"a figure of {tall} pixels is cut by a page of 1000"
        shown = at.page.evaluate(
            "[...document.querySelectorAll('.narrow, .get')].filter(e => e.getClientRects().length).length"
        )
        assert shown == 0
        found = at.page.evaluate(UNSEEN)
        assert found["seen"] > 120 and found["bad"] == []


def test_look_print_is_black_on_white_even_in_dark(either, browser):
    with Opened(browser, either.page, PRINT_WIDTH, "dark") as at:
        at.page.emulate_media(media="print", color_scheme="dark")
        assert at.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert at.page.evaluate(CONTRAST)["bad"] == []
        assert at.page.pdf(format="A4", prefer_css_page_size=True).startswith(b"%PDF")


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_look_downloads_work_under_the_policy(made, browser, ending, tmp_path):
    with Opened(browser, made.page) as at:
        with at.page.expect_download() as got:
            at.page.click(f'a[download="waterfall.{ending}"]')
        got.value.save_as(tmp_path / "got")
        assert (tmp_path / "got").read_bytes() == (made.tables / f"waterfall.{ending}").read_bytes()
        assert at.said == []


def test_look_the_checks_can_fail(made, browser, tmp_path):
    """A pale text, a loud page and a wide table are noticed."""
    text = made.page.read_text(encoding="utf-8")
    spoilt = tmp_path / "spoilt.html"
    spoilt.write_text(
        text.replace("<footer>", '<footer><p><img src="http://127.0.0.1:9/x.png" width="3000"></p>').replace(
            "--soft:#51606e", "--soft:#cccccc"
        ),
        encoding="utf-8",
    )
    with Opened(browser, spoilt, 360) as at:
        assert at.page.evaluate("document.scrollingElement.scrollWidth") > 360
        assert at.said, "the policy of the page refuses the picture and the changed style, and says so"
