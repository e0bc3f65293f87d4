"""A run in the terminal: what happened, who paid, who was hit, where it is. Right in 80 columns and without colour."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Collection
from decimal import Decimal
from typing import Any, NamedTuple

from rich.text import Text

from seawall.replay import incident_words, words
from seawall.views.decision_terms import halt_reason

LABEL, AMOUNT, FACT = 22, 9, 15
COUNT = 16
NARROWEST = 60


class Marks(NamedTuple):
    """What bars are drawn with. Fills differ, so that nothing hangs on colour."""

    solid: str
    gained: str
    used: str
    cut: str

    @classmethod
    def of(cls, encoding: str) -> Marks:
        """Blocks where the encoding has them, plain characters where not."""
        blocks = cls("█", "▓", "░", "…")
        try:
            "".join(blocks).encode(encoding)
        except (UnicodeEncodeError, LookupError):
            return cls("#", "+", "-", "~")
        return blocks


class Page:
    """Lines of a fixed width, built one after another."""

    def __init__(self, width: int, marks: Marks) -> None:
        self.width, self.marks = max(width, NARROWEST), marks
        self.lines: list[Text] = []

    def line(self, text: str = "", style: str = "") -> None:
        """One line as it is."""
        self.lines.append(Text(text, style))

    def para(self, text: str, style: str = "", first: str = "", hang: str = "") -> None:
        """Wrapped text; ``first`` starts the first line, ``hang`` the others."""
        wrapped = textwrap.wrap(
            text,
            self.width,
            initial_indent=first,
            subsequent_indent=hang,
            break_long_words=False,
            break_on_hyphens=False,
        )
        self.lines.extend(Text(row, style) for row in wrapped)

    def heading(self, left: str, right: str = "") -> None:
        """A blank line and a heading."""
        self.line()
        self.lines.append(Text(f"{left}{right:>{self.width - len(left)}}".rstrip(), "bold"))

    def fact(self, name: str, text: str, style: str = "") -> None:
        """A named line; its text goes on under itself."""
        at = len(self.lines)
        self.para(text, style, f"{name:<{FACT}}", " " * FACT)
        self.lines[at].stylize("dim", 0, FACT)

    def bar(
        self, label: str, count: str, low: Decimal, high: Decimal, most: Decimal, amount: str, *, fill: str, style: str
    ) -> None:
        """A bar from ``low`` to ``high`` of ``most``; anything above zero shows at least one mark."""
        room = self.width - 2 - LABEL - COUNT - AMOUNT - 2
        start, end = (int((max(Decimal(0), v) / most * room).to_integral_value()) for v in (low, high))
        if high > low and start == end:
            start, end = (start, end + 1) if end < room else (start - 1, end)
        drawn = " " * start + fill * (end - start)
        name = label if len(label) <= LABEL - 1 else label[: LABEL - 2] + self.marks.cut
        line = Text(f"  {name:<{LABEL}}{count:<{COUNT}}")
        line.append(f"{drawn:<{room}}", style)
        line.append(f"  {amount:>{AMOUNT}}")
        line.rstrip()
        self.lines.append(line)


def render(s: dict[str, Any], width: int, marks: Marks, commands: Collection[str] = ()) -> list[Text]:
    """The lines of a run.

    Args:
        s: the result document.
        width: columns; no line is longer, but for paths and commands to copy.
        marks: what bars are drawn with.
        commands: names of the commands that exist; only those are proposed.
    """
    page = Page(width, marks)
    title = f"{s['event']} under {s['policy']['name']}"
    page.lines.append(Text(f"{title}{s['heading']:>{page.width - len(title)}}".rstrip(), "bold"))
    if s["title"] != s["event"]:
        page.para(s["title"], "dim")
    page.line()
    page.para(words.headline(s), "bold" if Decimal(s["residual"]) == 0 else "bold red")
    _way_down(page, s)
    _who_paid(page, s)
    page.line()
    _facts(page, s)
    _hit(page, s)
    _files(page, s, commands)
    return page.lines


def _way_down(page: Page, s: dict[str, Any]) -> None:
    """Positions on their way from the trader to nobody."""
    if not s["liquidated"]["accounts"]:
        return
    page.heading("From the trader down", f"positions, {s['unit']}")
    d = s["deleveraged"]
    market, taken = Decimal(s["liquidated"]["notional"]), Decimal(s["taken_over"]["notional"])
    rows = [
        ("closed in the market", words.some(s["liquidated"]["accounts"], "account"), market),
        ("taken by the backstop", words.some(s["taken_over"]["accounts"], "account"), taken),
        ("deleveraged", words.some(d["accounts"], "winner"), Decimal(d["notional"])),
        ("  of the backstop's", "", Decimal(d["of_backstop_notional"])),
    ]
    if s["backstop_pnl"] is None:
        rows = [rows[0], rows[2]]
    elif not rows[3][2]:
        rows.pop()
    most = max(*(amount for _, _, amount in rows), Decimal(1))
    for name, count, amount in rows:
        page.bar(name, count, Decimal(0), amount, most, words.short(amount), fill=page.marks.solid, style="yellow")


def _who_paid(page: Page, s: dict[str, Any]) -> None:
    """Losses in, and what every layer had, gained, used and has left, on one scale."""
    page.heading("Who paid", f"money, {s['unit']}")
    solid, gained, used, _ = page.marks
    houses = [{k: Decimal(row[k]) for k in ("before", "gained", "used", "after")} for row in s["layers"]]
    loss, zero = Decimal(s["bad_debt"]), Decimal(0)
    left = Decimal(s["residual"])
    shared = _bars_of_layers(s)
    causes = [(c, Decimal(f["amount"])) for c, f in s["losses"]["by_cause"].items() if c != "default"]
    amounts = (*(a for _, _, a in shared), *(a for _, a in causes))
    most = max(Decimal(1), loss, left, *amounts, *(h["before"] + h["gained"] for h in houses))
    page.bar(
        "losses beyond margin", words.some(s["losses"]["accounts"], "account"), zero, loss, most, words.short(loss),
        fill=solid, style="red",
    )  # fmt: skip
    for cause, amount in causes:
        page.bar(f"losses: {cause}", "", zero, amount, most, words.short(amount), fill=solid, style="red")
    for row, h in zip(s["layers"], houses, strict=True):
        top = h["before"] + h["gained"]
        page.bar(row["name"], "before", zero, h["before"], most, words.short(h["before"]), fill=solid, style="cyan")
        page.bar("", "gained", h["before"], top, most, words.signed(h["gained"]), fill=gained, style="green")
        # What a wind-down took pays claims, not losses.
        out = -sum(Decimal(row["by_source"].get(key, "0")) for key in ("paid_out", "written_off"))
        spent, rest = h["used"] - out, h["after"] + out
        page.bar("", "used", rest, top, most, words.signed(-spent), fill=used, style="red")
        if out:
            page.bar("", "wind-down", h["after"], rest, most, words.signed(-out), fill=used, style="red")
        page.bar("", "after", zero, h["after"], most, words.short(h["after"]), fill=solid, style="cyan")
    for name, who, amount in shared:
        if amount or name == "deleveraging":
            page.bar(name, who, zero, amount, most, words.short(amount), fill=solid, style="magenta")
    page.bar("residual", "nobody paid", zero, left, most, words.short(left), fill=solid, style="bold red")


def _bars_of_layers(s: dict[str, Any]) -> list[tuple[str, str, Decimal]]:
    """Who else pays, in the order of the policy's layers: name, how many, how much. Deleveraging where there was any."""
    members, social, d = s["members"], s["socialised"], s["deleveraged"]
    found = {
        "deleverage": ("deleveraging", words.some(d["accounts"], "winner"), Decimal(d["collected"])),
        "gains_haircut": ("gains haircut", "", Decimal(s["haircut"]["amount"])),
        "assessment": ("cash calls", words.some(members["callees"], "member"), Decimal(members["called"])),
        "open_interest": (
            "open positions",
            words.some(social["charged_accounts"], "account"),
            Decimal(social["charged"]),
        ),
        "cash_haircut": ("balances cut", words.some(social["cut_accounts"], "account"), Decimal(social["cash_cut"])),
        "withdrawal_rate": ("put on withdrawals", "", Decimal(social["on_withdrawals"])),
    }
    if not d["accounts"] or _only_capped(d):
        del found["deleverage"]
    order = [rule["kind"] for rule in s["policy"]["layers"]]
    places = {kind: order.index(kind) if kind in order else len(order) for kind in found}
    return [found[kind] for kind in sorted(found, key=lambda k: places[k])]


