"""Clearing members as the engine sees them: whose account is whose, what each contributed, what was called from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from seawall.members import CallWindow

CONTRIBUTION = "contribution:"


@dataclass(slots=True)
class MemberBook:
    """The default fund's members, by name.

    Attributes:
        of_account: member of every account that has one.
        accounts: account that holds a member's contribution, members in order of name.
        paid_in: contribution of each member by asset, book units: what caps and shares of calls are counted on.
        windows: window of cash calls by asset, open since a loss reached members' money; its base is what members had
            paid in when it opened.
        groups: affiliates of each member that has some, itself among them, in order of name.
        stopped: members that will not pay when they are asked next.
        failed: members in default: they are not called, do not bid, put nothing back.
    """

    of_account: dict[int, str] = field(default_factory=dict)
    accounts: dict[str, int] = field(default_factory=dict)
    paid_in: dict[int, dict[str, int]] = field(default_factory=dict)
    windows: dict[int, CallWindow] = field(default_factory=dict)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)

    def own(self, defaulter: int | None) -> str | None:
        """The defaulter's member."""
        return None if defaulter is None else self.of_account.get(defaulter)

    def group_of(self, member: str) -> tuple[str, ...]:
        """The member and its affiliates, in order of name."""
        return self.groups.get(member, (member,))

    def own_group(self, defaulter: int | None) -> dict[str, int]:
        """Member -> contribution account of the defaulter's member and its affiliates."""
        own = self.own(defaulter)
        return {} if own is None else {name: self.accounts[name] for name in self.group_of(own)}

    def prefunded(self, defaulter: int | None) -> dict[str, int]:
        """Member -> contribution account, the defaulter's group left out: what has been paid in stays usable, also of
        members in default."""
        own = self.own_group(defaulter)
        return {name: account for name, account in self.accounts.items() if name not in own}

    def others(self, defaulter: int | None) -> dict[str, int]:
        """Those of ``prefunded`` that stand: they are called and may bid."""
        return {name: account for name, account in self.prefunded(defaulter).items() if name not in self.failed}

    def canonical_lines(self) -> Iterator[str]:
        """Part of the state hash."""
        for asset, paid in self.paid_in.items():
            yield f"paid in {asset} {sorted(paid.items())}"
        for asset, window in self.windows.items():
            taken = sorted(window.taken.items())
            yield f"calls {asset} {window.opened_ns} {window.closes_ns} {sorted(window.base.items())} {taken}"
        if self.stopped:
            yield f"stopped paying {sorted(self.stopped)}"
        if self.failed:
            yield f"members in default {sorted(self.failed)}"
