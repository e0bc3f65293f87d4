"""Members and the groups they belong to: affiliates count as one when they fail, and never net when they gain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from seawall.errors import InputError


@dataclass(frozen=True, slots=True)
class Member:
    """A clearing member. ``group`` is the name of its group of affiliates; a member alone is its own group."""

    name: str
    group: str


@dataclass(frozen=True, slots=True)
class Group:
    """Affiliates that are taken to fail together."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Roster:
    """Who is a member, and of which group."""

    groups: tuple[Group, ...]

    @staticmethod
    def of(members: Iterable[str], groups: Mapping[str, Sequence[str]] | None = None) -> Roster:
        """Members named in no group are a group of their own, under their own name.

        Raises:
            InputError: a member named twice or in two groups, a group that names a stranger, or a group with the name
                of a member that is alone.
        """
        known = list(members)
        if len(set(known)) != len(known):
            raise InputError("a member is named twice", value=next(m for m in known if known.count(m) > 1))
        taken: dict[str, str] = {}
        found: list[Group] = []
        for group, names in (groups or {}).items():
            for name in names:
                if name not in known:
                    raise InputError("a group names somebody who is not a member", field=group, value=name)
                if name in taken:
                    raise InputError(f"a member is in two groups, {taken[name]!r} too", field=group, value=name)
                taken[name] = group
            found.append(Group(group, tuple(names)))
        for name in known:
            if name not in taken:
                if groups and name in groups:
                    raise InputError("a member outside every group has the name of a group", field=name)
                found.append(Group(name, (name,)))
        return Roster(tuple(found))

    @property
    def members(self) -> tuple[Member, ...]:
        """All members, group by group."""
        return tuple(Member(name, group.name) for group in self.groups for name in group.members)

    def affiliates(self, member: str) -> tuple[str, ...]:
        """The member and everybody in its group."""
        for group in self.groups:
            if member in group.members:
                return group.members
        raise InputError("not a member", value=member, expected="one of " + ", ".join(m.name for m in self.members))

    def exposures(self, stress: Mapping[str, Sequence[int | Fraction]], scenarios: int) -> dict[str, list[Fraction]]:
        """Per group and scenario, the sum of its members' stress losses over margin.

        ``stress`` holds one row per member, one number per scenario, negative where the member gains. A gain of one
        affiliate does not offset a loss of another: each member counts as ``max(0, x)``.

        Raises:
            InputError: a member without a row, a row of the wrong length, or a row of a stranger.
        """
        names = {m.name for m in self.members}
        for name, row in stress.items():
            if name not in names:
                raise InputError("stress losses of somebody who is not a member", field=name)
            if len(row) != scenarios:
                raise InputError("stress losses and scenarios differ in length", field=name, value=len(row))
        for name in sorted(names):
            if name not in stress:
                raise InputError("a member has no stress losses", field=name)
        zero = Fraction(0)
        return {
            group.name: [
                sum((max(zero, Fraction(stress[m][s])) for m in group.members), zero) for s in range(scenarios)
            ]
            for group in self.groups
        }
