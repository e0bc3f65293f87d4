"""Opening a venue on a book: house accounts, opening balances, the other side of books that do not net."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from seawall.engine.auctionbook import ESCROW, SHARES
from seawall.engine.fundsize import contributions, roster_of
from seawall.engine.memberbook import CONTRIBUTION
from seawall.engine.options import open_options
from seawall.engine.period import GainsPeriod, knows_capital, period_length
from seawall.engine.policy import HouseAccount, Policy
from seawall.engine.socialise import SOCIALISED, WRITTEN_OFF
from seawall.engine.state import EXTERNAL, HOUSE_ROLES, OUTSIDE, State
from seawall.errors import InputError
from seawall.ledger import Ledger
from seawall.liquidation import HaltTrack
from seawall.margin import Book, BookSnapshot
from seawall.money import Asset, Rounding, muldiv, parse_amount
from seawall.waterfall import CAUSES


def complete(
    snapshot: BookSnapshot,
    policy: Policy,
    marks: Mapping[int, int],
    indexes: Mapping[str, tuple[int, int]] | None = None,
) -> BookSnapshot:
    """The snapshot with the house accounts that the policy needs, and ``outside`` holding the open other side.

    ``outside`` enters at the opening mark, so that it brings no profit of its own. Order: the book's accounts, then
    the policy's house accounts in policy order, then ``outside``.
    """
    _check_names(snapshot)
    names = list(snapshot.account_ids)
    roles = list(snapshot.roles)
    taken = set(names)
    extra_cash: list[tuple[int, int, int]] = []
    present = house_accounts(names, roles, policy.house)
    members_cash = [0] * len(snapshot.assets)
    for account, asset, minor in zip(
        snapshot.cash_account.tolist(), snapshot.cash_asset.tolist(), snapshot.cash_minor, strict=True
    ):
        if roles[account] not in HOUSE_ROLES:
            members_cash[asset] += minor
    settle = sorted({snapshot.assets.index(i.settle) for i in snapshot.instruments})
    for house in policy.house:
        if present[house.name] is not None:
            continue
        index = len(names)
        names.append(house.name)
        roles.append(house.role)
        taken.add(house.name)
        extra_cash.extend((index, a, _opening(house, snapshot.assets[a], members_cash[a])) for a in settle)
    for name, contribution in default_fund(snapshot, policy, marks, members_cash, indexes).items():
        account = f"{CONTRIBUTION}{name}"
        if account in taken:
            raise InputError("account name is reserved", field="account", value=account)
        extra_cash.extend((len(names), a, amount) for a, amount in contribution.items())
        names.append(account)
        roles.append("fund")
        taken.add(account)
    if OUTSIDE not in roles:
        if OUTSIDE in taken:
            raise InputError("account name is reserved", field="account", value=OUTSIDE)
        names.append(OUTSIDE)
        roles.append(OUTSIDE)
    outside = roles.index(OUTSIDE)
    added = len(names) - len(snapshot.account_ids)
    net = np.zeros(len(snapshot.instruments), dtype=np.int64)
    np.add.at(net, snapshot.pos_market, snapshot.pos_lots)
    held = set(snapshot.pos_market[snapshot.pos_account == outside].tolist())
    other: list[tuple[int, int, int]] = []
    for market in np.nonzero(net)[0].tolist():
        instrument = snapshot.instruments[market]
        if market in held:
            raise InputError(
                "the outside account is in the book but lots do not net to zero",
                field="positions",
                value=f"{instrument.symbol}: {int(net[market])} lots over",
            )
        lots = -int(net[market])
        other.append((market, lots, lots * instrument.sign * instrument.unit_value(marks[market])))
    return replace(
        snapshot,
        account_ids=tuple(names),
        owners=(*snapshot.owners, *names[len(names) - added :]) if added else snapshot.owners,
        members=(*snapshot.members, *[""] * added),
        roles=tuple(roles),
        parents=np.concatenate([snapshot.parents, np.full(added, -1, dtype=np.int32)]),
        cash_account=np.concatenate([snapshot.cash_account, np.array([r[0] for r in extra_cash], dtype=np.int32)]),
        cash_asset=np.concatenate([snapshot.cash_asset, np.array([r[1] for r in extra_cash], dtype=np.int32)]),
        cash_minor=(*snapshot.cash_minor, *(r[2] for r in extra_cash)),
        pos_account=np.concatenate([snapshot.pos_account, np.full(len(other), outside, dtype=np.int32)]),
        pos_market=np.concatenate([snapshot.pos_market, np.array([o[0] for o in other], dtype=np.int32)]),
        pos_lots=np.concatenate([snapshot.pos_lots, np.array([o[1] for o in other], dtype=np.int64)]),
        pos_entry=np.concatenate([snapshot.pos_entry, np.array([o[2] for o in other], dtype=np.int64)]),
        marks=dict(marks),
    )


def _check_names(snapshot: BookSnapshot) -> None:
    """No account or asset bears a name that the ledger, or the holder of a declared loss, will need.

    Raises:
        InputError: one does.
    """
    reserved = ("clearing:", "deficit:", SOCIALISED, WRITTEN_OFF, ESCROW, SHARES, *(f"{cause}:" for cause in CAUSES))
    for number, name in enumerate(snapshot.account_ids):
        if name == EXTERNAL or name.startswith(reserved):
            raise InputError(
                "account name is reserved",
                row=number + 1,
                field="account",
                value=name,
                expected="a name that is not external and does not begin with " + ", ".join(reserved),
            )
    for asset in snapshot.assets:
        if asset.name.startswith(SHARES):
            expected = f"a name that does not begin with {SHARES}"
            raise InputError("asset name is reserved", field="asset", value=asset.name, expected=expected)


def members_of(snapshot: BookSnapshot, policy: Policy) -> dict[int, str]:
    """The member of every account that has one: as the book says, else assigned by the owner's name where the policy
    asks for it (SHA-256 modulo the number of members), so that linked accounts share a member."""
    if policy.members is None:
        return {}
    found = {a: name for a, name in enumerate(snapshot.members) if name and snapshot.roles[a] not in HOUSE_ROLES}
    if found or not policy.members.assign:
        return found
    count = policy.members.assign
    width = len(str(count))
    for account, owner in enumerate(snapshot.owners):
        if snapshot.roles[account] not in HOUSE_ROLES:
            number = int.from_bytes(hashlib.sha256(owner.encode()).digest()[:8], "big") % count
            found[account] = f"member {number + 1:0{width}d}"
    return found


def default_fund(
    snapshot: BookSnapshot,
    policy: Policy,
    marks: Mapping[int, int],
    members_cash: Sequence[int],
    indexes: Mapping[str, tuple[int, int]] | None = None,
) -> dict[str, dict[int, int]]:
    """Contribution of every member by asset, minor units; see ``fundsize.contributions``."""
    of_account = members_of(snapshot, policy)
    found: dict[str, dict[int, int]] = {name: {} for name in sorted(set(of_account.values()))}
    for asset, paid in contributions(snapshot, policy, marks, of_account, members_cash, indexes).items():
        for name, amount in paid.items():
            found[name][asset] = snapshot.assets[asset].to_minor(amount)
    return found


def _open_members(state: State) -> None:
    """Who belongs to which member, and where each contribution is kept."""
    policy = state.policy
    state.members.of_account = members_of(state.snapshot, policy)
    for name in sorted(set(state.members.of_account.values())):
        account = state.members.accounts[name] = state.account_index[f"{CONTRIBUTION}{name}"]
        for asset in sorted(set(state.settle_asset)):
            state.members.paid_in.setdefault(asset, {})[name] = state.book.cash(account, asset)
    if policy.members is not None and policy.members.groups:
        roster = roster_of(policy.members, sorted(state.members.accounts))
        state.members.groups = {name: tuple(sorted(g.members)) for g in roster.groups for name in g.members}


def _opening(house: HouseAccount, asset: Asset, members_cash: int) -> int:
    """Opening cash of a house account in one asset, minor units, whole book units."""
    amount = 0
    if house.opening is not None:
        amount += parse_amount(house.opening, asset.decimals, field=f"house.{house.name}.opening")
    if house.share_of_cash is not None:
        share = house.share_of_cash
        amount += muldiv(max(0, members_cash), share.numerator, share.denominator, Rounding.FLOOR)
    return asset.to_minor(asset.to_book(amount))


def open_state(
    snapshot: BookSnapshot,
    policy: Policy,
    marks: Mapping[int, int],
    time_ns: int = 0,
    *,
    indexes: Mapping[str, tuple[int, int]] | None = None,
) -> State:
    """A venue opened on a book: house accounts added, opening balances posted, the book built at ``marks``.

    Args:
        snapshot: the opening book.
        marks: market number -> opening mark, every market that has positions; missing ones are taken from
            ``snapshot.marks``.
        time_ns: time of the opening.
        indexes: opening index prices of collateral, as in ``commands.Marks``; needed for every asset but the
            numeraire when the policy judges accounts as a whole.

    Raises:
        InputError: a market with positions has no opening mark; a name clash with a house account; a fund that would
            have to take positions.
    """
    prices = _opening_marks(snapshot, marks)
    full = complete(snapshot, policy, prices, indexes)
    values = [i.unit_value(prices[m]) if m in prices else 0 for m, i in enumerate(full.instruments)]
    ledger = Ledger()
    external = [ledger.open(EXTERNAL, a, floor=None) for a in full.assets]
    clearing = [ledger.open(f"clearing:{i.symbol}", i.settle, floor=None) for i in full.instruments]
    book = Book.of(
        full,
        {m: v for m, v in enumerate(values) if v},
        pool=policy.margin.pool,
        numeraire=policy.numeraire,
        collateral=policy.haircuts,
        maintenance_of_initial=policy.margin.maintenance_of_initial,
        round_positions=policy.margin.profile.requirement_unit == "position",
    )
    state = State(
        policy=policy,
        snapshot=full,
        ledger=ledger,
        book=book,
        account_index={name: i for i, name in enumerate(full.account_ids)},
        market_index={i.symbol: m for m, i in enumerate(full.instruments)},
        asset_index={a.name: i for i, a in enumerate(full.assets)},
        settle_asset=[full.assets.index(i.settle) for i in full.instruments],
        external=external,
        clearing=clearing,
        outside=full.roles.index(OUTSIDE),
        backstop=None,
        house={},
        house_accounts={a for a, role in enumerate(full.roles) if role in HOUSE_ROLES},
        index_prices={
            number: Fraction(*(indexes or {})[a.name])
            for number, a in enumerate(full.assets)
            if a.name in (indexes or {})
        },
        unit_values=values,
        previous_values=list(values),
        carries=[0] * len(values),
        marks=[prices.get(m, 0) for m in range(len(values))],
        time_ns=time_ns,
    )
    for asset, (num, den) in (indexes or {}).items():
        book.set_collateral_price(asset, num, den)
    _open_house(state)
    state.halts = [HaltTrack(rule) for rule in policy.halts]
    _open_members(state)
    _post_opening(state)
    _open_periods(state)
    open_options(state)
    # Who is at risk already is looked at with the first marks, whichever market they move.
    state.watch.update(u for u in book.at_risk_units() if book.account_of(u) not in state.house_accounts)
    return state


def _open_house(state: State) -> None:
    """Which account plays each house account. That of a profit cap takes positions over: a book's fund may not.

    Raises:
        InputError: it is a fund.
    """
    for name, account in house_accounts(state.snapshot.account_ids, state.snapshot.roles, state.policy.house).items():
        if account is not None:
            state.house[name] = account
    if state.policy.liquidation.backstop is not None:
        state.backstop = state.house[state.policy.liquidation.backstop.account]
    rule = state.policy.profit_cap
    if rule is not None and state.snapshot.roles[state.house[rule.account]] == "fund":
        raise InputError(
            "pays capped profits and takes over positions, but a fund holds none",
            field="role",
            value=state.account_name(state.house[rule.account]),
            expected="role backstop",
        )


def _open_periods(state: State) -> None:
    """What gains are counted from, where a layer asks: the period's beginning, and the opening for capital."""
    length = period_length(state.policy.layers)
    if length is not None:
        state.period = GainsPeriod.begin(state.book, length, state.time_ns)
    if knows_capital(state.policy.layers):
        state.capital = GainsPeriod.capital(state.book, state.time_ns)


