"""What must hold after every event, checked on what the command touched; and in full when asked.

1. Conservation: per asset all ledger balances sum to zero (money comes from ``external``), and per market lots sum to
   zero and the clearing account is minus the sum of entry values.
2. The book's cash is the ledger's.
3. Every loss is allocated: recognised = covered + carried + residual, per deficit account.
4. What is in escrow is what the leaders of open auctions have put in.
"""

from __future__ import annotations

from dataclasses import dataclass

from seawall.engine.auctionbook import ESCROW, SHARES
from seawall.engine.socialise import SOCIALISED, WRITTEN_OFF
from seawall.engine.state import State
from seawall.errors import InvariantBroken
from seawall.money import format_amount


@dataclass(frozen=True, slots=True)
class AssetStatement:
    """Where all units of one asset are, ledger minor units.

    ``vault`` is what came in from outside the venue (minus what left); it equals ``cash + clearing + deficits``.
    ``opening`` is the vault right after the opening. ``cash`` includes bidders' money in escrow. ``outside`` is the part of ``cash`` that the unnamed other
    side holds.
    """

    asset: str
    decimals: int
    opening: int
    vault: int
    cash: int
    clearing: int
    deficits: int
    outside: int
    difference: int

    def as_dict(self) -> dict[str, str]:
        """Amounts as decimal strings in the asset's unit."""
        return {
            name: format_amount(getattr(self, name), self.decimals)
            for name in ("opening", "vault", "cash", "clearing", "deficits", "outside", "difference")
        }


def check_touched(state: State) -> None:
    """Book against ledger on every balance the last command wrote.

    Raises:
        InvariantBroken: they differ.
    """
    for account, asset in state.touched:
        minor = state.ledger.balance(state.cash_id(account, asset))
        if state.book.cash(account, asset) != state.asset(asset).to_book(minor):
            raise InvariantBroken(
                f"book cash of {state.account_name(account)} in {state.asset(asset).name} is "
                f"{state.book.cash(account, asset)}, the ledger has {minor} minor units"
            )


def check_markets(state: State) -> None:
    """Per market: lots sum to zero, and clearing plus entry values sum to zero.

    Raises:
        InvariantBroken: they do not.
    """
    for market, instrument in enumerate(state.snapshot.instruments):
        net = state.book.net_lots(market)
        if net:
            raise InvariantBroken(f"lots of {instrument.symbol} sum to {net}, not 0")
        entry = instrument.settle.to_minor(state.book.entry_sum(market))
        clearing = state.ledger.balance(state.clearing[market])
        if entry + clearing:
            raise InvariantBroken(f"clearing of {instrument.symbol} is {clearing}, entry values sum to {entry}")


def check_windows(state: State) -> None:
    """What counts as open in each market's window is what its orders stand for.

    Raises:
        InvariantBroken: it is not.
    """
    open_: dict[int, int] = {}
    for intent in state.intents.values():
        open_[intent.market] = open_.get(intent.market, 0) + abs(intent.lots) * intent.counts
    for market, instrument in enumerate(state.snapshot.instruments):
        if state.windows.open(market) != open_.get(market, 0):
            raise InvariantBroken(f"the window of {instrument.symbol} counts orders that do not stand")


def check_all(state: State, *, threads: int = 1) -> None:
    """Everything: markets, windows, every cash balance, the running margin state against a full pass, deficits, trial
    balance.

    Raises:
        InvariantBroken: the first statement that does not hold.
    """
    check_markets(state)
    check_windows(state)
    width = len(state.snapshot.assets)
    for key, ledger_id in state.cash_ids.items():
        account, asset = divmod(key, width)
        if state.book.cash(account, asset) != state.asset(asset).to_book(state.ledger.balance(ledger_id)):
            raise InvariantBroken(f"book and ledger differ on the cash of {state.account_name(account)}")
    state.book.verify_running(threads=threads)
    state.deficits.check()
    check_auctions(state)
    for statement in statements(state, {}):
        if statement.difference:
            raise InvariantBroken(f"{statement.asset}: {statement.difference} minor units unaccounted for")


def check_auctions(state: State) -> None:
    """Escrow accounts hold what leaders have put in and nothing else; shares issued are held, in escrow, or burned.

    Raises:
        InvariantBroken: they do not.
    """
    put_in: dict[tuple[str, str], int] = {}
    for number, found in state.auctions.open.items():
        a, asset = found.auction, state.asset(found.asset)
        if a.leader is not None:
            debt = a.kind == "debt"
            name = asset.name if debt else f"{SHARES}{asset.name}"
            put_in[f"{ESCROW}{number}", name] = asset.to_minor(a.fixed) if debt else a.best
    shares: dict[str, int] = {}
    for name, asset, balance in state.ledger.rows():
        if name.startswith(ESCROW) and balance != put_in.pop((name, asset.name), 0):
            raise InvariantBroken(f"{name} holds {balance} of {asset.name}, not what its leader put in")
        if asset.name.startswith(SHARES):
            shares[asset.name] = shares.get(asset.name, 0) + balance
    if put_in or any(shares.values()):
        raise InvariantBroken(f"stakes without an account {sorted(put_in)}, or shares that nobody holds: {shares}")


def statements(state: State, opening: dict[str, int]) -> list[AssetStatement]:
    """The conservation statement per asset; ``opening`` gives the vault at the start where known."""
    sums: dict[str, dict[str, int]] = {
        a.name: {"cash": 0, "clearing": 0, "deficits": 0, "vault": 0} for a in state.snapshot.assets
    }
    for name, asset, balance in state.ledger.rows():
        if asset.name not in sums:
            continue  # shares of the fund are no money
        part = "cash"
        if name == "external":
            sums[asset.name]["vault"] -= balance
            continue
        if name.startswith("clearing:"):
            part = "clearing"
        elif name.startswith(("deficit:", SOCIALISED, WRITTEN_OFF)):
            part = "deficits"
        sums[asset.name][part] += balance
    out = []
    for number, asset in enumerate(state.snapshot.assets):
        s = sums[asset.name]
        out.append(
            AssetStatement(
                asset.name,
                asset.decimals,
                opening.get(asset.name, s["vault"]),
                s["vault"],
                s["cash"],
                s["clearing"],
                s["deficits"],
                state.cash_minor(state.outside, number),
                s["vault"] - s["cash"] - s["clearing"] - s["deficits"],
            )
        )
    return out
