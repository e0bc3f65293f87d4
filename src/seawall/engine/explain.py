"""Why an event happened, evaluated: the printed programs on the printed inputs give what was posted.

``why`` of an event is a list of items (rule id, inputs; none where all are the event's own); the rules are in ``engine.program``. An item reads, in this
order: its own inputs, results of the items before, whole-number fields of the event. A field that one of the items
posts is never read, so a program cannot be given its own answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from seawall.engine.events import Why
from seawall.engine.program import Post, Rule, suffix_of
from seawall.engine.programs import CODES, RULES, SIDES
from seawall.errors import FaultError
from seawall.money import Rounding, muldiv

Value = int | list[int]
_ROUNDINGS = {r.value: r for r in Rounding}


class Item(NamedTuple):
    """One evaluated item: ``inputs`` that its program read, and every step's result in order."""

    rule: str
    inputs: Mapping[str, Any]
    results: tuple[tuple[str, Value], ...]


class Posted(NamedTuple):
    """A transfer that a program gives. ``amount`` > 0 in book units of the asset, or in minor units (``minor``)."""

    source: str
    target: str
    asset: str
    amount: int
    minor: bool
    code: str


def rule(name: str) -> Rule:
    """The rule of that id.

    Raises:
        FaultError: there is none.
    """
    found = RULES.get(name)
    if found is None:
        raise FaultError(f"no program for rule {name!r}")
    return found


def evaluate(name: str, inputs: Mapping[str, Any]) -> dict[str, Value]:
    """Every result of a rule's program on these inputs alone, by name.

    Raises:
        FaultError: no such rule, or an input it needs is missing.
    """
    return dict(_run(name, inputs, {}, {}, {}).results)


def evaluate_event(event: Mapping[str, Any]) -> list[Item]:
    """All items of an event (as ``event_to_plain`` gives it, or a log line's), evaluated in order.

    Raises:
        FaultError: a rule that is not known, or an input that is missing.
    """
    why = event.get("why") or ()
    posted = {post.field for name, *_ in why for post in rule(name).posts}
    fields = {k: v for k, v in event.items() if k not in posted}
    names: dict[str, Value] = {}
    collected: dict[str, list[int]] = {}
    return [_run(name, given[0] if given else {}, names, fields, collected) for name, *given in why]


def _run(
    name: str,
    inputs: Mapping[str, Any],
    names: dict[str, Value],
    fields: Mapping[str, Any],
    collected: dict[str, list[int]],
) -> Item:
    read: dict[str, Any] = {}
    mine: dict[str, Any] = {}
    steps: list[tuple[str, Value]] = []

    def value_of(operand: Any) -> Any:
        if isinstance(operand, int):
            return operand
        if operand.endswith("*"):
            read[operand] = collected.pop(operand[:-1], [])
            return read[operand]
        if operand in mine:
            return mine[operand]
        for place in (inputs, names, fields):
            if operand in place:
                read[operand] = place[operand]
                return place[operand]
        raise FaultError(f"rule {name!r} needs input {operand!r}")

    for target, primitive, *operands in rule(name).program:
        rounding = _ROUNDINGS.get(operands[-1]) if primitive == "muldiv" else None
        values = [value_of(o) for o in (operands if rounding is None else operands[:-1])]
        result = _apply(primitive, values, rounding or Rounding.FLOOR)
        mine[target] = result
        steps.append((target, result))
        if isinstance(result, int):
            collected.setdefault(target, []).append(result)
    names.update(mine)
    return Item(name, read, tuple(steps))


def _apply(primitive: str, values: Sequence[Any], rounding: Rounding) -> Value:
    if primitive == "min":
        return int(min(values))
    if primitive == "max":
        return int(max(values))
    if primitive == "add":
        return int(values[0] + values[1])
    if primitive == "sub":
        return int(values[0] - values[1])
    if primitive == "sum":
        return sum(v if isinstance(v, int) else sum(v) for v in values)
    if primitive == "compare":
        return int(values[0] < values[1])
    if primitive == "muldiv":
        return muldiv(values[0], values[1], values[2], rounding)
    if primitive == "split":
        return split_of(values[0], values[1], values[2] if len(values) > 2 else sum(values[1]))
    raise FaultError(f"unknown primitive {primitive!r}")


