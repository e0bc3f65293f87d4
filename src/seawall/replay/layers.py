"""Who paid: house accounts, the layers of the policy in their order, and the backstop's result by source."""

from __future__ import annotations

from typing import Any

from seawall.replay.counts import HouseTally
from seawall.replay.sharing import MEMBERS
from seawall.replay.tally import Tally
from seawall.waterfall import LayerKind, LayerRule


def used_and_gained(gains: dict[str, int]) -> tuple[int, int]:
    """(sum of what was lost, sum of what was gained) over the sources of a result; both >= 0."""
    return -sum(v for v in gains.values() if v < 0), sum(v for v in gains.values() if v > 0)


def house_layers(tally: Tally) -> list[dict[str, Any]]:
    """Every house account, before and after, with where gains and losses came from; amounts as decimal text."""
    text, rows = tally.valuer.text, []
    for house in tally.house.values():
        after = tally.worth(house)
        gains = house.by_source(after)
        used, gained = used_and_gained(gains)
        rows.append(
            {
                "name": house.name,
                "before": text(house.before),
                "used": text(used),
                "gained": text(gained),
                "after": text(after),
                "net": text(after - house.before),
                "result": text(after - house.before + house.paid_out),
                "by_source": {name: text(amount) for name, amount in gains.items()},
            }
        )
    return rows


def backstop(tally: Tally) -> HouseTally | None:
    """The backstop of the policy, if it has one."""
    rule = tally.state.policy.liquidation.backstop
    return None if rule is None else tally.house.get(rule.account)


def backstop_result(tally: Tally) -> dict[str, str] | None:
    """The backstop's profit and loss by source; the sources sum to ``total``, which is after less before.

    The equity of the accounts it took over is told in two parts: the cash that came with them, and the profit or loss
    that their positions, taken at the mark, had made by then.
    """
    house = backstop(tally)
    if house is None:
        return None
    after = tally.worth(house)
    gains = house.by_source(after)
    taken = gains.pop("take_over")
    parts = {"take_over_value": taken - house.margin, "margin_received": house.margin, **gains}
    return {name: tally.valuer.text(amount) for name, amount in {**parts, "total": after - house.before}.items()}


def backstop_profit(tally: Tally) -> str:
    """What the backstop earned or lost over the run: its result without what it passed on; "0" without a backstop."""
    house = backstop(tally)
    return "0" if house is None else tally.valuer.text(tally.worth(house) - house.before - house.passed_on)


def layer_rows(tally: Tally) -> list[dict[str, Any]]:
    """The rows of the frame ``layers``: the backstop, the policy's layers in order of use, the residual.

    Amounts are integers in reporting units. Where a house account stands in several rows, the later ones start from
    what the earlier ones left and use what their own layer paid; the first bears and earns everything else,
    but the last pays what a wind-down takes. Members' contributions count as one house account. ``paid`` is what went
    towards losses: it sums to all of them; ``paid_out`` is the part of ``used`` that left in a wind-down, paid out or
    written off: it pays no loss.
    """
    payments = tally.payments
    places: list[tuple[str, str, str]] = []
    house = backstop(tally)
    if house is not None:
        places.append((house.name, "backstop", house.name))
    places.extend((rule.name, rule.kind.value, _balance_of(rule)) for rule in tally.state.policy.layers)
    later: dict[str, int] = {}
    first: set[str] = set()
    for layer, kind, account in places:
        if account in first:
            later[account] = later.get(account, 0) + (0 if kind == "backstop" else payments.collected.get(layer, 0))
        first.add(account)
    left: dict[str, int] = {}
    rows = []
    last = {account: number for number, (_, _, account) in enumerate(places)}
    for number, (layer, kind, account) in enumerate(places):
        collected, paid = payments.collected.get(layer, 0), payments.paid.get(layer, 0)
        if kind == "backstop":
            collected = paid = 0
        if account not in tally.house:
            rows.append(_row(layer, kind, None, None, collected, None, None, paid))
            continue
        paid_out = tally.house[account].gone if number == last[account] else 0
        if account in left:
            before, gained, used = left[account], 0, collected + paid_out
        else:
            mine = tally.house[account]
            before = mine.before
            used, gained = used_and_gained(mine.by_source(tally.worth(mine)))
            used -= later.get(account, 0) + mine.gone - paid_out
        left[account] = before + gained - used
        rows.append(_row(layer, kind, account, before, used, gained, left[account], paid, paid_out))
    unpaid = sum(payments.unpaid.values())
    rows.append(_row("residual", "residual", None, None, tally.residual, None, None, unpaid))
    return rows


def _balance_of(rule: LayerRule) -> str:
    """Whose money a layer uses up; "" when it has no balance."""
    return MEMBERS if rule.kind in (LayerKind.OWN_CONTRIBUTION, LayerKind.MEMBERS) else rule.account


def _row(
    layer: str,
    kind: str,
    account: str | None,
    before: int | None,
    used: int,
    gained: int | None,
    after: int | None,
    paid: int,
    paid_out: int = 0,
) -> dict[str, Any]:
    return {
        "layer": layer,
        "kind": kind,
        "account": account,
        "before": before,
        "used": used,
        "gained": gained,
        "after": after,
        "paid": paid,
        "paid_out": paid_out,
    }
