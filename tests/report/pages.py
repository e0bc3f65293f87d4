"""Reading a report as a reader does: its figures, its text, its links; an independent look at what was written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input", "line", "rect", "circle", "path"}
# Kinds of digits that stand outside figures: axis ticks of pictures, commands to type.
ALLOWED = {"tick", "code"}
SIZES = {"k": 3, "m": 6, "bn": 9, "tn": 12}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """Figures with what they show, text outside them, links."""

    figures: list[Element] = field(default_factory=list)
    texts: list[Element] = field(default_factory=list)
    loose: list[tuple[str, str]] = field(default_factory=list)
    links: list[dict[str, str]] = field(default_factory=list)
    tags: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[Element] = []

    def handle_starttag(self, tag, attrs):
        element = Element(tag, {k: v or "" for k, v in attrs})
        self.tags.append(element)
        if tag == "a":
            self.links.append(element.attributes)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(Element(tag, {k: v or "" for k, v in attrs}))

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        element = self._open.pop()
        assert element.tag == tag, f"<{element.tag}> is closed by </{tag}>"
        kind = element.attributes.get("class", "").split()
        if "fig" in kind:
            self.figures.append(element)
        elif "txt" in kind:
            self.texts.append(element)

    def handle_data(self, data):
        if not self._open:
            return
        self._open[-1].text += data
        around = {
            c for e in self._open for c in (*e.attributes.get("class", "").split(), e.attributes.get("data-kind", ""))
        }
        tags = {e.tag for e in self._open}
        if (
            "body" in tags
            and not tags & {"style", "title"}
            and not around & {"fig", "txt", *ALLOWED}
            and re.search(r"\d", data)
        ):
            self.loose.append(("/".join(e.tag for e in self._open), data.strip()))


def read(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    return page


def stated(element: Element) -> str:
    """The exact value that a figure carries."""
    return element.attributes["value"] if element.tag == "data" else element.attributes["data-value"]


def shows(kind: str, value: str, text: str) -> bool:
    """Is ``text`` a fair writing of ``value``? Read back independently: equal within half a unit of the last digit shown."""
    if kind in ("clock", "time"):
        when = datetime.fromtimestamp(int(value) // 10**9, UTC)
        day, _, clock = text.rpartition(" ")
        assert (kind == "time") == bool(day)
        hours = [int(p) for p in clock.split(":")]
        hours += [0] * (3 - len(hours))
        return hours == [when.hour, when.minute, when.second] and day in ("", f"{when:%Y-%m-%d}")
    body, factor = text.replace("−", "-").replace(",", ""), Decimal(1)
    if kind == "seconds":
        number, _, unit = body.partition("\u202f")
        return Decimal(number) * {"s": 1, "min": 60, "h": 3600, "d": 86400}[unit] * 10**9 == Decimal(value)
    if kind in ("share", "change", "part"):
        assert body.endswith("\u202f%"), text
        body, factor = body[:-2], Decimal("0.01")
    if kind == "millionths":
        factor = Decimal(10) ** 6
    if kind == "size":
        value = value.lstrip("-")
    if kind in ("amount", "size", "signed", "millionths"):
        found = re.fullmatch(r"([+-]?[\d.]+(?:E-\d+)?)(k|m|bn|tn)?", body)
        assert found, text
        body, factor = found[1], factor * Decimal(10) ** SIZES.get(found[2] or "", 0)
    top, _, bottom = value.partition("/")
    exact = Decimal(top) / Decimal(bottom or "1")
    shown = Decimal(body)
    exponent = shown.as_tuple().exponent
    assert isinstance(exponent, int)
    half = Decimal(5).scaleb(exponent - 1)
    return abs(shown * factor - exact) <= half * factor


def parsed(path: str, document: object) -> object:
    """The value at a path, found without our own code."""
    here = document
    for key in path.split("."):
        name = key.replace("%2E", ".").replace("%25", "%")
        here = here[int(name)] if isinstance(here, list) else here[name]  # type: ignore[index]
    return here
