"""Reading nested TOML tables with errors that name the key path and the nearest valid name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, NoReturn, TypeVar

from seawall.errors import PolicyError

T = TypeVar("T")
MOST_DIGITS = 1_000
_EXPONENT = re.compile(r"[eE][+-]?[\d_]{4,}")  # four digits or more: too long to write out


def nearest(name: str, known: Iterable[str]) -> str:
    """``expected`` text for an unknown name: the nearest valid one first, else all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"{close[0]!r}" if close else "one of " + ", ".join(names)


def _number(value: str | int) -> Fraction:
    """Exact, of a size that can be computed with and printed again: "1e5000" is a typing error."""
    if isinstance(value, str) and (len(value) > MOST_DIGITS or _EXPONENT.search(value)):
        raise ValueError
    number = Fraction(value)
    if max(abs(number.numerator), number.denominator) >= 10**MOST_DIGITS:
        raise ValueError
    return number


class Table:
    """One table of a TOML file on the way to a typed value.

    Every ``get`` marks its key as known; ``done`` refuses keys that nobody asked for, so a typo is never ignored.
    """

    def __init__(self, data: Any, where: str, path: str = "") -> None:
        if not isinstance(data, Mapping):
            raise PolicyError("not a table", where=where, field=path, value=data, expected="a table of keys")
        self.data = data
        self.where = where
        self.path = path
        self._known: set[str] = set()

    def at(self, key: str) -> str:
        """Key path of ``key``."""
        return f"{self.path}.{key}" if self.path else key

    def fail(self, key: str, problem: str, expected: str = "") -> NoReturn:
        """Raise for one key."""
        raise PolicyError(problem, where=self.where, field=self.at(key), value=self.data.get(key), expected=expected)

    def missing(self, key: str, what: str, problem: str = "key is missing") -> NoReturn:
        """Raise for a key that has to be there; a key that looks like it misspelt is named."""
        unasked = [name for name in self.data if name not in self._known]
        close = difflib.get_close_matches(key, unasked, n=1, cutoff=0.6)
        self.fail(key, problem, f"{what}; is {close[0]!r} a misspelling of it?" if close else what)

    def has(self, key: str) -> bool:
        """Is the key there?"""
        self._known.add(key)
        return key in self.data

    def _read(self, key: str, default: T | None, required: bool, read: Callable[[Any], T], what: str) -> T | None:
        self._known.add(key)
        if key not in self.data:
            if required:
                self.missing(key, what)
            return default
        try:
            return read(self.data[key])
        except (ValueError, TypeError, ZeroDivisionError):
            self.fail(key, "bad value", what)

    def text(self, key: str, default: str | None = None) -> str:
        """A string; required without a default."""

        def read(value: Any) -> str:
            if not isinstance(value, str):
                raise TypeError
            return value

        return self._read(key, default, default is None, read, "text") or ""

    def choice(self, key: str, known: Iterable[str], default: str | None = None) -> str:
        """One of a set of names."""
        names = list(known)
        if default is None and key not in self.data:
            self.missing(key, "one of " + ", ".join(names))
        value = self.text(key, default)
        if value not in names:
            self.fail(key, "unknown name", nearest(value, names))
        return value

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""

        def read(value: Any) -> bool:
            if not isinstance(value, bool):
                raise TypeError
            return value

        return bool(self._read(key, default, False, read, "true or false"))

    def whole(self, key: str, default: int | None = None, *, low: int = 0) -> int:
        """A whole number, at least ``low``."""

        def read(value: Any) -> int:
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise ValueError
            return value

        return int(self._read(key, default, default is None, read, f"a whole number, at least {low}") or 0)

    def fraction(
        self, key: str, default: Fraction | None = None, *, low: Fraction = Fraction(0), high: Fraction | None = None
    ) -> Fraction:
        """An exact fraction written as text ("0.05", "2/3") or a whole number; floats are refused as inexact."""
        found = self.maybe_fraction(key, low=low, high=high)
        if found is not None:
            return found
        if default is None:
            self.missing(key, 'a fraction as text such as "0.05" or "2/3"')
        return default

    def maybe_fraction(self, key: str, *, low: Fraction = Fraction(0), high: Fraction | None = None) -> Fraction | None:
        """Like ``fraction``, None when the key is absent."""
        top = "" if high is None else f" and at most {high}"

        def read(value: Any) -> Fraction:
            if isinstance(value, bool) or not isinstance(value, str | int):
                raise TypeError
            number = _number(value)
            if number < low:
                raise ValueError
            if high == 1 and number > 1:
                self.fail(key, "more than 100 %", 'at most "1"')
            if high is not None and number > high:
                raise ValueError
            return number

        return self._read(key, None, False, read, f'a fraction as text such as "0.05" or "2/3", at least {low}{top}')

    def seconds(self, key: str, default: int | None = None) -> int:
        """Whole seconds, as nanoseconds."""
        return self.whole(key, default) * 10**9

    def names(self, key: str, known: Iterable[str], default: Iterable[str]) -> frozenset[str]:
        """A list of names out of a set."""
        allowed = list(known)
        self._known.add(key)
        values = self.data.get(key, list(default))
        if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
            self.fail(key, "bad value", "a list of names")
        for value in values:
            if value not in allowed:
                self.fail(key, "unknown name", nearest(value, allowed))
        return frozenset(values)

    def strings(self, key: str) -> list[str]:
        """A list of texts."""
        self._known.add(key)
        values = self.data.get(key, [])
        if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
            self.fail(key, "bad value", "a list of texts")
        return list(values)

    def table(self, key: str) -> Table | None:
        """A sub-table, or None."""
        self._known.add(key)
        return Table(self.data[key], self.where, self.at(key)) if key in self.data else None

    def must(self, key: str) -> Table:
        """A sub-table that has to be there."""
        found = self.table(key)
        if found is None:
            self.missing(key, f"a table [{self.at(key)}]", "table is missing")
        return found

    def rows(self, key: str) -> list[Table]:
        """An array of tables, empty when absent."""
        self._known.add(key)
        rows = self.data.get(key, [])
        if not isinstance(rows, list):
            self.fail(key, "not an array of tables", f"[[{self.at(key)}]]")
        return [Table(row, self.where, f"{self.at(key)}[{i}]") for i, row in enumerate(rows)]

    def done(self) -> None:
        """Refuse keys that were never asked for."""
        for key in self.data:
            if key not in self._known:
                self.fail(key, "unknown key", nearest(str(key), self._known))
