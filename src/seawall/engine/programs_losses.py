"""Programs of losses on their way down the layers: recognised, paid, called, shared, carried, left."""

from __future__ import annotations

from collections.abc import Mapping

from seawall.engine.program import CLEARING, OWN, Post, Rule

_LAYER = Post("draw", "amount", "{source}", "{loss_account}", "layer:{layer}")

LOSSES: Mapping[str, Rule] = {
    "loss.recognise": Rule(
        "The loss is what equity is below zero.", (("loss", "sub", 0, "equity"),), (Post("loss", "amount"),)
    ),
    "loss.of_fill": Rule(
        "The loss of a fill is what it brought below the slice's share of equity.",
        (("improvement", "add", "gain", "share"), ("loss", "sub", 0, "improvement")),
        (Post("loss", "amount"),),
    ),
    "loss.carried": Rule(
        "The account still holds positions: what is not covered yet is recognised again later.",
        (("left", "sub", "recognised", "covered"),),
        (Post("left", "amount"),),
    ),
    "loss.residual": Rule(
        "Nobody paid what the flat account still owes: it stays on the loss's deficit account.",
        (("owed", "sub", 0, "equity"),),
        (Post("owed", "amount", "deficit:{loss}", OWN, "residual"),),
    ),
    "loss.declared": Rule(
        "Money of the venue is gone: it leaves the vault against the loss's deficit account.",
        (("gone", "add", "declared", 0),),
        (Post("gone", "amount", "deficit:{loss}", "external", "loss"),),
    ),
    "loss.unpaid": Rule(
        "Nobody paid what is left: it stays on the loss's deficit account.",
        (("owed", "sub", 0, "equity"),),
        (Post("owed", "amount"),),
    ),
    "layer.draw": Rule(
        "A layer pays what is left, as far as its money goes.", (("draw", "min", "left", "available"),), (_LAYER,)
    ),
    "layer.draw_limited": Rule(
        "A layer pays what is left, as far as its money and its limit for one event go.",
        (("most", "min", "available", "limit"), ("draw", "min", "left", "most")),
        (_LAYER,),
    ),
    "layer.beside": Rule(
        "Layers of one rank pay together, pro rata to what each may pay; largest remainder, ties to the earlier layer.",
        (("all", "sum", "rooms"), ("total", "min", "left", "all"), ("shares", "split", "total", "rooms")),
        (Post("shares", "shares"),),
    ),
    "layer.members": Rule(
        "Members of one rank pay what is left, as far as their contributions go, pro rata to them; largest remainder.",
        (("all", "sum", "balances"), ("draw", "min", "left", "all"), ("parts", "split", "draw", "balances")),
        (Post("draw", "amount"), Post("parts", "parts", "{payer}", "{loss_account}", "layer:{layer}")),
    ),
    "call.round": Rule(
        "What is still needed is asked of the members whose caps have room, pro rata to contribution.",
        (("shares", "split", "left", "contributions"),),
        (Post("shares", "shares"),),
    ),
    "call.member": Rule(
        "A member pays its share of the round, no more than its caps leave; the money comes from outside.",
        (("called", "min", "share", "room"), ("drawn", "add", "called", 0)),
        (
            Post("called", "amount", "external", OWN, "assessment"),
            Post("drawn", "", OWN, "{loss_account}", "layer:{layer}"),
        ),
    ),
    "socialise.open_interest": Rule(
        "Every open lot of the market pays the same, longs and shorts: what is left, as far as the layer's limits go.",
        (("charged", "min", "left", "most"),),
        (Post("charged", "amount", CLEARING, "{loss_account}", "layer:{layer}"),),
    ),
    "socialise.share": Rule(
        "What is charged is split over open lots: largest remainder, ties to the earlier account. A charge raises a "
        "position's entry value; the market's clearing account pays.",
        (("parts", "split", "charged", "lots"),),
    ),
    "socialise.cash": Rule(
        "Every positive balance is cut by one rate: what is left of the loss, at most the largest part that may be cut; "
        "split by balance, largest remainder.",
        (
            ("most", "muldiv", "whole", "num", "den"),
            ("cut", "min", "left", "most"),
            ("cuts", "split", "cut", "balances", "whole"),
        ),
        (Post("cut", "amount"), Post("cuts", "cuts", "{payer}", "{loss_account}", "layer:{layer}")),
    ),
    "socialise.withdrawals": Rule(
        "What is left, as far as the layer's limits go, is put on the account that withdrawals pay off.",
        (("borne", "min", "left", "most"),),
        (Post("borne", "amount", "socialised:{asset}", "{loss_account}", "layer:{layer}"),),
    ),
    "socialise.profit": Rule(
        "What is left, as far as the layer's limits go and as there is profit that bears nothing yet, is put on the account "
        "that withdrawals of profit pay off.",
        (
            ("free", "sub", "profits", "outstanding"),
            ("room", "min", "free", "most"),
            ("borne", "min", "left", "room"),
        ),
        (Post("borne", "amount", "socialised:{asset}", "{loss_account}", "layer:{layer}"),),
    ),
    "haircut.gains": Rule(
        "All gains are cut by one rate: what is left of the losses, at most the largest part of gains that may be cut; "
        "split by gain, and poured into the losses in order.",
        (
            ("most", "muldiv", "whole", "num", "den"),
            ("cut", "min", "loss", "most"),
            ("cuts", "split", "cut", "gains", "whole"),
        ),
        (Post("cut", "amount"), Post("cuts", "cuts")),
    ),
    "haircut.at_cap": Rule(
        "Who is at its lifetime cap pays what is left of it, the cap less what this layer took before, at the price of the "
        "asset (rounded down); split over the accounts that share it by gain, largest remainder.",
        (
            ("left", "sub", "cap", "taken"),
            ("cut", "muldiv", "left", "num", "den"),
            ("cuts", "split", "cut", "gains", "whole"),
        ),
        (Post("cut", "amount"), Post("cuts", "cuts")),
    ),
    "haircut.below_caps": Rule(
        "What those at their caps did not pay is split over the others by gain, largest remainder: of the losses, at most "
        "what is left of the caps that the largest rate would reach and that rate of all other gains.",
        (
            ("most", "muldiv", "others", "num", "den"),
            ("reach", "add", "rooms", "most"),
            ("total", "min", "loss", "reach"),
            ("cut", "sub", "total", "at_caps"),
            ("cuts", "split", "cut", "gains", "whole"),
        ),
        (Post("cut", "amount"), Post("cuts", "cuts")),
    ),
    "withdrawal.rate": Rule(
        "A withdrawal is paid at the rate of what members' balances are still worth (rounded down); the rest pays off "
        "socialised losses.",
        (("paid", "muldiv", "amount", "num", "den"), ("cut", "sub", "amount", "paid")),
        (Post("cut", "amount_minor", OWN, "socialised:{asset}", "withdrawal_cut", "asset", True),),
    ),
    "withdrawal.profit": Rule(
        "A withdrawal takes capital first, in full; the rest is profit, paid at the rate of what profits are still worth "
        "(rounded down). What that leaves pays off socialised losses, never more than is outstanding.",
        (
            ("senior", "min", "amount", "capital"),
            ("junior", "sub", "amount", "senior"),
            ("left", "sub", "profits", "outstanding"),
            ("pays", "max", "left", 0),
            ("whole", "max", "profits", 1),
            ("paid", "muldiv", "junior", "pays", "whole"),
            ("borne", "sub", "junior", "paid"),
            ("cut", "min", "borne", "outstanding"),
        ),
        (Post("cut", "amount_minor", OWN, "socialised:{asset}", "withdrawal_cut", "asset", True),),
    ),
    "profits.cut": Rule(
        "Profits bear what is outstanding, as far as they go, pro rata; largest remainder, ties to the earlier account.",
        (("cut", "min", "outstanding", "whole"), ("cuts", "split", "cut", "profits", "whole")),
        (
            Post("cut", "amount_minor"),
            Post("cuts", "cuts", "{payer}", "socialised:{asset}", "withdrawal_cut", "asset", True),
        ),
    ),
}
