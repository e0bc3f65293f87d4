"""Programs of the fund's auctions: when they may start, bids and what goes back, what is paid, issued and burned."""

from __future__ import annotations

from collections.abc import Mapping

from seawall.engine.program import OWN, Post, Rule

_ESCROW = "auction:{auction}"
_MONEY_BACK = Post("back", "returned", _ESCROW, OWN, "auction_refund")
_SHARES_BACK = Post("back", "returned", _ESCROW, OWN, "auction_refund", "share_asset", True)

AUCTIONS: Mapping[str, Rule] = {
    "auction.debt_start": Rule(
        "No surplus is left, and a lot fits into the debt that has waited long enough and is not on auction.",
        (
            ("waited", "sub", "debt", "queued"),
            ("free", "sub", "waited", "on_auction"),
            ("below", "sub", "lot", 1),
            ("enough", "compare", "below", "free"),
            ("netted", "compare", "surplus", 1),
            ("fixed", "add", "lot", 0),
        ),
        (Post("fixed", "amount"),),
        ("enough", "netted"),
    ),
    "auction.surplus_start": Rule(
        "The surplus covers all debt, the lot and the buffer, and no debt is left that it could pay.",
        (
            ("waited", "sub", "debt", "queued"),
            ("free", "sub", "waited", "on_auction"),
            ("needed", "sum", "debt", "lot", "buffer"),
            ("below", "sub", "needed", 1),
            ("enough", "compare", "below", "surplus"),
            ("netted", "compare", "free", 1),
            ("fixed", "add", "lot", 0),
        ),
        (Post("fixed", "amount"),),
        ("enough", "netted"),
    ),
    "auction.fewer": Rule(
        "A bid asks for fewer shares than the last one, by the least improvement (times num / den) at least.",
        (
            ("asked", "muldiv", "bid", "num", 1),
            ("last_asked", "muldiv", "last", "den", 1),
            ("below", "sub", "asked", 1),
            ("beats", "compare", "below", "last_asked"),
            ("fewer", "compare", "bid", "last"),
            ("shares", "add", "bid", 0),
        ),
        (Post("shares", "shares"),),
        ("beats", "fewer"),
    ),
    "auction.more": Rule(
        "A bid offers more shares than the last one, by the least improvement (times num / den) at least.",
        (
            ("offered", "muldiv", "bid", "den", 1),
            ("last_offered", "muldiv", "last", "num", 1),
            ("below", "sub", "last_offered", 1),
            ("beats", "compare", "below", "offered"),
            ("more", "compare", "last", "bid"),
            ("shares", "add", "bid", 0),
        ),
        (Post("shares", "shares", OWN, _ESCROW, "auction_bid", "share_asset", True),),
        ("beats", "more"),
    ),
    "auction.stake": Rule(
        "The bidder pays the lot, which is kept until the auction is decided.",
        (("paid", "add", "lot", 0),),
        (Post("paid", "amount", OWN, _ESCROW, "auction_bid"),),
    ),
    "auction.beaten": Rule(
        "Who led before gets its money back.",
        (("back", "add", "held", 0),),
        (Post("back", "returned", _ESCROW, "{counterparty}", "auction_refund"),),
    ),
    "auction.beaten_shares": Rule(
        "Who led before gets its shares back.",
        (("back", "add", "held", 0),),
        (Post("back", "returned", _ESCROW, "{counterparty}", "auction_refund", "share_asset", True),),
    ),
    "auction.restart": Rule(
        "Nobody bid: the offer is multiplied, rounded down.",
        (("offer", "muldiv", "last", "num", "den"),),
        (Post("offer", "shares"),),
    ),
    "auction.residual": Rule(
        "The oldest residual is paid first, as far as the money goes.",
        (("paid", "min", "left", "owed"),),
        (Post("paid", "amount", "{source}", "deficit:{loss}", "residual_paid"),),
    ),
    "auction.debt_won": Rule(
        "The lot pays debt that has waited; what finds none goes back, and shares are for what was paid, rounded down.",
        (
            ("paid", "min", "lot", "debt"),
            ("back", "sub", "lot", "paid"),
            ("issued", "muldiv", "best", "paid", "lot"),
        ),
        (
            Post("paid", "amount"),
            _MONEY_BACK,
            Post("issued", "shares", "shares:issued", OWN, "shares_issued", "share_asset", True),
        ),
    ),
    "auction.surplus_won": Rule(
        "The lot goes to the winner while the surplus still covers all debt, lot and buffer; its shares are burned.",
        (
            ("needed", "sum", "debt", "lot", "buffer"),
            ("below", "sub", "needed", 1),
            ("enough", "compare", "below", "surplus"),
            ("paid", "add", "lot", 0),
            ("burned", "add", "best", 0),
        ),
        (
            Post("paid", "amount", "{fund}", OWN, "surplus_sold"),
            Post("burned", "shares", _ESCROW, "shares:burned", "shares_burned", "share_asset", True),
        ),
        ("enough",),
    ),
    "auction.money_back": Rule("The leader's money goes back.", (("back", "add", "held", 0),), (_MONEY_BACK,)),
    "auction.shares_back": Rule("The leader's shares go back.", (("back", "add", "held", 0),), (_SHARES_BACK,)),
}
