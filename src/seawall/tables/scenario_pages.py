"""The library as a page: what each scenario is, who is in it, where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from seawall.scenario import AssetPath, Follows, Incident, IndexFeed, Scenario, Script
from seawall.scenario.incidents import as_plain
from seawall.tables.incidents import incident_names, load_incidents
from seawall.tables.scenarios import load_scenario, scenario_names


def clock(scenario: Scenario, minute: float) -> str:
    """Hour and minute, UTC, of a minute of the scenario."""
    return datetime.fromtimestamp(scenario.start_ns // 10**9 + int(minute) * 60, UTC).strftime("%H:%M")


def window(scenario: Scenario) -> str:
    """Start, end and length in words."""
    start = datetime.fromtimestamp(scenario.start_ns // 10**9, UTC)
    hours, minutes = divmod(scenario.minutes, 60)
    long = (f"{hours} h" if hours else "") + (" " if hours and minutes else "") + (f"{minutes} min" if minutes else "")
    return f"{start:%Y-%m-%d %H:%M} UTC, {long}, a mark every {scenario.step_s} s"


def price(value: float) -> str:
    """A price with five significant digits and no exponent."""
    if value >= 1:
        return f"{value:,.{max(0, 4 - len(str(int(value))) + 1)}f}"
    return f"{value:.12f}"[: 2 + len(f"{value:.12f}"[2:]) - len(f"{value:.12f}"[2:].lstrip("0")) + 5].rstrip("0")


def extremes(scenario: Scenario, asset: str) -> tuple[float, float]:
    """Lowest and highest price of the venue's own trades and the index, over all points."""
    path = scenario.assets[asset]
    minutes = {m for curve in (path.ratio, path.dislocation) for m, _ in curve.points}
    seen = [f(asset, m) for m in minutes for f in (scenario.index_price, scenario.trade_price)]
    return min(seen), max(seen)


def asset_row(scenario: Scenario, asset: str) -> tuple[str, str, str, str, str]:
    """(asset, price at the start, lowest, highest, normal depth), the extremes as changes."""
    path = scenario.assets[asset]
    low, high = extremes(scenario, asset)
    return (
        asset,
        price(path.price),
        change(low / path.price - 1),
        change(high / path.price - 1),
        depth_text(path),
    )


def change(share: float) -> str:
    """A change in percent with its sign; none for zero."""
    text = f"{share:+.1%}"
    return "0.0%" if text in ("+0.0%", "-0.0%") else text


def depth_text(path: AssetPath) -> str:
    """Normal depth in words."""
    size = path.normal_depth
    return f"{size / 1e6:,.1f}m" if size >= 1e6 else f"{size / 1e3:,.0f}k"


def feed_text(scenario: Scenario, feed: IndexFeed) -> str:
    """What one source does, in a sentence."""
    parts = ["prints the market outside" if feed.follows is Follows.INDEX else "prints the venue's own last trade"]
    if feed.ratio.points != ((0.0, 1.0),):
        parts.append("times a ratio of its own")
    if feed.average_minutes:
        parts.append(f"averaged over {feed.average_minutes:g} minutes")
    if feed.floor is not None:
        parts.append(f"never below {price(feed.floor)}")
    if feed.ceiling is not None:
        parts.append(f"never above {price(feed.ceiling)}")
    for word, windows in (("repeats itself", feed.pinned), ("is silent", feed.outage)):
        parts.extend(f"{word} {clock(scenario, a)} to {clock(scenario, b)}" for a, b in windows)
    return f"{feed.name}: " + ", ".join(parts)


def actor_text(scenario: Scenario, number: int) -> str:
    """One actor in a sentence, with what of it is an assumption."""
    actor = scenario.actors[number]
    held = ", ".join(
        f"{'long' if actor.notional(h) > 0 else 'short'} {abs(float(actor.notional(h))):,.0f} of {h.asset}"
        for h in actor.holdings
    )
    wallets = f"{actor.wallets} wallets" if actor.wallets > 1 else "one account"
    told = f" {actor.text}" if actor.text else ""
    return f"{actor.name} (owner {actor.owner}): {wallets}, cash {float(actor.cash):,.0f}, {held}.{told}"


_SAID = {
    "amount": "{} of the quote currency",
    "share_of_cash": "{} of members' cash",
    "share_of_accounts": "{} of the accounts",
    "up_to": "up to {} of the opening balance",
}

_SHARES = {
    "recovery": "what has not come back",
    "reinstatement": "the opening balance",
    "run": "what they may withdraw",
    "claim": "its balance",
}