def _only_capped(d: dict[str, Any]) -> bool:
    """Was everybody who was deleveraged closed by a profit cap, which covers no loss? A run of old says nothing of it."""
    return Decimal(d["notional"]) == Decimal(d.get("of_profit_cap_notional", "0"))


def _facts(page: Page, s: dict[str, Any]) -> None:
    unit, d, hair = s["unit"], s["deleveraged"], s["haircut"]
    made = s["book"]["source"].get("generator", "")
    page.fact(
        "book",
        f"{words.some(s['accounts'], 'account')}, {words.some(s['positions'], 'position')}, "
        f"{words.some(s['markets'], 'market')}" + (f" ({made})" if made else ""),
    )
    page.fact(
        "liquidated",
        f"{words.some(s['liquidated']['accounts'], 'account')}; {words.short(s['liquidated']['notional'])} {unit} closed "
        f"in the market; {words.some(s['liquidated']['fills'], 'fill')}"
        + (", the backstop's included" if s["backstop_pnl"] is not None else "")
        + (f", fees {words.short(s['liquidated']['fees'])}" if Decimal(s["liquidated"]["fees"]) else ""),
    )
    if s["backstop_pnl"] is not None:
        b = s["backstop_pnl"]
        passed = f"; passed on {words.short(-Decimal(b['passed_on']))} {unit}" if Decimal(b["passed_on"]) else ""
        earned = words.signed(s["taken_over"]["pnl"])
        page.fact("backstop", f"result {earned} {unit}: {', '.join(_sources(b))}{passed}")
    if d["accounts"]:
        page.fact("deleveraged", f"{words.some(d['accounts'], 'winner')}; {words.short(d['notional'])} {unit} closed")
    if d["accounts"] and not _only_capped(d):
        page.fact(
            "gave up",
            f"{words.short(d['collected'])} {unit} where {words.short(d['needed'])} had to be covered; at most "
            f"{words.percent(hair['max_of_profit'])} of a winner's profit, {words.percent(hair['max_of_equity'])} of its equity",
        )
    cap = s.get("profit_cap")
    if cap and cap["times"]:
        page.fact(
            "profit cap",
            f"profits were above it {words.some(cap['times'], 'time')}: {words.some(cap['accounts'], 'winner')} closed at the "
            f"mark, {words.short(cap['collected'])} {unit} paid; at most {words.short(cap['largest_needed'])} was needed at "
            f"once and {words.short(cap['largest_residual'])} left",
        )
    if Decimal(hair["amount"]):
        page.fact("gains cut", f"{words.amount(hair['amount'])} {unit}, at most {_rate(hair['rate'])} of a gain")
    for name, text in _sharing(s):
        page.fact(name, text)
    for row in s.get("incidents", ()):
        page.fact(f"minute {row['minute']}", incident_words.line(row, unit))
    if s["concentration"]["deleveraged"]["accounts"]:
        page.fact("borne by", _borne(s["concentration"]["deleveraged"]))
    left = f"{words.amount(s['residual'])} {unit}" + (
        f", not final: {words.amount(s['pending'])}" if Decimal(s["pending"]) else ""
    )
    if Decimal(s["residual"]) or Decimal(s["pending"]):
        page.fact("nobody paid", left, "red")
    refused = ", ".join(f"{words.count(n)} {reason.replace('_', ' ')}" for reason, n in s["quarantined"].items())
    page.fact("marks", f"{s['mark_rule']}; prices refused: {refused or 'none'}")
    if s.get("marks_compared"):
        _marks_compared(page, s["marks_compared"])
    page.fact("conservation", _conservation(s), "" if s["conservation"]["ok"] else "bold red")
    for note in s["notes"]:
        page.fact("note", note)


