"""Commands: everything that can be asked of the engine, as plain immutable values.

A command is journalled before it is applied. It carries its own time (integer nanoseconds UTC); the engine has no
clock. Amounts are integers: marks in the market's mark scale, sizes in lots, cash in ledger minor units.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from seawall.errors import InputError


class Marks(NamedTuple):
    """New marks, all or none. ``indexes`` prices collateral: asset -> (num, den), numeraire book units per book unit.

    ``quarantined`` lists what the oracle refused to use: (market or source, price as text, reason). ``oracle``: index price
    of a market, in its mark units, where a policy closes positions at it; it stands until the next one.
    """

    time_ns: int
    marks: Mapping[str, int]
    indexes: Mapping[str, tuple[int, int]] = {}
    quarantined: tuple[tuple[str, str, str], ...] = ()
    oracle: Mapping[str, int] = {}


class Fill(NamedTuple):
    """A counterparty answers a close-out intent: ``lots`` (> 0) at ``price`` (mark units)."""

    time_ns: int
    intent: int
    counterparty: str
    lots: int
    price: int


class Resolve(NamedTuple):
    """Intents past their deadline lapse; every account still at risk goes down the ladder of its policy."""

    time_ns: int


class Trade(NamedTuple):
    """Two accounts trade ``lots`` (> 0) at ``price`` (mark units)."""

    time_ns: int
    buyer: str
    seller: str
    market: str
    lots: int
    price: int


class Deposit(NamedTuple):
    """Money arrives from outside the venue; ``amount`` (> 0) in minor units."""

    time_ns: int
    account: str
    asset: str
    amount: int


class Withdraw(NamedTuple):
    """Money leaves the venue; refused when it would take the account below its initial requirement."""

    time_ns: int
    account: str
    asset: str
    amount: int


class Funding(NamedTuple):
    """Funding for one interval: market -> (num, den), a signed fraction of notional; positive: longs pay shorts."""

    time_ns: int
    rates: Mapping[str, tuple[int, int]]


class Settle(NamedTuple):
    """A future or option expires: every position closes at ``price`` (mark units; 0 only for an option)."""

    time_ns: int
    market: str
    price: int


class DeclareLoss(NamedTuple):
    """Money of the venue is gone for another reason than a default: ``cause`` from ``waterfall.CAUSES``.

    ``reference`` names the incident; a reference is booked once. ``amount`` (> 0) in minor units.
    """

    time_ns: int
    reference: str
    asset: str
    amount: int
    cause: str


class Recover(NamedTuple):
    """Money comes back for a loss: first what nobody had paid, then those who paid, the layer used last first."""

    time_ns: int
    loss: int
    asset: str
    amount: int


class Reinstate(NamedTuple):
    """The owner lifts a house account back, with money from outside: ``amount`` (> 0) in minor units."""

    time_ns: int
    account: str
    asset: str
    amount: int


class StopPaying(NamedTuple):
    """A member answers no call and puts nothing back from now on: it is asked once, and is in default then."""

    time_ns: int
    member: str


class WindDown(NamedTuple):
    """The venue stops for good: every market settles by the policy's rule. See ``engine.winddown``."""

    time_ns: int


class FileClaim(NamedTuple):
    """A claim against the estate of a venue that is wound down: ``amount`` in minor units, ``rank`` its class."""

    time_ns: int
    claim: str
    claimant: str
    asset: str
    rank: str
    amount: int


class Distribute(NamedTuple):
    """Pay the estate out in one asset, class by class; ``final`` ends it."""

    time_ns: int
    asset: str
    final: bool


class Auction(NamedTuple):
    """The bids for the portfolio of an account under liquidation are opened. See ``engine.auction``.

    ``invitations``: (member, time sent); ``bids``: (member, account that would take the positions, amount, time).
    Amounts and ``reserve`` in minor units: what is paid on top of the mark, negative: what is asked for.
    """

    time_ns: int
    account: str
    asset: str
    opens_ns: int
    closes_ns: int
    reserve: int
    competitive_within: int
    invitations: tuple[tuple[str, int], ...]
    bids: tuple[tuple[str, str, int, int], ...]


class OpenFundAuction(NamedTuple):
    """Open an auction of the fund, as the policy's ``[auctions]`` say. ``sells``: "debt" or "surplus" of an asset.

    See ``engine.fundauction``.
    """

    time_ns: int
    sells: str
    asset: str


