"""Past and imagined events through the engine: observations -> marks -> intents -> fills -> resolve, step by step."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path as FilePath
from typing import Any

from seawall.engine import (
    Command,
    Fill,
    Funding,
    Marks,
    Outcome,
    Policy,
    Resolve,
    State,
    apply,
    check_all,
    check_markets,
    open_state,
    state_hash,
    statements,
)
from seawall.engine.backstop import next_surplus
from seawall.engine.events import IntentOpened
from seawall.errors import InputError
from seawall.journal import GENESIS, LogWriter, Manifest, RunDirectory, create_run
from seawall.margin import BookSnapshot
from seawall.market import MarkRule, Quarantine, SourceMemory, scaled_price
from seawall.models import BiddingParameters, MarketResponse, ResponseParameters
from seawall.replay.actors import add_actors
from seawall.replay.auctioneer import Auctioneer
from seawall.replay.feed import FeedCounts, MarkFeed
from seawall.replay.frames import build_frames
from seawall.replay.incidents import Incidents
from seawall.replay.interrupt import deferred_interrupt
from seawall.replay.paths import Observations, Path
from seawall.replay.record import write_record
from seawall.replay.run import Run
from seawall.replay.summary import RunFacts, summarise
from seawall.replay.tally import Tally
from seawall.replay.timeline import Timeline
from seawall.replay.values import Valuer

Progress = Callable[[int, int, str], None]
OPENING_STEPS = 64
PROBE_SCALE = 12
CHECK_EVERY = 16


class Replay:
    """One replay: open the venue on a path, run it, write it down.

    Args:
        path: the price path.
        policy: the rules.
        marks: how marks are made; None: as the policy says.
        response: parameters of the market's answer to close-outs; None: the defaults.
        bidding: parameters of who bids in auctions, where the policy has any; None: the defaults.
        threads: threads of the full margin passes; results do not depend on it.
        progress: called with (steps done, steps in all, what is happening).
    """

    def __init__(
        self,
        path: Path,
        policy: Policy,
        *,
        marks: MarkRule | None = None,
        response: ResponseParameters | None = None,
        bidding: BiddingParameters | None = None,
        threads: int = 1,
        progress: Progress | None = None,
    ) -> None:
        self.path = path
        self.policy = policy if marks is None else replace(policy, marks=marks)
        self.response = MarketResponse(response)
        self.bidding = bidding
        self.auctioneer: Auctioneer | None = None
        self.threads = threads
        self.progress = progress or (lambda done, whole, what: None)
        self._stream: Iterator[Observations] = path.stream()
        self._pending: Observations | None = None
        self._commands = 0
        self._submit: Callable[[State, Command], Outcome] = apply

    def open(self, make_book: Callable[[dict[str, float]], BookSnapshot]) -> BookSnapshot:
        """Make the book on the first prices of the path and decide the opening marks.

        ``make_book`` is called with a usable price of every market that has one within the first observations; the
        book has the markets it is given. Steps before the window feed the oracle, so that its sources are confirmed when the window starts.
        """
        self.progress(0, self.path.steps, "making the book")
        early: list[Observations] = []
        first: dict[str, float] = {}
        wanted = {f.market for f in self.path.feeds}
        memories = {market: SourceMemory(self.policy.oracle) for market in wanted}
        for seen in self._stream:
            if seen.time_ns > self.path.start_ns and (wanted <= set(first) or len(early) >= OPENING_STEPS):
                self._pending = seen
                break
            early.append(seen)
            for market, price in seen.trades:  # the last usable one before the window
                scaled = scaled_price(price, PROBE_SCALE)
                if not isinstance(memories[market].observe(scaled, seen.time_ns), Quarantine):
                    first[market] = price
        if not first:
            raise InputError(
                "no usable price at the start of the window",
                where=self.path.name,
                field="close",
                value=f"{len(early)} times seen",
                expected=f"a first price and {self.policy.oracle.confirm} more that agree with it (oracle.confirm)",
            )
        book = make_book(first)
        self.feed = MarkFeed(book.instruments, self.policy, self.policy.marks)
        marks: dict[str, int] = {}
        for seen in early:
            marks.update(self.feed.step(seen, {})[0])
        self.opening_ns = early[-1].time_ns if early else self.path.start_ns
        index = {i.symbol: m for m, i in enumerate(book.instruments)}
        self.opening = {index[s]: mark for s, mark in marks.items()}
        self.missing = sorted(wanted - set(first))
        self.refused_early, self.feed.counts = self.feed.counts.quarantined, FeedCounts()
        return add_actors(book, self.path.actors, self.opening)

    def run(
        self,
        book: BookSnapshot,
        *,
        out: FilePath | None = None,
        inputs: list[dict[str, Any]] | None = None,
        options: dict[str, Any] | None = None,
    ) -> Run:
        """Run the path on an opened book. See ``replay``."""
        started = time.perf_counter()
        self.progress(0, self.path.steps, "opening the book")
        # A run makes millions of small values that refer to nothing: the cycle collector would only walk them.
        collecting = gc.isenabled()
        gc.disable()
        try:
            return self._run(book, started, out, inputs or [], options or {})
        finally:
            if collecting:
                gc.enable()

    def _run(
        self,
        book: BookSnapshot,
        started: float,
        out: FilePath | None,
        inputs: list[dict[str, Any]],
        options: dict[str, Any],
    ) -> Run:
        symbols = [i.symbol for i in book.instruments]
        self.opening_indexes = self._indexes(book, {symbols[m]: mark for m, mark in self.opening.items()})
        state = open_state(book, self.policy, self.opening, self.opening_ns, indexes=self.opening_indexes)
        opening_hash = state_hash(state)
        opening_vault = {s.asset: s.vault for s in statements(state, {})}
        with deferred_interrupt() as stopped:
            # From here on a run directory exists: whatever interrupts, it is left whole.
            directory, log = self._begin(state, book, opening_hash, out, inputs, options)
            tally = Tally(state, Valuer(state))
            tally.open()
            timeline = Timeline(state, tally, self.path)
            self.auctioneer = Auctioneer.of(
                state, self.response, self.bidding, lambda command: self._do(state, tally, command)
            )
            incidents = Incidents(
                self.path.incidents,
                self.path.start_ns,
                state,
                tally,
                lambda command: (self._do(state, tally, command), self._commands),
            )
            interrupted = self._steps(state, tally, timeline, incidents, stopped)
            self.progress(self.path.steps, self.path.steps, "checking every balance")
            check_all(state, threads=self.threads)
            facts = RunFacts(
                self.path,
                self.policy,
                self.feed.counts,
                self.refused_early,
                self.missing,
                len(timeline.times),
                interrupted,
                opening_vault,
                incidents.rows(),
            )
            summary = summarise(state, tally, facts)
            frames = build_frames(tally, timeline, self.feed.counts.refused_in)
            summary["seconds"] = round(time.perf_counter() - started, 3)
            if directory is not None and log is not None:
                log.close()
                summary["run"] = str(directory.path)
                write_record(directory, state, summary, frames)
        where = None if directory is None else directory.path
        return Run(summary, where, state, frozenset(tally.liquidated), frames, tally.taken_out)

    def _steps(
        self, state: State, tally: Tally, timeline: Timeline, incidents: Incidents, stopped: Callable[[], bool]
    ) -> bool:
        """Every step of the path; True when it was interrupted before the last one."""
        last_ns = self.opening_ns
        for seen in self._rest():
            if stopped():
                return True
            if seen.time_ns < state.time_ns:
                continue  # earlier than the deadline of the last step: the next observation carries on
            if state.winding is None:
                self._step(state, tally, timeline, incidents, seen, (seen.time_ns - last_ns) / 10**9)
            else:  # wound down: nothing trades any more, claims and distributions go on
                incidents.carry_out(seen.time_ns)
                timeline.at_marks()
            last_ns = seen.time_ns
            timeline.close(seen.time_ns)
            steps = len(timeline.times)
            if steps % CHECK_EVERY == 0:
                check_markets(state)
                self.progress(steps, self.path.steps, f"{len(tally.liquidated):,} accounts in liquidation so far")
        late = incidents.next_ns()
        if late is not None:  # the last step was earlier than the deadline of the one before
            time_ns = max(state.time_ns, self.path.end_ns)
            incidents.carry_out(time_ns)
            self._settle_what_is_open(state, tally, time_ns)
            timeline.at_marks()
            timeline.close(time_ns)
        return False

    def _rest(self) -> Iterator[Observations]:
        if self._pending is not None:
            yield self._pending
        yield from self._stream

    def _begin(
        self,
        state: State,
        book: BookSnapshot,
        opening_hash: str,
        out: FilePath | None,
        inputs: list[dict[str, Any]],
        options: dict[str, Any],
    ) -> tuple[RunDirectory | None, LogWriter | None]:
        if out is None:
            return None, None
        symbols = [i.symbol for i in book.instruments]
        manifest = Manifest(
            event=self.path.name,
            policy_name=self.policy.name,
            policy_hash=self.policy.hash,
            opening_ns=self.opening_ns,
            opening_marks={symbols[m]: mark for m, mark in self.opening.items()},
            opening_hash=opening_hash,
            inputs=inputs,
            options=options,
            version=version("seawall"),
            opening_indexes={a: list(p) for a, p in self.opening_indexes.items()},
        )
        directory = create_run(out, book, manifest, self.policy.canonical())
        log = LogWriter(directory.log, GENESIS(self.policy.hash, opening_hash))
        self._submit = log.submit
        return directory, log

    def _do(self, state: State, tally: Tally, command: Command) -> Outcome:
        self._commands += 1  # the number of its record in the log, refused commands included
        outcome = self._submit(state, command)
        tally.feed(outcome, self._commands)
        return outcome

    def _step(
        self,
        state: State,
        tally: Tally,
        timeline: Timeline,
        incidents: Incidents,
        seen: Observations,
        elapsed_s: float,
    ) -> None:
        symbols = [i.symbol for i in state.snapshot.instruments]
        for symbol in symbols:
            self.response.begin(symbol, self.path.depth(symbol, seen.time_ns), elapsed_s)
        shift = {s: r for s in symbols if (r := self.response.shift(s)) != 1.0}
        if seen.funding:
            rates = {m: (r.numerator, r.denominator) for m, r in seen.funding.items() if m in state.market_index}
            self._do(state, tally, Funding(seen.time_ns, rates))
        marks, refused = self.feed.step(seen, shift)
        oracle = self.feed.take_oracle()
        if marks or refused or oracle:
            prices = self._indexes(state.snapshot, marks)
            outcome = self._do(state, tally, Marks(seen.time_ns, marks, prices, tuple(refused), oracle))
            if outcome.rejection is not None:
                raise InputError(
                    f"marks were refused: {outcome.rejection.code.value}",
                    where=self.path.name,
                    field="prices",
                    value=str(dict(outcome.rejection.detail)),
                )
            timeline.at_marks()
            if self.auctioneer is not None:
                self.auctioneer.before_orders()
            for event in outcome.events:
                if isinstance(event, IntentOpened) and event.intent in state.intents:  # not sold by auction
                    self._answer(state, tally, event)
            if self.auctioneer is not None:
                self.auctioneer.after_orders()
        else:
            timeline.at_marks()
        incidents.carry_out(max(seen.time_ns, state.time_ns))  # opening the bids of an auction took time
        self._settle_what_is_open(state, tally, seen.time_ns)

    def _settle_what_is_open(self, state: State, tally: Tally, time_ns: int) -> None:
        """Resolve, where there is anything that a Resolve must look at."""
        if state.winding is None and (state.cases or state.watch or state.intents or _holds(state)):
            deadline = time_ns + self.policy.liquidation.deadline_ns
            self._do(state, tally, Resolve(max(deadline, state.time_ns)))
        if self.auctioneer is not None:
            self.auctioneer.after_resolve()

    def _indexes(self, book: BookSnapshot, marks: dict[str, int]) -> dict[str, tuple[int, int]]:
        """Index prices of collateral where the policy judges accounts as a whole: the mark of the asset's own market.

        Numeraire book units per book unit of the asset, exact.
        """
        found: dict[str, tuple[int, int]] = {}
        if self.policy.margin.pool != "account":
            return found
        scale = {a.name: a.book_scale for a in book.assets}
        for instrument in book.instruments:
            mark = marks.get(instrument.symbol)
            if mark is None or instrument.base not in scale or instrument.base in found:
                continue
            unit = scale[self.policy.numeraire or ""]
            found[instrument.base] = (mark * 10**unit, 10 ** (instrument.mark_scale + scale[instrument.base]))
        return found

    def _answer(self, state: State, tally: Tally, intent: IntentOpened) -> None:
        """The market answers one intent: as many lots as its depth bears within the limit, at one average price."""
        market = state.market_index[intent.market]
        instrument, mark = state.instrument(market), state.marks[market]
        size = abs(intent.lots)
        notional = size * self._lot_value(state, market)
        side = -1 if intent.lots < 0 else 1
        limit = None if intent.limit is None else intent.limit / mark
        share, ratio = self.response.fill(intent.market, side, notional, limit)
        lots = size if share >= 1 else int(size * share)
        if lots <= 0:
            return
        tick = instrument.tick
        price = max(tick, round(mark * ratio / tick) * tick)
        if intent.limit is not None:
            price = max(price, intent.limit) if side < 0 else min(price, intent.limit)
        self._do(state, tally, Fill(state.time_ns, intent.intent, "outside", lots, price))

    def _lot_value(self, state: State, market: int) -> float:
        """One lot in the quote currency."""
        instrument = state.instrument(market)
        if instrument.inverse:
            return float(instrument.lot)
        return float(state.unit_values[market]) / 10.0**instrument.settle.book_scale


def _holds(state: State) -> bool:
    """Does the backstop hold anything that a Resolve must look at, or have something to pass on?"""
    if state.backstop is None:
        return False
    return bool(state.book.positions_of(state.backstop)) or next_surplus(state) is not None
