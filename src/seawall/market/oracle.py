"""From quotes to one price, and from a trade and an index to one mark; what cannot be used is quarantined.

Prices are integers at one scale that the caller chooses. There is no clock: the caller gives the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import Enum
from fractions import Fraction
from typing import NamedTuple

from seawall.money import Rounding, div

MAX_PRICE = 1 << 62


class Quarantine(Enum):
    """Why a price was not used."""

    STALE = "stale"  # older than the rule's maximum age
    FUTURE = "future"  # later than now by more than the rule allows
    NOT_A_NUMBER = "not_a_number"  # NaN, infinite, or too large for any scale
    ZERO = "zero"  # zero, or so small that it rounds to zero
    NEGATIVE = "negative"  # below zero
    PINNED = "pinned"  # repeats one value while the other sources move
    UNCONFIRMED = "unconfirmed"  # first price, or a jump, that no later observation has confirmed yet
    DEVIATES = "deviates"  # too far from the median of the fresh sources
    OUTSIDE_BAND = "outside_band"  # a trade too far from the index to be a mark


class Quote(NamedTuple):
    """One source's price: an integer, or the reason why it is none. ``weight`` > 0."""

    source: str
    price: int | Quarantine
    time_ns: int
    weight: int = 1


@dataclass(frozen=True, slots=True)
class OracleRule:
    """How quotes become one price.

    Attributes:
        max_age_ns, max_future_ns: window around now in which a quote may be used.
        max_deviation: largest distance from the median of the usable quotes, as a fraction of it (inclusive).
        quorum: fewest sources that must agree.
        max_jump: a source's price may move by at most this fraction between observations before it has to be
            confirmed; None: no such check.
        confirm: later observations, at different times, that confirm a first price or a jump.
        pinned_after: a source that repeats one value this often, while the aggregate moved by more than
            ``pinned_move``, is pinned; 0: no such check.
        pinned_move: see ``pinned_after``.
    """

    max_age_ns: int
    max_future_ns: int
    max_deviation: Fraction
    quorum: int = 1
    max_jump: Fraction | None = None
    confirm: int = 1
    pinned_after: int = 0
    pinned_move: Fraction = Fraction(0)


class Aggregate(NamedTuple):
    """``price`` is None when fewer than the quorum could be used."""

    price: int | None
    used: tuple[str, ...]
    quarantined: tuple[tuple[str, int | None, Quarantine], ...]


def scaled_price(value: float | str | int, scale: int) -> int | Quarantine:
    """A price as an integer count of ``10**-scale``, rounded half to even; or why it is none.

    A float is read as the shortest decimal that prints it.
    """
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, ValueError):
        return Quarantine.NOT_A_NUMBER
    if not number.is_finite() or number.adjusted() > 30:
        return Quarantine.NOT_A_NUMBER
    if number < 0:
        return Quarantine.NEGATIVE
    numerator, denominator = number.as_integer_ratio()
    price = div(numerator * 10**scale, denominator, Rounding.HALF_EVEN)
    if price == 0:
        return Quarantine.ZERO
    return price if price < MAX_PRICE else Quarantine.NOT_A_NUMBER


def weighted_median(prices: Sequence[tuple[int, int]]) -> int:
    """Lower weighted median of (price, weight): the smallest price at which half the weight is reached.

    With an even split it is the lower of the two middle prices; it is always one of the prices given.
    """
    ordered = sorted(prices)
    half = sum(w for _, w in ordered)
    reached = 0
    for price, weight in ordered:
        reached += 2 * weight
        if reached >= half:
            return price
    raise ValueError("median of no prices")


def within(price: int, reference: int, limit: Fraction) -> bool:
    """Is ``price`` within ``limit`` (a fraction, inclusive) of ``reference``? Exact."""
    return abs(price - reference) * limit.denominator <= limit.numerator * reference


def aggregate(quotes: Sequence[Quote], now_ns: int, rule: OracleRule) -> Aggregate:
    """One price out of many: drop what cannot be used, take the weighted median, drop what deviates, take it again."""
    usable: list[Quote] = []
    bad: list[tuple[str, int | None, Quarantine]] = []
    for quote in quotes:
        reason = _unusable(quote, now_ns, rule)
        if reason is None:
            usable.append(quote)
        else:
            bad.append((quote.source, quote.price if isinstance(quote.price, int) else None, reason))
    prices = {q.source: q.price for q in usable if isinstance(q.price, int)}
    if usable:
        middle = weighted_median([(prices[q.source], q.weight) for q in usable])
        for quote in list(usable):
            if not within(prices[quote.source], middle, rule.max_deviation):
                usable.remove(quote)
                bad.append((quote.source, prices[quote.source], Quarantine.DEVIATES))
    if not usable or len(usable) < rule.quorum:
        return Aggregate(None, (), tuple(bad))
    price = weighted_median([(prices[q.source], q.weight) for q in usable])
    return Aggregate(price, tuple(q.source for q in usable), tuple(bad))


