"""The document of a report: everything shown, at a path, exact. A figure on a page is a reference into it.

The document is plain JSON data: the summary of a run at the top, then ``derived`` (what the pictures and sentences say), ``tables``
and, when asked for, ``frames``. A path is its keys with dots between; a dot inside a key is written ``%2E``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from seawall.views.formats import NONE, NUMERIC, Scalar, exact, plain, show


def join(*keys: str | int) -> str:
    """A path from its keys."""
    return ".".join(str(k).replace("%", "%25").replace(".", "%2E") for k in keys)


def find(document: Any, path: str) -> Any:
    """The value at a path.

    Raises:
        KeyError: there is none.
    """
    here = document
    for part in path.split("."):
        key = part.replace("%2E", ".").replace("%25", "%")
        try:
            here = here[int(key)] if isinstance(here, list) else here[key]
        except (KeyError, IndexError, TypeError, ValueError):
            raise KeyError(f"{path}: nothing at {key!r}") from None
    return here


@dataclass(frozen=True, slots=True)
class Fig:
    """One figure: where it stands in the document, its exact value, how it is shown.

    Attributes:
        path: see the module.
        value: the value in the document.
        kind: see ``formats.KINDS``.
    """

    path: str
    value: Scalar
    kind: str

    @property
    def text(self) -> str:
        """What a reader sees."""
        return show(self.kind, self.value)

    def __str__(self) -> str:
        return self.text

    def __html__(self) -> str:
        """As an element of a page. Text is marked too, so that digits in names and quotations are checked like figures."""
        if self.value is None or self.value == "":
            return NONE
        if self.kind not in NUMERIC:
            look = "txt id" if self.kind == "name" else "txt"
            return f'<span class="{look}" data-path="{escape(self.path)}">{escape(self.text)}</span>'
        return (
            f'<data class="fig" data-path="{escape(self.path)}" data-kind="{self.kind}" '
            f'value="{escape(exact(self.value))}">{escape(self.text)}</data>'
        )


Part = str | Fig
Parts = Sequence[Part]


def words(parts: Iterable[Part]) -> str:
    """Parts as plain text."""
    return "".join(str(p) for p in parts)


def html(parts: Iterable[Part]) -> Markup:
    """Parts as page text: strings are escaped, figures are elements."""
    return Markup("").join(Markup(p.__html__()) if isinstance(p, Fig) else escape(p) for p in parts)


class Document:
    """A document under construction. ``put`` adds to it, ``fig`` refers into it."""

    def __init__(self, summary: dict[str, Any]) -> None:
        self.data: dict[str, Any] = dict(summary)
        self.data.setdefault("derived", {})
        self.data.setdefault("tables", {})

    def fig(self, path: str, kind: str) -> Fig:
        """The figure at a path.

        Raises:
            KeyError: nothing stands there.
        """
        return Fig(path, find(self.data, path), kind)

    def put(self, name: str, /, **values: Scalar) -> None:
        """Write values under ``derived.name``."""
        self.data["derived"].setdefault(name, {}).update({k: plain(v) for k, v in values.items()})

    def derived(self, name: str, key: str, kind: str) -> Fig:
        """A figure under ``derived``."""
        return self.fig(join("derived", name, key), kind)

    def get(self, path: str, default: Any = None) -> Any:
        """The value at a path, or a default."""
        try:
            return find(self.data, path)
        except KeyError:
            return default