def split_of(total: int, weights: Sequence[int], whole: int) -> list[int]:
    """The primitive ``split``, see ``engine.program``."""
    if total < 0:
        return [-part for part in split_of(-total, weights, whole)]
    if not total:
        return [0] * len(weights)
    parts = [divmod(total * weight, whole) for weight in weights]
    shares = [quotient for quotient, _ in parts]
    left = total - sum(shares)
    for i in sorted(range(len(parts)), key=lambda k: (-parts[k][1], k))[:left]:
        shares[i] += 1
    return shares


def check(event: Mapping[str, Any]) -> str | None:
    """What the evaluated items contradict in the event, in words; None when everything they post is what it says."""
    for item in evaluate_event(event):
        results, found = dict(item.results), rule(item.rule)
        for post in found.posts:
            if post.field and _plain(event[post.field]) != results[post.result]:
                return f"{item.rule}: {post.result} is {results[post.result]}, {post.field} says {event[post.field]}"
        for name in found.holds:
            if results[name] != 1:
                return f"{item.rule}: {name} does not hold"
    return None


def _plain(value: Any) -> Any:
    """Lists of (name, amount) as lists of amounts."""
    if isinstance(value, list | tuple):
        return [v[1] if isinstance(v, list | tuple) else v for v in value]
    return value


def postings(events: Iterable[Mapping[str, Any]]) -> Iterator[Posted]:
    """The transfers that the rules of one record's events give, in event order. Nothing of a zero amount.

    Raises:
        FaultError: an event that cannot be evaluated.
    """
    losses: dict[int, str] = {}
    for event in events:
        if event["kind"] == "loss_recognised":
            losses[event["loss"]] = target_of(event)
        yield from postings_of(event, losses)


def target_of(event: Mapping[str, Any]) -> str:
    """Ledger account that a ``loss_recognised`` event's payers pay: the account in default, or the loss's own."""
    account: str = event["account"]
    return account if event["cause"] == "default" else f"deficit:{event['loss']}"


def postings_of(event: Mapping[str, Any], losses: Mapping[int, str]) -> Iterator[Posted]:
    """The transfers of one event; ``losses`` says which account each loss number is paid to (``target_of``)."""
    names = dict(event)
    own, other = SIDES.get(event["kind"], ("account", "counterparty"))
    names["account"], names["counterparty"] = event.get(own), event.get(other)
    names["code"], names["loss_account"] = CODES.get(event["kind"], ""), losses.get(event.get("loss", 0))
    why = event.get("why") or ()
    for item, (_, *given) in zip(evaluate_event(event), why, strict=True):
        results, inputs = dict(item.results), given[0] if given else {}
        for post in rule(item.rule).posts:
            if not post.source:
                continue
            result = results[post.result]
            if isinstance(result, list):
                for (payer, _), part in zip(event[post.field], result, strict=True):
                    if part:
                        yield _posted(post, part, {**names, **inputs, "payer": payer})
            elif result:
                yield _posted(post, result, {**names, **inputs})
    if event["kind"] == "gains_haircut":
        yield from _poured(event, losses)


def _posted(post: Post, amount: int, names: Mapping[str, Any]) -> Posted:
    source, target = post.source.format_map(names), post.target.format_map(names)
    if amount < 0:
        source, target = target, source
    return Posted(source, target, names[post.of], abs(amount), post.minor, post.code.format_map(names))


def _poured(event: Mapping[str, Any], losses: Mapping[int, str]) -> Iterator[Posted]:
    """Cuts fill the losses in order: who paid whom."""
    rooms = [[losses[loss], amount] for loss, amount in event["losses"]]
    at = 0
    for account, cut in event["cuts"]:
        while cut:
            part = min(cut, rooms[at][1])
            if part:
                yield Posted(account, rooms[at][0], event["asset"], part, False, "gains_haircut")
            cut -= part
            rooms[at][1] -= part
            if not rooms[at][1]:
                at += 1


def side(prefix: str, held: int, entry: int, lots: int, rounding: Rounding) -> Why:
    """The item for one side of an exchange that reduces a position (none when it only adds to one).

    Args:
        prefix: "own" (the event's account) or "other".
        held, entry: the side's position before.
        lots: what this side takes, signed.
        rounding: of the released entry value, the policy's.
    """
    if held == 0 or (held > 0) == (lots > 0):
        return ()
    kind = "release" if abs(lots) <= abs(held) else "through_zero"
    return ((f"{prefix}.{kind}{suffix_of(rounding.value)}", {"held": held, "entry": entry}),)