def _sharing(s: dict[str, Any]) -> list[tuple[str, str]]:
    """Members, shared losses, recoveries, halts and the end of the venue: what there was of each."""
    unit, members, social, back = s["unit"], s["members"], s["socialised"], s["recovered"]
    out = []
    if Decimal(members["contributions"]):
        who = words.some(members["contributors"], "contribution")
        out.append(("members", f"{words.short(members['contributions'])} {unit} out of {who} of {members['members']}"))
    a = s["auctions"]
    if a["held"]:
        paid = f"winners paid {words.signed(a['paid'])} on top of the mark" if a["won"] else "no bid at the reserve"
        if Decimal(a["paid"]) < 0:
            paid = f"winners were paid {words.short(a['paid'].removeprefix('-'))} to take them"
        thin = f"; {words.count(a['thin'])} thin" if a.get("thin") else ""
        sold = f"{words.count(a['won'])} of {words.some(a['held'], 'portfolio')} sold{thin}"
        out.append(("auctions", f"{sold}; {words.short(a['notional'])} {unit}; {paid}"))
        if a.get("tiers"):
            out.append(("bids", _bids(a)))
    if Decimal(members["called"]):
        out.append(
            ("called", f"{words.short(members['called'])} {unit} from {words.some(members['callees'], 'member')}")
        )
    if Decimal(social["charged"]):
        who = words.some(social["charged_accounts"], "account")
        out.append(("charged", f"{words.short(social['charged'])} {unit} on the open positions of {who}"))
    if Decimal(social["cash_cut"]):
        who = words.some(social["cut_accounts"], "account")
        out.append(("balances cut", f"{words.short(social['cash_cut'])} {unit}, of {who}"))
    if Decimal(social["on_withdrawals"]):
        left = f"{words.short(social['outstanding'])} outstanding"
        out.append(("withdrawals", f"bear {words.short(social['on_withdrawals'])} {unit}, {left}"))
    if Decimal(back["amount"]):
        places = (
            ("residual", "for what nobody had paid"),
            ("claims", "to those who had paid"),
            ("excess", "more than was paid"),
        )
        parts = ", ".join(f"{words.short(back[key])} {name}" for key, name in places if Decimal(back[key]))
        out.append(("recovered", f"{words.short(back['amount'])} {unit}: {parts}"))
    sales = s.get("fund_auctions")
    if sales and (sales["opened"] or Decimal(sales["netted"])):
        paid = f"paid {words.short(sales['residual'])} {unit} of what nobody had paid, the fund {words.short(sales['netted'])}"
        out.append(("fund auctions", f"{sales['won']} of {sales['opened']} won; {paid}"))
        for asset, made in sales["shares"].items():
            told = (
                f"{words.count(made['issued'])} of {asset} made for what was paid, {words.count(made['burned'])} burned"
            )
            out.append(("shares", f"{told}; surplus sold {words.short(sales['sold'])} {unit}"))
    for halt in s["halts"]:
        state = "still on at the end" if halt["ended_ns"] is None else "over again at the end"
        out.append(("halt", f"{halt['halt']}: {halt_reason(halt['reason'])}; {state}"))
    if s["wind_down"] is not None:
        paid = ", ".join(
            f"{rank.replace('_', ' ')} {words.short(v)}" for rank, v in s["wind_down"]["distributed"].items()
        )
        out.append(
            ("wind-down", f"paid out to {paid} {unit}; written off {words.short(s['wind_down']['written_off'])}")
        )
    return out


