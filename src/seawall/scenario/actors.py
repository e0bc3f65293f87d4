"""Who a scenario adds to the book: owners with cash and positions, spread over wallets."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from seawall.errors import InputError

ROLES = ("trader", "market_maker")
MOST_WALLETS = 10_000


@dataclass(frozen=True, slots=True)
class Holding:
    """A position at opening: either ``notional`` in the quote currency, or ``leverage`` as a multiple of the actor's
    cash; signed, negative is short. Exact."""

    asset: str
    notional: Fraction | None = None
    leverage: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Accounts added to any book at opening.

    Attributes:
        name: of the account, or of its wallets (``name-001`` ...).
        owner: whose they are; actors may share one.
        cash: of all wallets together, in the quote currency, exact.
        holdings: positions of all wallets together.
        wallets: accounts over which cash and positions are split evenly.
        role: a role of the book, from ``ROLES``.
        text: whom this stands for, and what of it is an assumption.
    """

    name: str
    owner: str
    cash: Fraction
    holdings: tuple[Holding, ...]
    wallets: int = 1
    role: str = "trader"
    text: str = ""

    def check(self, assets: tuple[str, ...], where: str, field_path: str) -> None:
        """Refuse what cannot be meant.

        Raises:
            InputError: no name or owner, no cash or negative cash, no position, an unknown asset or role, a position
                that is zero or stated twice or not at all, or too many wallets; the field is named.
        """

        def refuse(problem: str, name: str, value: object, expected: str = "") -> None:
            raise InputError(problem, where=where, field=f"{field_path}.{name}", value=value, expected=expected)

        for name, text in (("name", self.name), ("owner", self.owner)):
            if not text or any(c.isspace() for c in text):
                refuse("empty or has blanks", name, text)
        if self.cash <= 0:
            refuse("must be positive", "cash", str(self.cash))
        if not 1 <= self.wallets <= MOST_WALLETS:
            refuse("bad number of wallets", "wallets", self.wallets, f"1 to {MOST_WALLETS}")
        if self.role not in ROLES:
            refuse("unknown role", "role", self.role, "one of " + ", ".join(ROLES))
        if not self.holdings:
            refuse("an actor holds something", "positions", None, '[{ asset = "BTC", notional = "1000000" }]')
        for i, holding in enumerate(self.holdings):
            if holding.asset not in assets:
                refuse(
                    "no such asset in the scenario",
                    f"positions[{i}].asset",
                    holding.asset,
                    "one of " + ", ".join(assets),
                )
            if holding.asset in [h.asset for h in self.holdings[:i]]:
                refuse("asset held twice", f"positions[{i}].asset", holding.asset)
            given = [n for n in (holding.notional, holding.leverage) if n is not None]
            if len(given) != 1 or given[0] == 0:
                refuse(
                    "a position is a notional or a leverage, not zero",
                    f"positions[{i}]",
                    ", ".join(map(str, given)) or None,
                    'notional = "-1000000" or leverage = "5"',
                )

    def notional(self, holding: Holding) -> Fraction:
        """Signed notional of a position in the quote currency, all wallets together."""
        return holding.notional if holding.notional is not None else (holding.leverage or Fraction(0)) * self.cash
