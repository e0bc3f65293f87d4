"""Programs of a default fund's life: what is owed to it, what is put back, calls that are not paid."""

from __future__ import annotations

from collections.abc import Mapping

from seawall.engine.program import OWN, Post, Rule

MEMBERS: Mapping[str, Rule] = {
    "clock.owed": Rule(
        "Who paid in a layer that is reinstated owes the same amount again.",
        (("owed", "sum", "used"),),
        (Post("owed", "amount"),),
    ),
    "clock.missing": Rule(
        "A member owes no more than is missing to what it had paid in, what it holds and owes already counted.",
        (
            ("all", "sub", "paid_in", "held"),
            ("open", "sub", "all", "owed"),
            ("most", "max", 0, "open"),
            ("missing", "min", "used", "most"),
        ),
    ),
    "clock.inside": Rule(
        "What a member put into the fund and lost is owed at once, as far as the window's cap has room after all calls.",
        (("owed", "min", "used", "room"),),
        (Post("owed", "amount"),),
    ),
    "clock.after": Rule(
        "What a member does not owe inside the window, it owes after the window has closed.",
        (("owed", "sub", "used", "inside"),),
        (Post("owed", "amount"),),
    ),
    "clock.paid": Rule(
        "What is due for an event that is over is put back in full, with money from outside.",
        (("paid", "sum", "owed"),),
        (Post("paid", "amount", "external", OWN, "replenished"),),
    ),
    "clock.settled": Rule(
        "Money that comes back otherwise settles what is owed first: nobody pays twice.",
        (("settled", "min", "received", "owed"),),
        (Post("settled", "amount"),),
    ),
    "clock.forgiven": Rule(
        "A member in default puts nothing back: what it owed is owed no more.",
        (("forgiven", "add", "owed", 0),),
        (Post("forgiven", "amount"),),
    ),
    "call.unpaid": Rule(
        "A member is asked for its share of the round, no more than its caps leave, and does not pay.",
        (("asked", "min", "share", "room"),),
        (Post("asked", "amount"),),
    ),
}
