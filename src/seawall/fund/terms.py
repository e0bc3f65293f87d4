"""Terms of the fund: what a policy says about staking, leaving and incidents."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from seawall.errors import InputError


@dataclass(frozen=True, slots=True)
class FundTerms:
    """One version of the terms.

    Attributes:
        cooldown_ns: from request to payment; also the notice of every change of terms, so that whoever asks to leave
            when a change is announced is out of the cool-down when it begins.
        exit_share: in any stretch of ``exit_window_ns`` at most this share of the vault is paid to leavers.
        exit_window_ns: see there.
        dust: the part of a stake that rounding to whole shares may cost at most; a larger loss is refused, so that
            nobody can be robbed by making one share dear.
        reserve: units that draws leave in the vault, so that shares keep a price.
        protocol_share: part of income for which the venue receives new shares of its own.
        incident_longest_ns: an incident locks payments at most this long.
    """

    cooldown_ns: int
    exit_share: Fraction = Fraction(1)
    exit_window_ns: int = 1
    dust: Fraction = Fraction(1, 10_000)
    reserve: int = 1
    protocol_share: Fraction = Fraction(0)
    incident_longest_ns: int = 1

    def __post_init__(self) -> None:
        for name, low, high in (("exit_share", 0, 1), ("dust", 0, 1), ("protocol_share", 0, 1)):
            if not low <= getattr(self, name) <= high:
                raise InputError("share out of range", field=name, value=getattr(self, name), expected="0 to 1")
        if self.cooldown_ns < 0 or self.reserve < 0:
            raise InputError("negative time or reserve", field="cooldown_ns, reserve")
        if self.exit_window_ns <= 0 or self.incident_longest_ns <= 0:
            raise InputError("a window needs a length", field="exit_window_ns, incident_longest_ns")
        if self.exit_share == 0:
            raise InputError(
                "nobody could ever leave", field="exit_share", value=0, expected="above 0; use a longer cool-down"
            )
