"""Why me? One event or one account's story, recomputed from a run directory: words, numbers, rule, program, postings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from seawall.engine import Policy, State
from seawall.engine.explain import Item, evaluate, evaluate_event, postings_of, rule, target_of
from seawall.errors import InputError
from seawall.journal import Located, derive, open_run, records_of, written_records
from seawall.journal.derive import Written
from seawall.tables import policy_from_canonical
from seawall.views.decision_find import CHARGED, Found, Share, find
from seawall.views.decision_keys import policy_keys
from seawall.views.decision_moment import Avoided, Moment, watch_record
from seawall.views.decision_queue import its_queue, queue_of, skipped_layers
from seawall.views.decision_shared import AVOIDED, SHARED, tier_of
from seawall.views.decision_terms import Terms, clock
from seawall.views.decision_untouched import Untouched
from seawall.views.decision_values import Decision, Explanation, Numbers, Position, Posting, Program, Step
from seawall.views.decision_words import sentence

DECISIVE = (
    "liquidation_started",
    "close_out_held",
    "taken_over",
    "surplus_passed",
    "loss_recognised",
    "drawn",
    "deleverage_shared",
    "deleveraged",
    "profit_capped",
    "gains_haircut",
    "residual",
    "position_settled",
    "layers_shared",
    "members_drawn",
    "call_round",
    "called",
    "call_unpaid",
    "member_defaulted",
    "replenishment_owed",
    "replenished",
    "open_interest_charged",
    "cash_cut",
    "borne_by_withdrawals",
    "withdrawal_cut",
    "recovered",
    "recovery_shared",
    "reinstated",
    "halt_began",
    "wound_down",
    "claim_rejected",
    "distributed",
    "written_off",
    "restored",
    "auction_held",
    "fund_bid",
    "fund_auction_closed",
    "residual_paid",
)
IN_FULL, ALIKE = 6, 2
Progress = Callable[[int, int, str], None]


def explain(run: Any, what: str, *, progress: Progress | None = None) -> Explanation:
    """Why something happened in a run, derived again from its directory and checked on the way.

    Args:
        run: run directory, or a ``Run`` that was written to one.
        what: an account or a member; an event ``RECORD.K`` (the K-th event of a record, as in ``log.jsonl``);
            ``loss:N``, ``intent:N`` or ``auction:N`` (of the fund) for all that belongs to one; ``CAUSE:REFERENCE`` of a declared loss; ``halt:KIND``.
        progress: called with (records done, in all, text).

    Raises:
        InputError: no such account or event (says the nearest), or not a run directory.
        AnswerError: the log is not what the run did.
    """
    path = getattr(run, "path", run)
    if path is None:
        raise InputError("the run was not written", field="run", expected="replay(..., out=FOLDER)")
    path = Path(path)
    policy = policy_from_canonical(open_run(path).policy_text())
    told, whole = progress or (lambda done, whole, text: None), records_of(path)
    found = find(path, policy, what, lambda done: told(done, whole, "looking who was charged"))
    return explained(path, policy, what, found, told)


def explained(
    path: Path, policy: Policy, what: str, asked: Found, progress: Progress, *, everything: bool = False
) -> Explanation:
    """The events found, told. ``everything``: all of them in full, not only the decisive ones."""
    manifest, whole = open_run(path).manifest(), records_of(path)
    account, found = asked.account, asked.events
    decisive = [f for f in found if _decides(f.event, account)] if account is not None or len(found) > 1 else found
    full, more = (found, []) if everything else _choose(decisive)
    moments: dict[int, Moment] = {f.record: Moment() for f in full}
    visits = {n: _visit(moments[n], [f for f in full if f.record == n], account) for n in moments}
    untouched = Untouched(account) if account is not None and not found else None
    state = derive(
        path,
        policy_from_canonical,
        visits,
        last=None if untouched is not None else max((f.record for f in [*full, *found[-1:]]), default=0),
        each=None if untouched is None else untouched.look,
        progress=lambda done: progress(done, whole, "deriving the run again"),
    )
    terms = Terms.of(state)
    records = {r.number: r for r in written_records(path, {f.record for f in found})} if found else {}
    used = {f.event[key] for f in full for key in ("asset", "sold", "bought") if key in f.event}
    scene = Scene(state, policy, terms, records, account, asked.charged)
    return Explanation(
        what,
        "account" if account is not None else "event",
        str(path),
        manifest.event,
        manifest.policy_name,
        manifest.policy_hash,
        tuple(_story(found, scene)),
        tuple(_decision(scene, f, moments[f.record]) for f in full),
        tuple(f.id for f in more),
        None if untouched is None else untouched.result(state, terms),
        {name: 10**a.book_scale for name, a in terms.assets.items() if name in used},
        dict(Counter(f.event["kind"] for f in found)),
    )


def _decides(event: Mapping[str, Any], account: str | None) -> bool:
    """Is it told in full in a story? What others gave for the account's own positions is told by its closing."""
    if event["kind"] == "deleveraged" and account is not None and account == event["counterparty"]:
        return False
    return event["kind"] in DECISIVE


