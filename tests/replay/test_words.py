"""What a result says in plain words. Ids words-*."""

from __future__ import annotations

import copy
from decimal import Decimal

import pytest

from seawall.replay import replay, words

SHORT = [
    ("0", "0"),
    ("0.000", "0"),
    ("1529335.959804", "1.53m"),
    ("428303335.29", "428.3m"),
    ("29796.231641", "29.80k"),
    ("999", "999"),
    ("999.6", "999.60"),
    ("999950", "1.00m"),  # half to even: 999.95k has an odd last digit
    ("999850", "999.8k"),
    ("-2212.5", "-2.21k"),
    ("5.2", "5.20"),
    ("12.34", "12.34"),
    ("0.0123456", "0.01"),
    ("0.00123456", "0.0012"),
    ("0.00000012", "1.2E-7"),
    ("-0.5", "-0.50"),
    ("51000000000000", "51.00tn"),
    ("1234567890123456789", "1,234,567.9tn"),
]


@pytest.mark.parametrize(("amount", "text"), SHORT)
def test_words_001_short_amounts_have_three_digits(amount, text):
    assert words.short(amount) == text
    assert words.short(Decimal(amount)) == text


def test_words_002_other_numbers():
    assert [words.signed(a) for a in ("805076.3", "-1200000", "0")] == ["+805.1k", "-1.20m", "0"]
    assert [words.amount(a) for a in ("1529335.955", "-0.5", "0")] == ["1,529,335.96", "-0.50", "0.00"]
    assert words.amount("1" + "0" * 27) == "1" + ",000" * 9 + ".00"
    assert [words.percent(r) for r in ("0.1720", "1.0000", "0.00049", None)] == ["17.2 %", "100.0 %", "0.0 %", "-"]
    assert [words.some(n, "winner") for n in (0, 1, 1558)] == ["no winner", "1 winner", "1,558 winners"]
    assert words.some(2, "loss", "losses") == "2 losses"


@pytest.fixture(scope="module")
def summary():
    return replay("generate:accounts=2000,seed=7", "2025-10-10").summary


def at(document, path):
    for key in path.split("."):
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


def with_values(summary, values):
    s = copy.deepcopy(summary)
    for path, value in values.items():
        *rest, last = path.split(".")
        (at(s, ".".join(rest)) if rest else s)[last] = value
    return s