def _unusable(quote: Quote, now_ns: int, rule: OracleRule) -> Quarantine | None:
    if isinstance(quote.price, Quarantine):
        return quote.price
    if quote.price == 0:
        return Quarantine.ZERO
    if quote.price < 0:
        return Quarantine.NEGATIVE
    if quote.time_ns > now_ns + rule.max_future_ns:
        return Quarantine.FUTURE
    if now_ns - quote.time_ns > rule.max_age_ns:
        return Quarantine.STALE
    return None


@dataclass(slots=True)
class SourceMemory:
    """What one source has said so far: catches unconfirmed first prices and jumps, and pinned values.

    Feed every observation with ``observe``; it returns the price if it may be used, else why not. A first price or
    a jump beyond ``max_jump`` is held back until ``confirm`` later observations, at other times, stay within
    ``max_jump`` of it; if they fall back to the last good price, the jump is forgotten.
    """

    rule: OracleRule
    good: int | None = None
    held: int | None = None
    held_time: int = 0
    confirmed: int = 0
    repeats: int = 0
    last: int | None = None
    reference: int | None = None
    _seen: set[int] = field(default_factory=set)

    def observe(self, price: int | Quarantine, time_ns: int, others: int | None = None) -> int | Quarantine:
        """One observation. ``others`` is the aggregate without this source, where known (for the pinned check)."""
        if isinstance(price, Quarantine):
            return price
        if price <= 0:
            return Quarantine.ZERO if price == 0 else Quarantine.NEGATIVE
        if self._pinned(price, others):
            return Quarantine.PINNED
        if self.rule.max_jump is None:
            return price
        if self.good is not None and within(price, self.good, self.rule.max_jump):
            self.good, self.held = price, None
            return price
        if self.held is None or not within(price, self.held, self.rule.max_jump):
            self.held, self.held_time, self.confirmed = price, time_ns, 0
            return Quarantine.UNCONFIRMED
        if time_ns > self.held_time:
            self.confirmed += 1
            self.held, self.held_time = price, time_ns
        if self.confirmed < self.rule.confirm:
            return Quarantine.UNCONFIRMED
        self.good, self.held = price, None
        return price

    def _pinned(self, price: int, others: int | None) -> bool:
        if not self.rule.pinned_after:
            return False
        if price != self.last:
            self.last, self.repeats, self.reference = price, 1, others
            return False
        self.repeats += 1
        if others is None or self.reference is None or self.repeats < self.rule.pinned_after:
            return False
        return not within(others, self.reference, self.rule.pinned_move)


@dataclass(frozen=True, slots=True)
class MarkRule:
    """How a market's mark follows from its last trade and its index.

    Attributes:
        kind: "last": the last trade. "banded": the last trade while it is within ``band`` of the index.
        band: fraction of the index, inclusive.
        fallback: banded and outside: "index": the mark is the index; "hold": there is no new mark.
        without_index: banded and no index: "trade": use the trade and say so; "hold": no new mark.
        max_age_ns: a last trade older than this is stale.
    """

    kind: str
    band: Fraction = Fraction(1, 20)
    fallback: str = "index"
    without_index: str = "trade"
    max_age_ns: int = 90 * 10**9


class MarkDecision(NamedTuple):
    """``mark`` None: no new mark. ``source``: "trade", "trade_without_index", "index" or "". ``refused``: why the trade
    was not used."""

    mark: int | None
    source: str
    refused: Quarantine | None


def decide_mark(trade: int | None, age_ns: int, index: int | None, rule: MarkRule) -> MarkDecision:
    """The mark, given the last usable trade price (None without one), its age, and the index (None without one)."""
    refused: Quarantine | None = None
    if trade is not None and age_ns > rule.max_age_ns:
        trade, refused = None, Quarantine.STALE
    if rule.kind == "last":
        return MarkDecision(trade, "trade" if trade is not None else "", refused)
    if index is None:
        if trade is None or rule.without_index == "hold":
            return MarkDecision(None, "", refused)
        return MarkDecision(trade, "trade_without_index", refused)
    if trade is not None:
        if within(trade, index, rule.band):
            return MarkDecision(trade, "trade", refused)
        refused = Quarantine.OUTSIDE_BAND
    if rule.fallback == "index":
        return MarkDecision(index, "index", refused)
    return MarkDecision(None, "", refused)
