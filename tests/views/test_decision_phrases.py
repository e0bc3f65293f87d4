"""How explanations name accounts, losses and numbers. Ids phrase-*.

Source: an explanation is read by the one it fell on; names of the ledger and of the engine are not its language.
"""

from fractions import Fraction

import pytest
from tests.books import FLAT, USDC

from seawall.market import Instrument
from seawall.views.decision_show import _decision
from seawall.views.decision_terms import Terms, halt_reason, loss_of, payer, whose
from seawall.views.decision_values import Decision
from seawall.views.decision_words import sentence

X = Instrument.of("X-PERP", USDC, base="X", quote="USD", lot=Fraction(1, 100), mark_scale=1, brackets=FLAT)
TERMS = Terms({"USDC": USDC}, {"X-PERP": X})


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (payer("contribution:member 13"), "the contribution of member 13"),
        (payer("own resources"), "own resources"),
        (whose("contribution:A", None), "the contribution of A: "),
        (whose("contribution:A", "contribution:A"), ""),
        (loss_of("ann"), " of ann"),
        (loss_of("treasury:reserves"), " (treasury: reserves)"),
        (loss_of("desk:reserves"), " of desk:reserves"),
        (halt_reason("unpaid above 1000000: 9665188.812701"), "unpaid above 1,000,000: 9,665,188.81"),
        (halt_reason("move above 0.2: 0.2345"), "move above 0.2: 0.2345"),
        (halt_reason("outage at least 120: 135"), "outage at least 120: 135"),
        (halt_reason("fund below 250000: -3"), "fund below 250,000: -3"),
        (halt_reason("move of X2-PERP above 1/3: 0.5"), "move of X2-PERP above 1/3: 0.5"),
    ],
)
def test_phrase_001_names_and_numbers_as_people_say_them(said, wanted):
    assert said == wanted


def _of(kind, **fields):
    return sentence({"kind": kind, **fields}, TERMS, None)


@pytest.mark.parametrize(
    ("event", "wanted"),
    [
        (
            ("moved", {"account": "ann", "asset": "USDC", "amount_minor": -2_500_000, "code": "withdraw"}),
            "ann: withdrawal of 2.5000 USDC",
        ),
        (
            (
                "drawn",
                {"loss": 1, "layer": "fund", "source": "fund", "asset": "USDC", "amount": 5_000_000},
            ),
            "layer 'fund' paid 5.0000 USDC of loss 1",
        ),
        (
            (
                "drawn",
                {"loss": 1, "layer": "own", "source": "contribution:A", "asset": "USDC", "amount": 5_000_000},
            ),
            "layer 'own' (the contribution of A) paid 5.0000 USDC of loss 1",
        ),
        (
            # 3 lots of 0.01 at 110,507.3: 3,315.219
            (
                "position_settled",
                {"account": "ann", "market": "X-PERP", "asset": "USDC", "lots": 3, "value": 3_315_219_000},
            ),
            "ann: short 0.03 X of X-PERP was settled at 110,507.3",
        ),
        (
            (
                "claim_rejected",
                {"claim": "c", "claimant": "eve", "asset": "USDC", "amount_minor": 1_000_000, "reason": "unknown"},
            ),
            "claim 'c' of eve for 1.0000 USDC was rejected: the ledger owes the claimant nothing",
        ),
        (
            ("written_off", {"asset": "USDC", "amount": 1_000_000, "parts": []}),
            "for 1.0000 USDC of balances no money was left; they were written off",
        ),
    ],
)
def test_phrase_002_events_read_as_sentences(event, wanted):
    kind, fields = event
    assert _of(kind, **fields) == wanted


@pytest.mark.parametrize(
    ("holder", "wanted"),
    [("s000139", "s000139 holds a claim"), ("contribution:A", "The contribution of A holds a claim")],
)
def test_phrase_003_a_sentence_begins_with_a_capital_but_an_account_keeps_its_name(holder, wanted):
    event = {"kind": "claim_opened", "loss": 1, "holder": holder, "rank": 2, "asset": "USDC", "amount": 5}
    words = sentence(event, TERMS, None)
    told = Decision("1.1", "2026-01-01 00:00:00", "claim_opened", words, (), None, (), (), None, (), (), (), event)
    assert _decision(told, None, 80)[2].startswith(wanted)
