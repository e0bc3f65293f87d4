"""Report and terminal say the same sentence. Id headline-001."""

from __future__ import annotations

import pytest
from tests.crashes import COINS, LINEAR, crash

from seawall.replay import replay, words
from seawall.views import run_view
from seawall.views.document import words as said

CASES = {
    "backstop": lambda: ("generate:accounts=2000,seed=7", "2025-10-10", "hyperliquid"),
    "fund that loses": lambda: ("generate:accounts=2000,seed=3", crash(COINS), "dydx-v4"),
    "nothing": lambda: ("generate:accounts=50,seed=5", crash(LINEAR, low=0.999), "hyperliquid"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_headline_001_is_one_sentence_everywhere(case):
    run = replay(*case())
    assert said(run_view(run.record()).headline) == words.headline(run.summary)