def _bids(a: dict[str, Any]) -> str:
    """Valid bids, those that did not count, and the tiers that bidders were put in."""
    refused = ", ".join(f"{words.count(n)} {reason.replace('_', ' ')}" for reason, n in a["refused"].items())
    tiers = ", ".join(f"{words.count(n)} {tier.replace('_', ' ')}" for tier, n in a["tiers"].items())
    return f"{words.count(a['bids'])} valid{f', refused: {refused}' if refused else ''}; tiers: {tiers}"


def _borne(c: dict[str, Any]) -> str:
    """How the pain of winners was shared, as far as there are so many of them."""
    shares = [
        f"{words.percent(c[f'top{k}'])} by {name}"
        for k, name in ((1, "one"), (10, "ten"), (20, "twenty"))
        if k < c["accounts"]
    ]
    who = f"{words.some(c['accounts'], 'winner')}"
    return f"{who}, {', '.join(shares)}" if shares else who


def _sources(b: dict[str, str]) -> list[str]:
    """Where the backstop's result came from, largest first, what is zero left out; not what it passed on."""
    names = {
        "fills": "fills",
        "fees": "fees",
        "draws": "losses paid",
        "deleveraging": "deleveraging",
        "covered": "its own losses paid by others",
        "charged": "charged on its positions",
        "recovered": "recoveries",
        "reinstated": "put in by the owner",
        "auctions": "auctions",
        "paid_out": "paid out in the wind-down",
        "written_off": "written off in the wind-down",
        "marks": "marks",
    }
    amounts = {name: Decimal(b[key]) for key, name in names.items()}
    amounts["accounts taken over"] = Decimal(b["margin_received"]) + Decimal(b["take_over_value"])
    ordered = sorted(amounts, key=lambda name: (-abs(amounts[name]), name))
    return [f"{name} {words.signed(amounts[name])}" for name in ordered if amounts[name]] or ["nothing"]