def _opening_marks(snapshot: BookSnapshot, marks: Mapping[int, int]) -> dict[int, int]:
    """Given marks over the snapshot's own; every market with positions has one."""
    prices = {**snapshot.marks, **marks}
    for market in sorted(set(snapshot.pos_market.tolist())):
        if market not in prices:
            raise InputError(
                "no opening mark for a market with positions",
                field="marks",
                value=snapshot.instruments[market].symbol,
                expected="a mark in the markets file or a price at the start of the window",
            )
    return prices


def house_accounts(names: Sequence[str], roles: Sequence[str], house: Sequence[HouseAccount]) -> dict[str, int | None]:
    """Which account of a book plays each house account: the one of that name, else the first of that role that no
    other house account has taken; None when the book has none and one must be made.

    Raises:
        InputError: a trader's account bears the name.
    """
    number = {name: i for i, name in enumerate(names)}
    found: dict[str, int | None] = {h.name: number.get(h.name) for h in house}
    taken = {i for i in found.values() if i is not None}
    for name, i in found.items():
        if i is not None and roles[i] not in HOUSE_ROLES:
            raise InputError(
                "a member's account has the name of a house account of the policy",
                field="account",
                value=name,
                expected="another name, or the role fund or backstop",
            )
    for h in house:
        if found[h.name] is None:
            account = next((i for i, role in enumerate(roles) if role == h.role and i not in taken), None)
            found[h.name] = account
            if account is not None:
                taken.add(account)
    return found


def _post_opening(state: State) -> None:
    """Opening balances: cash from outside the venue, and each market's clearing account against entry values."""
    snapshot, ledger = state.snapshot, state.ledger
    for account, asset, minor in zip(
        snapshot.cash_account.tolist(), snapshot.cash_asset.tolist(), snapshot.cash_minor, strict=True
    ):
        target = state.cash_id(account, asset)
        if minor > 0:
            ledger.post_one(state.external[asset], target, minor, "opening")
        elif minor < 0:
            ledger.post_one(target, state.external[asset], -minor, "opening")
    for market, instrument in enumerate(snapshot.instruments):
        entry = instrument.settle.to_minor(state.book.entry_sum(market))
        source, target = state.clearing[market], state.external[state.settle_asset[market]]
        if entry > 0:
            ledger.post_one(source, target, entry, "opening_entry")
        elif entry < 0:
            ledger.post_one(target, source, -entry, "opening_entry")
