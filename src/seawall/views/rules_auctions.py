"""The auctions of a policy in plain words."""

from __future__ import annotations

from seawall.engine import AuctionsRule
from seawall.members import AuctionWhen, PortfolioAuctionRule
from seawall.views.document import Document, Part, Parts


def auctions_in_words(rules: AuctionsRule, doc: Document) -> list[tuple[str, Parts]]:
    """The parts, named; figures refer to ``rules`` in the document."""
    found = []
    if rules.debt is not None:
        found.append(("auctions of debt", _debt(rules, doc)))
    if rules.surplus is not None:
        found.append(("auctions of surplus", _surplus(rules, doc)))
    return found


def portfolio_auction(rule: PortfolioAuctionRule, doc: Document) -> Parts:
    """The auction of a defaulter's portfolio in plain words."""
    path = "rules.members.auction"
    out: list[Part] = ["The positions of an account in liquidation that are worth at least "]
    out += [doc.fig(f"{path}.least", "millionths"), " are offered whole to "]
    if rule.invites:
        out += ["the ", doc.fig(f"{path}.invites", "count"), " members with the largest contribution"]
    else:
        out.append("all other members")
    first = rule.when is AuctionWhen.FIRST
    out.append(" before the market answers its orders" if first else " where the market did not take them")
    return [
        *out,
        ", for ",
        doc.fig(f"{path}.length_ns", "seconds"),
        ". The best bid takes them at the mark; it is paid at most ",
        doc.fig(f"{path}.reserve", "part"),
        " of their notional. For losses of that account members then pay in this order: no bid, poor bid, a bid within ",
        doc.fig(f"{path}.competitive_within", "part"),
        " of the best, the winner.",
    ]


def _debt(rules: AuctionsRule, doc: Document) -> Parts:
    path = "rules.auctions.debt"
    assert rules.debt is not None
    out: list[Part] = ["What nobody paid"]
    if rules.debt.wait:
        out += [" for ", doc.fig(f"{path}.wait", "seconds")]
    out += [
        " may be auctioned in lots of ",
        doc.fig(f"{path}.lot", "millionths"),
        ": who asks for the fewest new shares of the fund pays the lot. The first offer is ",
        doc.fig(f"{path}.first_shares", "count"),
        " shares; without a bid it is multiplied by ",
        doc.fig(f"{path}.restart", "factor"),
        ".",
    ]
    return [*out, *_terms(path, doc)]


def _surplus(rules: AuctionsRule, doc: Document) -> Parts:
    path = "rules.auctions.surplus"
    assert rules.surplus is not None
    out: list[Part] = [
        f"What {rules.account} has beside all debt and ",
        doc.fig(f"{path}.buffer", "millionths"),
        " may be sold in lots of ",
        doc.fig(f"{path}.lot", "millionths"),
        " to who gives most shares, which are burned",
    ]
    if rules.surplus.most_at_once is not None:
        out += [", at most ", doc.fig(f"{path}.most_at_once", "millionths"), " at one time"]
    return [*out, ". A lot is not set aside: a loss comes first.", *_terms(path, doc)]


def _terms(path: str, doc: Document) -> Parts:
    return [
        " A bid beats the last one by the factor ",
        doc.fig(f"{path}.terms.improvement", "factor"),
        " at least, and wins after ",
        doc.fig(f"{path}.terms.bid_time", "seconds"),
        "; an auction takes at most ",
        doc.fig(f"{path}.terms.length", "seconds"),
        ".",
    ]
