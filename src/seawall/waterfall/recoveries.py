"""Recoveries: money that comes back later goes to those who paid, last used first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Generic, NamedTuple, TypeVar

from seawall.errors import InputError
from seawall.waterfall.parts import parts

N = TypeVar("N", int, Fraction)


class Returned(NamedTuple, Generic[N]):
    """Per layer in the order of return: its name and what each payer gets back; ``excess`` is beyond all that was paid."""

    layers: list[tuple[str, dict[str, N]]]
    excess: N


def return_recoveries(recovery: N, paid: Sequence[tuple[str, Mapping[str, N]]]) -> Returned[N]:
    """Repay layers in listed order (last used first), each up to what it paid; inside one pro rata to what each paid.

    Integers round by largest remainder; nobody gets back more than was paid.

    Source: Nasdaq Clearing notice of 15 November 2018 (pro rata to contributions at the time of default), and the
    reverse order usual in rule books.

    Raises:
        InputError: negative recovery or payment.
    """
    if recovery < 0:
        raise InputError("negative recovery", field="recovery", value=recovery)
    left = recovery
    out: list[tuple[str, dict[str, N]]] = []
    for name, payers in paid:
        amounts = list(payers.values())
        if any(a < 0 for a in amounts):
            raise InputError("negative payment", field=name)
        back = min(left, sum(amounts, recovery - recovery))
        out.append((name, dict(zip(payers, parts(back, amounts), strict=True))))
        left -= back
    return Returned(out, left)
