"""Programs of what comes after a loss: recoveries, the auction of a portfolio, distributions."""

from __future__ import annotations

from collections.abc import Mapping

from seawall.engine.program import OWN, Post, Rule

ENDS: Mapping[str, Rule] = {
    "recovery.residual": Rule(
        "A recovery first pays what nobody had paid; claims follow, the layer used last first; the excess is the "
        "defaulter's.",
        (
            ("residual", "min", "amount", "owed"),
            ("rest", "sub", "amount", "residual"),
            ("excess", "sub", "rest", "claimed"),
        ),
        (
            Post("residual", "residual", "external", "deficit:{loss}", "recovery"),
            Post("excess", "excess", "external", OWN, "recovery"),
        ),
    ),
    "recovery.residual_outside": Rule(
        "A recovery first pays what nobody had paid; claims follow, the layer used last first; the excess stays outside.",
        (
            ("residual", "min", "amount", "owed"),
            ("rest", "sub", "amount", "residual"),
            ("excess", "sub", "rest", "claimed"),
        ),
        (Post("residual", "residual", "external", "deficit:{loss}", "recovery"), Post("excess", "excess")),
    ),
    "recovery.rank": Rule(
        "Claims of one rank are paid pro rata to what each is owed; largest remainder, ties to the earlier claim.",
        (("all", "sum", "owed"), ("pot", "min", "rest", "all"), ("parts", "split", "pot", "owed")),
        (Post("pot", "amount"), Post("parts", "parts", "external", "{payer}", "recovery")),
    ),
    "recovery.restored": Rule(
        "What comes back after the end is owed again to those who were written off, class by class, pro rata.",
        (("whole", "sum", "owed"), ("back", "min", "left", "whole"), ("parts", "split", "back", "owed")),
        (
            Post("back", "amount"),
            Post("parts", "parts", "written_off:{asset}", "{payer}", "restored", "asset", True),
        ),
    ),
    "auction.paid": Rule(
        "The winning bid is paid on top of the mark; below zero, the account in default pays the winner.",
        (("paid", "add", "bid", 0),),
        (Post("paid", "amount", "{buyer}", OWN, "auction"),),
    ),
    "auction.terms": Rule(
        "Reserve, and how far below the winner a bid is still competitive: shares of the portfolio's notional, rounded "
        "down. A winner is paid no more than the reserve.",
        (
            ("reserve", "muldiv", "notional", "num", "den"),
            ("within", "muldiv", "notional", "near_num", "near_den"),
            ("asked", "sub", 0, "paid"),
            ("below", "sub", "asked", 1),
            ("enough", "compare", "below", "reserve"),
        ),
        (),
        ("enough",),
    ),
    "distribution.class": Rule(
        "A class is paid before the next, pro rata to what each claim still is; largest remainder, ties by name.",
        (("whole", "sum", "claims"), ("pays", "min", "left", "whole"), ("parts", "split", "pays", "claims")),
        (
            Post("pays", "amount"),
            Post("parts", "parts", "{payer}", "external", "distribution", "asset", True),
        ),
    ),
    "distribution.written_off": Rule(
        "What no money is left for stands against the losses that nobody paid.",
        (("parts", "split", "rest", "balances"),),
        (Post("parts", "parts", "{payer}", "written_off:{asset}", "written_off", "asset", True),),
    ),
}
