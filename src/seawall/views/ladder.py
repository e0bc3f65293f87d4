"""The picture of a policy: a loss on its way down the layers, who bears it at each, before anything has happened.

No amounts: those are a run's (``views.waterfall``). Layers that pay together stand beside each other.
"""

from __future__ import annotations

from dataclasses import dataclass

from seawall.engine import Policy
from seawall.views.document import Document, Part, words
from seawall.views.rules import rules_in_words
from seawall.views.svg import Svg, text_width, wrap
from seawall.waterfall import LayerKind, LayerRule

# Who bears what a layer pays: its colour, and its words in the key.
BEARERS = {"venue": ("a1", "the venue’s own money"), "members": ("a6", "members"), "traders": ("a2", "other traders")}
BEARS = {
    LayerKind.ACCOUNT: "venue",
    LayerKind.OWN_CONTRIBUTION: "members",
    LayerKind.MEMBERS: "members",
    LayerKind.ASSESSMENT: "members",
}
GAP, LEAD, SMALL = 22.0, 16.0, 12.0


@dataclass(frozen=True, slots=True)
class Step:
    """One card: its title, what it does, and who bears it (a key of ``BEARERS``, or "" for nobody yet).

    A loss does not come to it from the card above where it stands ``apart``.
    """

    title: str
    text: str
    bearer: str = ""
    apart: bool = False


def policy_picture(policy: Policy, width: float = 640.0) -> Svg:
    """The layers of a policy from the trader's margin down to what nobody paid."""
    rows = _rows(policy)
    sizes = [max(_size(step, _wide(row, width)) for step in row) for row in rows]
    top = 30.0
    flow = [row for row in rows if not row[0].apart]
    alt = f"Who pays under {policy.name}: " + ", then ".join(" beside ".join(s.title for s in row) for row in flow)
    alt += "".join(f". {step.title}" for row in rows for step in row if step.apart)
    svg = Svg(f"policy-{policy.name}", width, top + sum(sizes) + GAP * (len(rows) - 1) + 4, alt)
    _key(svg, {step.bearer for row in rows for step in row} - {""})
    y = top
    for number, (row, size) in enumerate(zip(rows, sizes, strict=True)):
        for at, step in enumerate(row):
            _card(svg, step, 1 + at * (_wide(row, width) + 12), y, _wide(row, width), size)
        y += size
        if number < len(rows) - 1:
            if rows[number + 1][0].apart:
                y += GAP
                continue
            svg.line(width / 2, y + 2, width / 2, y + GAP - 7, "axis")
            svg.path([(width / 2 - 5, y + GAP - 9), (width / 2, y + GAP - 3), (width / 2 + 5, y + GAP - 9)], "l6")
            y += GAP
    return svg


def _wide(row: list[Step], width: float) -> float:
    return (width - 2 - 12 * (len(row) - 1)) / len(row)


def _rows(policy: Policy) -> list[list[Step]]:
    said = {name.removeprefix("then "): words(parts) for name, parts in rules_in_words(policy, Document({}))}
    rows = [[Step("The trader’s own margin", said["liquidation"])]]
    if policy.liquidation.backstop is not None:
        rows.append([Step(f"Backstop: {policy.liquidation.backstop.account}", said["backstop"], "venue")])
    for rule in policy.layers:
        step = Step(_title(rule), said[rule.name], BEARS.get(rule.kind, "traders"))
        if rule.beside:
            rows[-1].append(step)
        else:
            rows.append([step])
    rows.append([Step("Residual", said["residual"])])
    if "auctions of debt" in said:
        rows.append([Step("Auctions of debt", said["auctions of debt"])])
    if "profit cap" in said:
        rows.append([Step("Beside the layers: profit cap", said["profit cap"], "traders", apart=True)])
    return rows


def _title(rule: LayerRule) -> str:
    return rule.name[:1].upper() + rule.name[1:]


def _lines(step: Step, wide: float) -> list[list[Part]]:
    return [list(line) for line in wrap([step.text], wide - 24, SMALL)]


def _size(step: Step, wide: float) -> float:
    return 16 + 18 + LEAD * len(_lines(step, wide))


def _card(svg: Svg, step: Step, x: float, y: float, wide: float, size: float) -> None:
    if step.bearer:
        svg.add("rect", x=x, y=y, width=wide, height=size, rx=4, class_=BEARERS[step.bearer][0])
    svg.add("rect", x=x, y=y, width=wide, height=size, rx=4, class_="card")
    svg.text(x + 12, y + 20, step.title, "ttl")
    for number, line in enumerate(_lines(step, wide)):
        svg.text(x + 12, y + 20 + LEAD * (number + 1) + 1, line, "lbl")


def _key(svg: Svg, bearers: set[str]) -> None:
    """Which colour means whose money."""
    x = 1.0
    for name, (style, meaning) in BEARERS.items():
        if name in bearers:
            svg.add("rect", x=x, y=5.0, width=14.0, height=12.0, rx=2, class_=style)
            svg.add("rect", x=x, y=5.0, width=14.0, height=12.0, rx=2, class_="card")
            svg.text(x + 20, 15.5, meaning, "soft")
            x += 20 + text_width(meaning) + 16
