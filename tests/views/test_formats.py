"""Texts of figures: ids fmt-*. Each text is checked against the value it stands for, not against the code that wrote it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from seawall.views.formats import KINDS, exact, show

CASES = [
    ("count", 20000, "20,000"),
    ("count", 0, "0"),
    ("amount", "564.822406", "564.82"),
    ("amount", "0", "0"),
    ("amount", "0.004", "0.004"),
    ("amount", "1365773.960862", "1.37m"),
    ("amount", "-948268.5", "−948.3k"),
    ("amount", "2103111431", "2.10bn"),
    ("amount", "123456789", "123.5m"),
    ("amount", "0.000000001", "1.0E−9"),
    ("amount", "999960", "1.00m"),
    ("amount", "-999996000", "−1.00bn"),
    ("amount", "999.996", "1.00k"),
    ("amount", "12345678901234567890123456789012.123456", "12,345,678,901,234,567,890.1tn"),
    ("size", "-132535.79", "132.5k"),
    ("signed", "132535.79", "+132.5k"),
    ("signed", "-3", "−3"),
    ("signed", "0", "0"),
    ("money", "1365773.960862", "1,365,774"),
    ("money", "13.54", "13.54"),
    ("exact", "-0.000001", "−0.000001"),
    ("exact", "862163861.529398", "862,163,861.529398"),
    ("share", "0.7352", "73.5\u202f%"),
    ("share", "0.0042", "0.42\u202f%"),
    ("share", "1", "100\u202f%"),
    ("change", -0.507, "−50.7\u202f%"),
    ("change", "0.05", "+5\u202f%"),
    ("part", "1/80", "1.25\u202f%"),
    ("part", "2/3", "66.6667\u202f%"),
    ("factor", "10/1", "10"),
    ("factor", "5/2", "2.5"),
    ("millionths", 100_000_000_000, "100.0k"),
    ("price", 101213.8, "101,214"),
    ("price", 0.000051, "0.000051"),
    ("price", 1.8482, "1.8482"),
    ("ratio", "0.887", "0.89"),
    ("seconds", 30 * 10**9, "30\u202fs"),
    ("seconds", 60 * 10**9, "1\u202fmin"),
    ("seconds", 1_500_000_000, "1.5\u202fs"),
    ("clock", 1760131200 * 10**9, "21:20"),
    ("clock", 1760131215 * 10**9, "21:20:15"),
    ("time", 1760131200 * 10**9, "2025-10-10 21:20"),
    ("name", "BTC-PERP", "BTC-PERP"),
    ("count", None, "–"),
]


@pytest.mark.parametrize(("kind", "value", "text"), CASES, ids=lambda v: str(v))
def test_fmt_texts(kind, value, text):
    assert show(kind, value) == text


def test_fmt_every_kind_is_written():
    assert {kind for kind, _, _ in CASES} >= set(KINDS) - {"text", "hash", "measure"}


@pytest.mark.parametrize(
    ("value", "text"), [(Decimal("1E+3"), "1000"), (0.1, "0.1"), (True, "true"), (None, ""), ("x", "x"), (7, "7")]
)
def test_fmt_exact_loses_nothing(value, text):
    assert exact(value) == text
