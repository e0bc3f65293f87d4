"""Why nothing happened to an account: how near it came, at its worst moment."""

from __future__ import annotations

from dataclasses import dataclass

from seawall.engine import Marks, State
from seawall.errors import InputError
from seawall.journal import Record
from seawall.margin import UnitState
from seawall.market import Kind
from seawall.views.decision_moment import Avoided, crossing
from seawall.views.decision_terms import Terms, clock


@dataclass(frozen=True, slots=True)
class Nearest:
    """``words`` in order; equity and maintenance at the worst moment, exact; ``mark`` is where it would have fallen."""

    words: tuple[str, ...]
    time: str
    asset: str
    equity: str
    maintenance: str
    mark: Avoided | None


class Untouched:
    """Follows an account through a run and keeps the moment when equity was least against its requirement."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.worst: tuple[int, UnitState, int, Avoided | None] | None = None

    def look(self, state: State, record: Record) -> None:
        """Called after every record; only new marks can change how near an untouched account is."""
        if not isinstance(record.command, Marks):
            return
        for unit in state.book.unit_ids_of(state.account_index[self.account]):
            st = state.book.unit_state(unit)
            if not st.positions or not st.maintenance:
                continue
            worst = self.worst[1] if self.worst is not None else None
            # equity / maintenance, compared without dividing
            if worst is None or st.equity * worst.maintenance < worst.equity * st.maintenance:
                self.worst = (state.time_ns, st, len(st.positions), _falls_at(state, st))

    def result(self, state: State, terms: Terms) -> Nearest:
        """In words."""
        role = state.snapshot.roles[state.account_index[self.account]]
        if self.worst is None:
            words = ["Nothing happened to this account.", "It held no position that a requirement is charged on."]
            return Nearest(tuple(words), "", "", "", "", None)
        time_ns, st, held, mark = self.worst
        asset = state.asset(st.asset).name
        ratio = st.equity / st.maintenance
        words = [
            "Nothing happened to this account: it was never below its maintenance requirement, and no queue or layer "
            "reached it.",
            f"It came nearest at {clock(time_ns)}: equity {terms.money(asset, st.equity)} was {ratio:,.2f} times the "
            f"requirement of {terms.money(asset, st.maintenance)} for {held} position{'' if held == 1 else 's'}.",
        ]
        if mark is not None:
            words.append(
                f"With the other marks as they were it would have been liquidated at {mark.market} "
                f"{terms.mark(mark.market, mark.value)} ({mark.checked})."
            )
        else:
            words.append("No mark of its largest position alone would have brought it there.")
        if role != "trader":
            words.append(f"Its role is {role}.")
        exact = (terms.exact(asset, st.equity), terms.exact(asset, st.maintenance))
        return Nearest(tuple(words), clock(time_ns), asset, *exact, mark)


def _falls_at(state: State, st: UnitState) -> Avoided | None:
    """The mark of the largest position at which the account would have been at risk."""
    if any(state.instrument(p.market).kind is Kind.OPTION for p in st.positions) or st.equity < st.maintenance:
        return None
    largest = max(st.positions, key=lambda p: (abs(p.lots) * p.unit_value, -p.market))
    try:
        return crossing(state, st, largest.market, up=largest.lots < 0, safe=False)
    except InputError:
        return None
