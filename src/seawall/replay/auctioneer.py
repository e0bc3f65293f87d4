"""Who holds auctions in a replay: portfolios of accounts in liquidation among the members, debt and surplus of the fund.

The engine decides what may be auctioned and by which terms (``engine.auctionterms``, ``engine.fundauction``); the
auctioneer asks, collects bids from the model (``models.bidding``) and submits commands. It asks before it submits, so a log
holds no refusals of its making. An account's portfolio is auctioned at most once while it is in liquidation. All auctions of a
step are open at the same time; they are decided one after the other, and a member that took one portfolio has less margin for
the next.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil

from seawall.engine import (
    Auction,
    BidFundAuction,
    CloseFundAuction,
    Command,
    NetFundDebt,
    OpenFundAuction,
    Outcome,
    State,
)
from seawall.engine.auctionbook import BURNED, ISSUED
from seawall.engine.auctionterms import invited, large_enough, may_win, terms_of
from seawall.engine.fundauction import bid_problem, may_net, opening_problem
from seawall.engine.fundshares import shares_of
from seawall.engine.margining import look_at
from seawall.engine.state import MEMBER_ROLES
from seawall.engine.units import quote_notional, quote_price
from seawall.margin import UnitState
from seawall.members import AuctionWhen, PortfolioAuctionRule
from seawall.models import BiddingParameters, MarketResponse
from seawall.models.bidding import cost_of, draw, how_bids, left_over, share_factor
from seawall.money import Rounding, muldiv

Do = Callable[[Command], Outcome]
MILLION = 10**6


class Auctioneer:
    """One replay's auctions. ``of`` gives None where the policy has none, so that such a replay does nothing more."""

    def __init__(self, state: State, response: MarketResponse, parameters: BiddingParameters, do: Do) -> None:
        self.state = state
        self.response = response
        self.parameters = parameters
        self.do = do
        members = state.policy.members
        self.rule: PortfolioAuctionRule | None = None if members is None else members.auction
        self._asked: set[tuple[int, int]] = set()  # (unit, start of its case) that were looked at
        self._accounts = {} if self.rule is None else self._by_member()
        self._bidders = [] if state.policy.auctions is None else self._by_cash()

    @classmethod
    def of(
        cls, state: State, response: MarketResponse, parameters: BiddingParameters | None, do: Do
    ) -> Auctioneer | None:
        """The auctioneer of a replay, None where the policy auctions nothing."""
        members = state.policy.members
        if state.policy.auctions is None and (members is None or members.auction is None):
            return None
        return cls(state, response, parameters or BiddingParameters(), do)

    # ---- portfolios

    def before_orders(self) -> None:
        """New marks are in, orders stand and nobody has answered them yet."""
        if self.rule is not None and self.rule.when is AuctionWhen.FIRST:
            self._portfolios(unfilled=False)

    def after_orders(self) -> None:
        """The market has answered: what it did not take may be auctioned before orders lapse."""
        if self.rule is not None and self.rule.when is AuctionWhen.UNFILLED:
            self._portfolios(unfilled=True)

    def _portfolios(self, *, unfilled: bool) -> None:
        state, opens = self.state, self.state.time_ns
        for unit in sorted(state.cases):
            case = state.cases[unit]
            key = (unit, case.started_ns)
            if key in self._asked:
                continue
            st = state.book.unit_state(unit)
            if unfilled and st.at_risk and not case.intents and st.equity >= 0:
                continue  # the market took what it was asked to
            self._asked.add(key)
            if st.at_risk and st.positions and large_enough(state, st):
                self._hold(st, opens)

    def _hold(self, st: UnitState, opens_ns: int) -> None:
        """Invite, collect bids, have them opened."""
        state, rule, terms = self.state, self.rule, terms_of(self.state, st)
        assert rule is not None and terms is not None
        scale, closes = state.asset(st.asset), opens_ns + rule.length_ns
        members = invited(state, st.account, st.asset)
        if not members:
            return
        bids = [bid for member in members if (bid := self._bid(st, member, opens_ns)) is not None]
        command = Auction(
            max(state.time_ns, closes, *(bid[3] for bid in bids)) if bids else max(state.time_ns, closes),
            state.account_name(st.account),
            scale.name,
            opens_ns,
            closes,
            -scale.to_minor(terms.reserve),
            scale.to_minor(terms.within),
            tuple((member, opens_ns) for member in members),
            tuple(bids),
        )
        self.do(command)

    def _bid(self, st: UnitState, member: str, opens_ns: int) -> tuple[str, str, int, int] | None:
        """A member's bid by the account that can take the portfolio cheapest, or none: nobody may bid what its margin
        does not bear."""
        state, rule, p = self.state, self.rule, self.parameters
        assert rule is not None
        case = f"{state.account_name(st.account)} {state.cases[st.unit].started_ns}"
        how = how_bids(p, member, case)
        if how is None:
            return None
        wanted, offers = self._notionals(st), []
        for account in self._accounts.get(member, {}).get(st.asset, ()):
            own = self._notionals(look_at(state, account, st.asset))
            ask = how.factor * cost_of(left_over(wanted, own), self.response.impact, p.charge)
            bid = -self._minor(st.asset, ask)
            if may_win(state, st, account, bid) is None:
                offers.append((-bid, state.account_name(account)))
        if not offers:
            return None
        asked, name = min(offers)
        rest = state.policy.liquidation.deadline_ns - rule.length_ns
        late = how.at > 1  # after the close, and before orders lapse
        at = (
            opens_ns + rule.length_ns + 1 + int((how.at - 1) * (rest - 1))
            if late
            else opens_ns + int(how.at * rule.length_ns)
        )
        return member, name, -asked, at

    def _notionals(self, st: UnitState) -> dict[str, float]:
        """Signed notional by market, quote currency."""
        found = {}
        for p in st.positions:
            size = quote_notional(self.state, p.market, p.lots) / MILLION
            found[self.state.instrument(p.market).symbol] = size if p.lots > 0 else -size
        return found

    def _minor(self, asset: int, quote: float) -> int:
        """An amount of the quote currency in minor units of an asset: millionths, then book units, rounded up each time,
        because a bidder does not give away what it asks for."""
        price = quote_price(self.state, asset)
        book = muldiv(ceil(quote * MILLION), price.denominator, price.numerator, Rounding.CEIL)
        return self.state.asset(asset).to_minor(book)

    def _by_member(self) -> dict[str, dict[int, list[int]]]:
        """Accounts of each member by asset that may bid: the most cash first, ties by number. Isolated positions are no
        bidders, nor are house accounts."""
        state = self.state
        found: dict[str, dict[int, list[int]]] = {name: {} for name in state.members.accounts}
        judged = sorted(set(state.settle_asset))
        if state.book.pooled:
            judged = [state.asset_index[state.policy.numeraire or ""]]
        for account, member in state.members.of_account.items():
            if state.snapshot.roles[account] in MEMBER_ROLES and int(state.snapshot.parents[account]) < 0:
                for asset in judged:
                    if state.book.cash(account, asset) > 0:
                        found[member].setdefault(asset, []).append(account)
        for by_asset in found.values():
            for asset, accounts in by_asset.items():
                cash = {account: state.book.cash(account, asset) for account in accounts}
                by_asset[asset] = sorted(accounts, key=lambda a: (-cash[a], a))[: self.parameters.accounts]
        return found

    # ---- the fund

    def after_resolve(self) -> None:
        """Losses of the step are settled: net, decide, open, bid."""
        state = self.state
        if state.policy.auctions is None or state.winding is not None:
            return
        for number in sorted(state.auctions.open):
            if state.auctions.open[number].auction.over(state.time_ns):
                self.do(CloseFundAuction(state.time_ns, number))
        for asset in sorted(set(state.settle_asset)):
            name = state.asset(asset).name
            if isinstance(may_net(state, asset), int):
                self.do(NetFundDebt(state.time_ns, name))
            # Nobody can bid for surplus while nobody holds a share.
            held = -shares_of(state, ISSUED, name) > shares_of(state, BURNED, name)
            for sells in ("debt", "surplus") if held else ("debt",):
                while (
                    self._open(sells, asset) < self.parameters.at_once and opening_problem(state, sells, asset) is None
                ):
                    self.do(OpenFundAuction(state.time_ns, sells, name))
        for number in sorted(state.auctions.open):
            self._bid_for_shares(number)

    def _open(self, sells: str, asset: int) -> int:
        return sum(a.asset == asset and a.auction.kind == sells for a in self.state.auctions.open.values())

    def _bid_for_shares(self, number: int) -> None:
        """At most one bid in a step, by the first bidder in a seeded order whose value allows one."""
        state, found = self.state, self.state.auctions.open[number]
        if found.auction.over(state.time_ns):
            return
        names = [state.account_name(a) for a in self._bidders]
        names.sort(key=lambda name: draw(self.parameters.seed, "turn", name, str(number), str(state.time_ns)))
        for name in names:
            if name == found.auction.leader:
                continue
            shares = self._shares(number, name)
            if shares is None:
                continue
            command = BidFundAuction(state.time_ns, number, name, shares)
            if bid_problem(state, command) is None:
                self.do(command)
                return

    def _shares(self, number: int, name: str) -> int | None:
        """Shares that a bidder asks for (debt) or offers (surplus); None: the last bid is at its limit or beyond."""
        state, found, rules, p = (
            self.state,
            self.state.auctions.open[number],
            self.state.policy.auctions,
            self.parameters,
        )
        assert rules is not None and rules.debt is not None  # surplus is sold only beside debt
        auction, worth = found.auction, Fraction(share_factor(p, name))
        eager = Fraction(p.eager)
        if auction.kind == "debt":
            by = rules.debt.terms.improvement
            allowed = min(auction.best - 1, int(auction.best / by))  # rounded down
            least = max(1, ceil(rules.debt.first_shares / worth))  # rounded up: it pays the whole lot
            return None if allowed < least else allowed - int((allowed - least) * eager)  # rounded down
        assert rules.surplus is not None
        by = rules.surplus.terms.improvement
        needed = max(auction.best + 1, ceil(auction.best * by))  # rounded up
        value = Fraction(rules.surplus.lot, rules.debt.lot) * rules.debt.first_shares / worth
        has = shares_of(state, name, state.asset(found.asset).name)
        most = min(has, int(value))  # rounded down
        return None if most < needed else needed + int((most - needed) * eager)  # rounded down

    def _by_cash(self) -> list[int]:
        """Accounts that look at auctions of the fund: market makers first, then the most cash of assets that markets settle
        in. Those that hold shares are among them: shares come from debt auctions only."""
        state, makers = self.state, self.state.snapshot.roles
        cash: dict[int, Fraction] = {}
        for asset in sorted(set(state.settle_asset)):
            price = quote_price(state, asset)
            for account in range(len(makers)):
                if makers[account] in MEMBER_ROLES and int(state.snapshot.parents[account]) < 0:
                    amount = state.book.cash(account, asset)
                    if amount > 0:
                        cash[account] = cash.get(account, Fraction(0)) + amount * price  # exact: Fraction
        found = sorted(cash, key=lambda a: (makers[a] != "market_maker", -cash[a], a))
        return found[: self.parameters.bidders]
