"""Events of limits that stand between an account and its close-out, and of what the backstop need not keep."""

from __future__ import annotations

from typing import NamedTuple

from seawall.engine.why import Why


class CloseOutHeld(NamedTuple):
    """The market's window let only ``lots`` of the ``asked`` ones be ordered (0: the account waits; said once).

    ``capacity`` is what the window takes in ``window_ns``, ``closed`` what was closed inside it, ``open`` what other
    orders stand for: book units of ``asset`` at the mark when each was ordered, lots of an inverse market.
    """

    account: str
    market: str
    asset: str
    asked: int
    lots: int
    window_ns: int
    capacity: int
    closed: int
    open: int
    why: Why


class SurplusPassed(NamedTuple):
    """The backstop holds nothing any more and passed on what it has above what it keeps."""

    account: str
    to: str
    asset: str
    amount: int
    why: Why