class BidFundAuction(NamedTuple):
    """A bid in open auction ``auction``: ``shares`` (> 0) asked for the debt, or offered for the surplus."""

    time_ns: int
    auction: int
    account: str
    shares: int


class CloseFundAuction(NamedTuple):
    """Decide an auction that takes no bids any more, or open it again when nobody bid."""

    time_ns: int
    auction: int


class NetFundDebt(NamedTuple):
    """The fund pays debt out of what it has above its buffer, before anything is auctioned."""

    time_ns: int
    asset: str


Command = (
    Marks
    | Fill
    | Resolve
    | Trade
    | Deposit
    | Withdraw
    | Funding
    | Settle
    | DeclareLoss
    | Recover
    | Reinstate
    | StopPaying
    | WindDown
    | FileClaim
    | Distribute
    | Auction
    | OpenFundAuction
    | BidFundAuction
    | CloseFundAuction
    | NetFundDebt
)

KINDS: dict[str, type[Any]] = {
    "marks": Marks,
    "fill": Fill,
    "resolve": Resolve,
    "trade": Trade,
    "deposit": Deposit,
    "withdraw": Withdraw,
    "funding": Funding,
    "settle": Settle,
    "declare_loss": DeclareLoss,
    "recover": Recover,
    "reinstate": Reinstate,
    "stop_paying": StopPaying,
    "wind_down": WindDown,
    "file_claim": FileClaim,
    "distribute": Distribute,
    "auction": Auction,
    "open_fund_auction": OpenFundAuction,
    "bid_fund_auction": BidFundAuction,
    "close_fund_auction": CloseFundAuction,
    "net_fund_debt": NetFundDebt,
}
NAMES: dict[type[Any], str] = {cls: name for name, cls in KINDS.items()}


def command_to_plain(command: Command) -> dict[str, Any]:
    """The command as JSON-ready data, fields at their default left out; ``command_from_plain`` gives it back."""
    usual = command._field_defaults
    given = {name: value for name, value in command._asdict().items() if name not in usual or value != usual[name]}
    return {"kind": NAMES[type(command)], **given}


def _whole(value: Any) -> int:
    """The value if it is a whole number: neither text, nor a truth value, nor a float that happens to be round."""
    if type(value) is not int:
        raise TypeError(f"{value!r} is not a whole number")
    return value


_TYPES: dict[str, type] = {"int": int, "str": str, "bool": bool}


def _check(name: str, annotation: str, value: Any) -> None:
    """Is a field what the command's annotation says? ``type`` and not ``isinstance``: True is no amount."""
    wanted = _TYPES.get(annotation.removesuffix(" | None"))
    if wanted is not None:
        fine = type(value) is wanted or (value is None and annotation.endswith(" | None"))
    elif annotation == "Mapping[str, int]":
        fine = isinstance(value, Mapping) and all(type(k) is str and type(v) is int for k, v in value.items())
    else:
        fine = isinstance(value, Mapping | tuple)
    if not fine:
        raise TypeError(f"{name} is {value!r}, expected {annotation}")


def command_from_plain(data: Mapping[str, Any]) -> Command:
    """The command that ``data`` (one journal line) names.

    Raises:
        InputError: unknown kind, or fields that are missing, surplus or not whole numbers.
    """
    fields = dict(data)
    kind = fields.pop("kind", None)
    cls = KINDS.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise InputError("unknown command", field="kind", value=kind, expected=", ".join(KINDS))
    try:
        if cls is Marks:
            fields["indexes"] = {a: (_whole(n), _whole(d)) for a, (n, d) in fields.get("indexes", {}).items()}
            fields["quarantined"] = tuple((str(s), str(p), str(r)) for s, p, r in fields.get("quarantined", ()))
        if cls is Auction:
            fields["invitations"] = tuple((str(m), _whole(t)) for m, t in fields["invitations"])
            fields["bids"] = tuple((str(m), str(a), _whole(n), _whole(t)) for m, a, n, t in fields["bids"])
        if cls is Funding:
            fields["rates"] = {m: (_whole(n), _whole(d)) for m, (n, d) in fields["rates"].items()}
        command: Command = cls(**fields)
        for name, kind_of in cls.__annotations__.items():
            _check(name, kind_of.__forward_arg__, getattr(command, name))
    except (TypeError, ValueError, KeyError) as error:
        raise InputError("command has wrong fields", field=str(kind), value=str(error)) from None
    return command