def _choose(decisive: list[Located]) -> tuple[list[Located], list[Located]]:
    """Those told in full: the first of every kind, then the earliest, at most ``ALIKE`` of a kind and
    ``IN_FULL`` in all; and the others."""
    first: dict[str, Located] = {}
    for f in decisive:
        first.setdefault(f.event["kind"], f)
    chosen = list(first.values())[:IN_FULL]
    for f in decisive:
        alike = sum(c.event["kind"] == f.event["kind"] for c in chosen)
        if f not in chosen and len(chosen) < IN_FULL and alike < ALIKE:
            chosen.append(f)
    keep = {f.id for f in chosen}
    return [f for f in decisive if f.id in keep], [f for f in decisive if f.id not in keep]


def _visit(moment: Moment, events: list[Located], me: str | None) -> Callable[[State], Any]:
    accounts = {
        (str(who), f.event["asset"])
        for f in events
        for who in (f.event.get("account"), me if f.event["kind"] in SHARED else None)
        if who is not None and "asset" in f.event
    }
    starts = {f.place for f in events if f.event["kind"] == "liquidation_started"}
    return lambda state: watch_record(state, moment, accounts, starts)


class Scene(NamedTuple):
    """What all events of an explanation share. ``me``: whose story it is; ``charged``: its parts of charges, by id."""

    state: State
    policy: Policy
    terms: Terms
    records: Mapping[int, Written]
    me: str | None
    charged: Mapping[str, Share]

    def time(self, record: int) -> str:
        """When a record was written."""
        return clock(int(self.records[record].command.get("time_ns", 0)))

    def words(self, found: Located) -> str:
        """One event in one sentence, with this account's part of it."""
        told, share = sentence(found.event, self.terms, self.me), self.charged.get(found.id)
        if share is None:
            return told
        e = found.event
        part = f"{self.terms.size(e['market'], share.lots)} ({share.lots:,} of {e['lots']:,} lots)"
        return f"{told}; of {self.me} {self.terms.money(e['asset'], share.amount)} for {part}"


def _story(found: list[Located], scene: Scene) -> list[tuple[str, str, str]]:
    """Every event in words; the opening of an order is told by its fills."""
    filled = {f.event["intent"] for f in found if f.event["kind"] == "filled"}
    return [
        (f.id, scene.time(f.record), scene.words(f))
        for f in found
        if not (scene.me is not None and f.event["kind"] == "intent_opened" and f.event["intent"] in filled)
    ]


def _decision(scene: Scene, found: Located, moment: Moment) -> Decision:
    event, state, terms = found.event, scene.state, scene.terms
    st, avoided = moment.at_start.get(found.place, (None, []))
    when = "at the new marks"
    if st is None:
        who = (event.get("account") or (scene.me if event["kind"] in SHARED else None) or "", event.get("asset", ""))
        st, avoided, when = moment.units.get(who), moment.avoided.get(who, []), "just before"
    queue, more = queue_of(state, terms, found, moment) if event["kind"] == "deleveraged" else (None, [])
    if event["kind"] == "deleveraged":
        avoided = [*more, *_facts(scene, found)]
    elif event["kind"] not in ("liquidation_started", "taken_over", "loss_recognised"):
        avoided = _facts(scene, found)
    served = its_queue(state, found, moment)
    record = scene.records[found.record]
    return Decision(
        found.id,
        scene.time(found.record),
        event["kind"],
        scene.words(found),
        tuple(policy_keys(event, scene.policy, None if served is None else served.rule)),
        None if st is None else _numbers(state, terms, st, when, moment),
        (*_programs(event), *_share_program(found, moment)),
        tuple(_postings(state, event, record, scene.me)),
        queue,
        tuple(skipped_layers(state, terms, found, moment, record.events)),
        tuple(_avoided_words(a, terms, event) for a in avoided),
        tuple(asdict(a) for a in avoided),
        event,
    )