def incident_text(incident: Incident) -> str:
    """One incident in a sentence, with what of it is an assumption."""
    found = as_plain(incident)
    name = {
        "loss": f"{found.get('cause')} loss ({found.get('reference')})",
        "recovery": f"recovery of {found.get('reference', 'every default')}",
        "reinstatement": f"the owner lifts {found.get('account') or 'every ' + str(found.get('role'))}",
        "run": f"run on the venue, seed {found.get('seed', 0)}",
        "stop_paying": f"{found.get('member') or str(found.get('largest')) + ' largest members'}: no more payments to the default fund",
        "wind_down": "the venue is wound down",
        "claim": f"claim {found.get('claim')} of {found.get('claimant')} in class {found.get('rank')}",
        "distribution": f"{'final' if found.get('final') else 'interim'} distribution",
    }[incident.kind]
    said = [text.format(_shown(found[key], key)) for key, text in _SAID.items() if key in found]
    of = _SHARES.get(incident.kind)
    if of and (incident.kind == "run" or "share" in found):
        said.append(f"{_shown(found.get('share', '1'), 'share')} of {of}")
    if found.get("asset"):
        said.append(f"in {found['asset']}")
    told = f" ({found['text']})" if found.get("text") else ""
    return f"minute {found['minute']}: " + ", ".join([name, *said]) + told


def _shown(text: str, key: str) -> str:
    """A number of a script: an amount with thousands separators, a share as a percentage where it is a decimal."""
    if "/" in text:
        return text
    return f"{Decimal(text):,f}" if key == "amount" else f"{(Decimal(text) * 100).normalize():f} %"


def _scripts(found: Sequence[Script]) -> str:
    lines = [
        "## Scripts of incidents",
        "",
        "What happens beside the prices, in files of their own: `--incidents NAME` runs one beside any event that lasts long",
        "enough. `seawall scenarios show NAME --toml` prints the file, to start one of your own.",
        "",
        "| script | incidents | what happens |",
        "|---|---|---|",
        *(f"| [{s.name}](#{s.name}) | {len(s.incidents)} | {s.title} |" for s in found),
        "",
    ]
    for s in found:
        lines += [f"### {s.name}", "", f"{s.title}.", ""]
        lines += [*(f"- {incident_text(i)}." for i in s.incidents), ""]
        lines += [s.notes.strip(), ""] if s.notes else []
        lines += ["From:", "", *(f"- {text} ({date})." for text, date in s.sources), ""]
    return "\n".join(lines)


def scenarios_markdown() -> str:
    """The page ``docs/reference/scenarios.md`` below its heading: every scenario of the library, from its file."""
    found = [load_scenario(n) for n in scenario_names()]
    parts = [_index(found)]
    parts += [_section(s) for s in found]
    parts += [_scripts([load_incidents(n) for n in incident_names()])]
    return "\n".join(parts).rstrip() + "\n"


def _index(found: Sequence[Scenario]) -> str:
    lines = ["| scenario | kind | assets | what happens |", "|---|---|---|---|"]
    lines += [f"| [{s.name}](#{s.name}) | {s.kind} | {len(s.assets)} | {s.title} |" for s in found]
    return "\n".join(lines) + "\n"


def _section(s: Scenario) -> str:
    lines = [f"## {s.name}", "", f"{s.title}.", "", f"Window: {window(s)}.", ""]
    lines += ["| asset | at the start | lowest | highest | normal depth |", "|---|---|---|---|---|"]
    lines += ["| " + " | ".join(asset_row(s, a)) + " |" for a in s.assets]
    lines += ["", s.notes, ""] if s.notes else [""]
    sources = [f"- {a}, {feed_text(s, f)}." for a, p in s.assets.items() for f in p.feeds]
    if sources:
        lines += ["Sources of the index:", "", *sources, ""]
    if s.actors:
        lines += ["Added to any book:", "", *(f"- {actor_text(s, i)}" for i in range(len(s.actors))), ""]
    if s.incidents:
        lines += ["Beside the prices:", "", *(f"- {incident_text(i)}." for i in s.incidents), ""]
    if s.good_outcome:
        lines += [f"**Good outcome.** {s.good_outcome}", ""]
    if s.bad_outcome:
        lines += [f"**Bad outcome.** {s.bad_outcome}", ""]
    lines += ["From:", "", *(f"- {source.text} ({source.date})." for source in s.sources), ""]
    return "\n".join(lines)
