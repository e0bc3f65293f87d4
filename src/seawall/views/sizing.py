"""A picture of how large a default fund must be: what is prefunded, and Cover-1 to Cover-5 under it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seawall.replay.words import short
from seawall.views.bars import Bar, bars
from seawall.views.svg import Svg

FUND, OWN, COVERED, SHORT = 1, 4, 3, 2


def cover_picture(asset: Mapping[str, Any], width: float = 720.0) -> Svg:
    """One asset of ``replay.MembersSizing.document``: the fund with the house's slices, then each Cover-k, its part
    beyond what is prefunded hatched."""
    prefunded, unit = float(asset["prefunded"]["prefunded"]), str(asset["asset"])
    own = sum(float(amount) for amount in asset["prefunded"]["own_slices"].values())
    rows = [
        Bar(["prefunded"], [(float(asset["default_fund"]), FUND), (own, OWN)], [short(asset["prefunded"]["prefunded"])])
    ]
    for cover in asset["cover"]:
        amount = float(cover["amount"])
        parts = [(min(amount, prefunded), COVERED), (max(0.0, amount - prefunded), SHORT)]
        rows.append(Bar([f"Cover-{cover['defaults']}, {cover['stress']}"], parts, [short(cover["amount"])]))
    told = "; ".join(f"Cover-{c['defaults']} {short(c['amount'])}" for c in asset["cover"])
    return bars(
        f"cover-{unit}",
        width,
        rows,
        unit,
        f"Prefunded {short(asset['prefunded']['prefunded'])} {unit}; {told}",
        (("default fund", FUND), ("the house's own", OWN), ("covered", COVERED), ("beyond what is prefunded", SHORT)),
    )