NONE = {
    "liquidated.accounts": 0,
    "bad_debt": "0",
    "deleveraged.accounts": 0,
    "deleveraged.collected": "0",
    "layers": [],
    "haircut.amount": "0",
    "residual": "0",
    "pending": "0",
    "accounts": 2000,
    "unit": "USDC",
}
SENTENCES = {
    "nothing": ({}, "0 of 2,000 accounts were liquidated."),
    "one": (
        {"liquidated.accounts": 1},
        "1 of 2,000 accounts was liquidated; nobody lost more than their margin; nobody was deleveraged; nothing was left "
        "unpaid.",
    ),
    "everything": (
        {
            "liquidated.accounts": 30,
            "bad_debt": "1234567.8",
            "layers": [
                {"name": "fund", "net": "-1000000", "after": "0"},
                {"name": "vault", "net": "0", "after": "9"},
                {"name": "pool", "net": "5", "after": "6"},
            ],
            "deleveraged.accounts": 1,
            "deleveraged.collected": "100049",
            "haircut.amount": "100000",
            "residual": "34567.3",
        },
        "30 of 2,000 accounts were liquidated; losses beyond margin came to 1.23m USDC; the fund lost 1.00m USDC; the pool "
        "gained 5 USDC; 1 winner was deleveraged and gave up 100.0k USDC; gains were cut by 100.0k USDC; 34.57k USDC was left "
        "unpaid.",
    ),
    "interrupted, not settled": (
        {"interrupted": True, "steps": 1200, "liquidated.accounts": 2, "deleveraged.accounts": 3, "pending": "7"},
        "Interrupted after 1,200 steps; 2 of 2,000 accounts were liquidated; nobody lost more than their margin; 3 winners "
        "were deleveraged; 7 USDC is not settled yet.",
    ),
    "house accounts below zero": (
        {
            "liquidated.accounts": 2,
            "layers": [
                {"name": "backstop", "net": "-1000000", "after": "-2500"},
                {"name": "vault", "net": "0", "after": "-3"},
            ],
            "residual": "5",
            "pending": "2503",
        },
        "2 of 2,000 accounts were liquidated; nobody lost more than their margin; the backstop lost 1.00m USDC and ended "
        "2.50k USDC below zero; the vault stayed 3 USDC below zero; nobody was deleveraged; 5 USDC was left unpaid and 2.50k "
        "USDC is not settled yet.",
    ),
    "everybody pays": (
        {
            "liquidated.accounts": 2,
            "bad_debt": "100",
            "losses.by_cause": {
                "default": {"losses": 1, "amount": "100", "residual": "0"},
                "exploit": {"losses": 1, "amount": "40", "residual": "0"},
            },
            "layers": [{"name": "member contributions", "net": "-60", "after": "0"}],
            "members.called": "20",
            "members.callees": 3,
            "socialised.charged": "30",
            "socialised.charged_accounts": 1,
            "socialised.cash_cut": "10",
            "socialised.cut_accounts": 900,
            "socialised.on_withdrawals": "20",
            "recovered.amount": "5",
        },
        "2 of 2,000 accounts were liquidated; losses beyond margin came to 100 USDC; losses by exploit came to 40 USDC; the "
        "member contributions lost 60 USDC; nobody was deleveraged; 3 members were called for 20 USDC; 1 account with open "
        "positions was charged 30 USDC; 900 balances were cut by 10 USDC; 20 USDC was put on withdrawals; nothing was left "
        "unpaid; 5 USDC came back later.",
    ),
    "the fund and its auctions paid later": (
        {
            "liquidated.accounts": 2,
            "bad_debt": "100",
            "layers": [{"name": "fund", "net": "-70", "result": "-40", "after": "0"}],
            "residual": "60",
            "fund_auctions": {"residual": "40", "netted": "15"},
        },
        "2 of 2,000 accounts were liquidated; losses beyond margin came to 100 USDC; the fund lost 40 USDC; nobody was "
        "deleveraged; 60 USDC was left unpaid, of which auctions for its shares paid 40 USDC and the fund paid 15 USDC "
        "later.",
    ),
    "the end of the venue": (
        {"liquidated.accounts": 2, "wind_down": {"written_off": "7"}},
        "2 of 2,000 accounts were liquidated; nobody lost more than their margin; nobody was deleveraged; nothing was left "
        "unpaid; the venue was wound down, and balances of 7 USDC were written off.",
    ),
    "winners gained": (
        {"liquidated.accounts": 2, "deleveraged.accounts": 3, "deleveraged.collected": "-250"},
        "2 of 2,000 accounts were liquidated; nobody lost more than their margin; 3 winners were deleveraged and gained 250 "
        "USDC; nothing was left unpaid.",
    ),
}


@pytest.mark.parametrize("case", SENTENCES.values(), ids=list(SENTENCES))
def test_words_003_the_headline_is_one_plain_sentence(summary, case):
    values, sentence = case
    assert words.headline(with_values(summary, {**NONE, **values})) == sentence


def test_words_004_each_figure_of_the_headline_is_one_of_the_document(summary):
    parts = words.headline_parts(summary)
    assert "".join(p.text for p in parts) == words.headline(summary)
    for part in parts:
        if part.path is None:
            assert not any(c.isdigit() for c in part.text), part
            continue
        value = at(summary, part.path)
        if part.path.endswith(".name"):
            assert part.text == value
        else:
            assert part.text == (words.count(value) if isinstance(value, int) else words.short(abs(Decimal(value))))