def _rate(fraction: str) -> str:
    num, den = fraction.split("/")
    return words.percent(Decimal(num) / Decimal(den))


def _marks_compared(page: Page, c: dict[str, Any]) -> None:
    mine, other = c["under"], c["against"]
    page.fact(
        "mark rules",
        f"{words.some(c['both'], 'account')} fell under both, {words.count(c[f'only_{mine}'])} under {mine} only, "
        f"{words.count(c[f'only_{other}'])} under {other} only"
        + ("" if c.get("complete", True) else " (the second run was interrupted)"),
    )


def _conservation(s: dict[str, Any]) -> str:
    assets = s["conservation"]["assets"]
    if not s["conservation"]["ok"]:
        return "BROKEN: " + ", ".join(
            f"{a} off by {d['difference']}" for a, d in assets.items() if d["difference"] != "0"
        )
    return f"holds to the unit in {words.some(len(assets), 'asset')}, after every event"


def _hit(page: Page, s: dict[str, Any]) -> None:
    """Three who were hit, and why."""
    rows = list(_stories(s))[:3]
    if not rows:
        return
    page.heading("Hit hardest, and why")
    for account, story in rows:
        page.para(story, "", f"  {account}  ", "    ")


def _taken_out(row: dict[str, Any]) -> str:
    """What an account took out of the venue on the way, in words; nothing for one that took nothing out."""
    amount = Decimal(row["taken_out"])
    if not amount:
        return ""
    return f", {words.short(abs(amount))} {'taken out' if amount > 0 else 'put in'} on the way"


def _stories(s: dict[str, Any]) -> list[tuple[str, str]]:
    """Who and why: the largest to fall, the largest loss, the winner who lost most; then the next largest."""
    unit = s["unit"]
    fell = [
        (
            h["account"],
            f"fell below maintenance with {words.short(h['notional'])} {unit} of positions: it "
            f"{words.outcome(h['outcome'])}; equity {words.short(h['equity_before'])} before, "
            f"{words.short(h['equity_after'])} after{_taken_out(h)}.",
        )
        for h in s["liquidated"]["largest"]
    ]
    houses = {row["name"] for row in s["layers"]}
    lost = [
        (
            h["account"],
            ("went bankrupt itself and " if h["account"] in houses else "")
            + f"left the largest loss beyond margin, {words.short(h['amount'])} {unit}.",
        )
        for h in s["losses"]["largest"][:1]
    ]
    won = [
        (
            h["account"],
            f"was deleveraged as a winner: {words.short(h['notional'])} {unit} closed, {words.short(h['given_up'])} given "
            f"up. Rank {words.count(h['rank'])} in {h['market']}; {h['because']}.",
        )
        for h in s["deleveraged"]["largest"]
    ]
    found: dict[str, str] = {}
    for account, story in [*fell[:1], *lost, *won, *fell[1:]]:
        found.setdefault(account, story)
    return list(found.items())


def _files(page: Page, s: dict[str, Any], commands: Collection[str]) -> None:
    page.line()
    if s.get("run"):
        where = shlex.quote(s["run"])
        who = next((h["account"] for h in (*s["deleveraged"]["largest"], *s["liquidated"]["largest"])), None)
        _plain(page, "files", f"{s['run']}  ({words.count(s['steps'])} steps in {s['seconds']:.1f} s)")
        _plain(page, "hashes", f"state {s['state_hash'][:16]}  policy {s['policy']['hash'][:16]}")
        if "report" in commands:
            _plain(page, "to read it", f"seawall report {where}")
        if "explain" in commands and who is not None:
            _plain(page, "why me?", f"seawall explain {where} {shlex.quote(who)}")
        if "replay" in commands:
            _plain(page, "to check it", f"seawall replay {where}")
    if s.get("sources") and "scenarios" in commands:
        _plain(page, "sources", f"seawall scenarios show {shlex.quote(s['event'])}")


def _plain(page: Page, name: str, text: str) -> None:
    """A line to copy from: never wrapped."""
    page.line(f"{name:<{FACT}}{text}")
    page.lines[-1].stylize("dim", 0, FACT)