def _facts(scene: Scene, found: Located) -> list[Avoided]:
    """What could have been done about a shared loss, where the rule itself says it."""
    event = found.event
    note = AVOIDED.get(event["kind"], "")
    if event.get("cause") == "profit_cap":
        note = f"the profits of its side of {event['market']} within the cap: nobody is closed then, wherever they rank"
    elif tier_of(event) and tier_of(event) != "winner":
        note = "a better bid in the auction of that portfolio: who bid better pays only once this tier has nothing left"
    elif event["kind"] == CHARGED:
        note = f"holding fewer lots of {event['market']} at that moment: each open lot paid the same, long or short"
    elif event["kind"] == "halt_began":
        note = f"the measure not meeting the criterion; it ends by itself at {clock(event['until_ns'])} at the latest"
    return [Avoided("none", 0, event.get("asset", ""), event.get("market", ""), "", note)] if note else []


def _share_program(found: Located, moment: Moment) -> list[Program]:
    """How a charge on open interest is split: not in the event, which says only how many paid."""
    charges = moment.charges.get(found.place)
    if charges is None or found.event["kind"] != CHARGED:
        return []
    inputs = {"charged": charges.amount, "lots": [lots for _, lots in charges.payers]}
    rule_ = "socialise.share"
    return [_program(Item(rule_, inputs, tuple(evaluate(rule_, inputs).items())))]


def _numbers(state: State, terms: Terms, st: Any, when: str, moment: Moment) -> Numbers:
    marks = moment.marks if when == "at the new marks" else moment.previous
    asset = state.asset(st.asset).name
    rows = []
    for p in st.positions:
        symbol, settle = state.instrument(p.market).symbol, state.instrument(p.market).settle.name
        rows.append(
            Position(
                symbol,
                p.lots,
                terms.size(symbol, p.lots),
                terms.price_of_worth(symbol, abs(p.entry) / abs(p.lots)),
                terms.mark(symbol, marks.get(p.market, 0)),
                terms.money(settle, p.worth - p.entry),
                terms.money(settle, -(-p.maintenance // st.denominator)),
            )
        )
    cash = {state.asset(a).name: terms.exact(state.asset(a).name, v) for a, v in st.cash.items()}
    name = state.account_name(st.account)
    return Numbers(
        name, asset, when, terms.exact(asset, st.equity), terms.exact(asset, st.maintenance), cash, tuple(rows)
    )


def _programs(event: Mapping[str, Any]) -> list[Program]:
    return [_program(item) for item in evaluate_event(event)]


def _program(item: Item) -> Program:
    found, known = rule(item.rule), {**item.inputs}
    steps = []
    for (name, primitive, *operands), (_, result) in zip(found.program, item.results, strict=True):
        shown = [str(known[o]) if isinstance(o, str) and o in known else str(o) for o in operands]
        steps.append(
            Step(name, f"{primitive}({', '.join(map(str, operands))})", f"{primitive}({', '.join(shown)})", result)
        )
        known[name] = result
    posts = [f"{p.result} = {p.field}" if p.field else f"{p.result}: {p.source} -> {p.target}" for p in found.posts]
    return Program(item.rule, found.says, dict(item.inputs), tuple(steps), tuple(posts))


def _postings(state: State, event: Mapping[str, Any], record: Written, me: str | None) -> list[Posting]:
    """All of an event's transfers, those of ``me`` first."""
    losses = {e["loss"]: target_of(e) for e in record.events if e["kind"] == "loss_recognised"}
    rows = list(state.ledger.rows())
    written = {(rows[s][0], rows[t][0], units, code) for s, t, units, code in record.transfers}
    out = []
    for p in postings_of(event, losses):
        asset = next(a for _, a, _ in rows if a.name == p.asset)  # shares of the fund are an asset of the ledger alone
        units = p.amount if p.minor else asset.to_minor(p.amount)
        amount = Terms({asset.name: asset}, {}).exact(asset.name, asset.to_book(units))
        out.append(
            Posting(p.source, p.target, p.asset, amount, units, p.code, (p.source, p.target, units, p.code) in written)
        )
    return sorted(out, key=lambda p: me not in (p.source, p.target))


def _avoided_words(a: Avoided, terms: Terms, event: Mapping[str, Any]) -> str:
    if a.kind == "collateral":
        what = "this would not have happened in this queue" if event["kind"] == "deleveraged" else "not at risk"
        return f"{terms.exact(a.asset, a.value)} {a.asset} more collateral: {what} ({a.checked})"
    if a.kind == "mark":
        return f"{a.market} at {terms.mark(a.market, a.value)}, other marks as they were: not at risk ({a.checked})"
    if a.kind == "size":
        return f"a position of at most {terms.size(a.market, a.value)} ({a.value:,} lots) in {a.market} ({a.checked})"
    return a.note
