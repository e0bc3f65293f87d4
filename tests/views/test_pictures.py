"""Pictures: ids pic-*. Geometry is checked on the elements written, as a reader's eye would measure it."""

from __future__ import annotations

import itertools
import re
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.views.bars import Bar, bars
from seawall.views.document import Fig
from seawall.views.scales import nice_ticks, thin, time_ticks
from seawall.views.spreads import Strip, lorenz, lorenz_picture, strips
from seawall.views.svg import Svg, num, wrap
from seawall.views.timeline import Line, Panel, per_interval, spread, tick_text, timeline
from seawall.views.waterfall import Rung, waterfall

SPACE = "{http://www.w3.org/2000/svg}"
finite = st.floats(-1e15, 1e15).map(lambda v: 0.0 if abs(v) < 1e-9 else v)


@given(finite, finite)
def test_pic_ticks_are_round_and_cover(a, b):
    low, high = min(a, b), max(a, b)
    if high - low < abs(high) * 1e-9 and low != high:
        return  # bounds that differ by less than a tick can be told apart
    ticks = nice_ticks(low, high)
    step = ticks[1] - ticks[0]
    assert ticks[0] <= low + step * 1e-6 and ticks[-1] >= high - step * 1e-6, (low, high, ticks)
    assert len(ticks) <= 8
    lead = f"{step:.9e}"[:4]
    assert float(lead) in (1.0, 2.0, 2.5, 5.0, 9.99), (low, high, ticks)


@pytest.mark.parametrize(("low", "high"), [(float("nan"), 1), (0, float("inf")), (2, 1)])
def test_pic_ticks_refuse_what_has_no_scale(low, high):
    with pytest.raises(ValueError, match="no scale"):
        nice_ticks(low, high)


def test_pic_time_ticks_are_round_times():
    start, end = 1760129175 * 10**9, 1760133600 * 10**9  # 20:46:15 to 22:00
    ticks = time_ticks(start, end, 8)
    assert [t // 10**9 % 600 for t in ticks] == [0] * len(ticks)
    assert ticks[0] >= start and ticks[-1] == end


@given(st.lists(st.one_of(st.none(), st.floats(-100, 100)), min_size=1, max_size=3000), st.integers(8, 400))
def test_pic_thinning_keeps_first_last_and_extremes(values, most):
    points = thin(list(range(len(values))), values, most)
    assert len(points) <= max(len(values) if len(values) <= most else 0, most + 8)
    known = [v for v in values if v is not None]
    if known:
        kept = [v for _, v in points if v is not None]
        assert (min(kept), max(kept)) == (min(known), max(known))
    assert [x for x, _ in points] == sorted(x for x, _ in points)


@given(st.lists(st.floats(0, 300), max_size=12).map(sorted))
def test_pic_labels_are_apart_and_in_order(places):
    out = spread(places, 14.0)
    assert len(out) == len(places)
    assert all(b - a >= 14.0 - 1e-6 for a, b in itertools.pairwise(out)), out
    if all(b - a >= 14 for a, b in itertools.pairwise(places)):
        assert out == pytest.approx(places)


@given(st.lists(st.decimals(0, 1000, places=6), min_size=1, max_size=200), st.sampled_from([1, 15, 60, 3600]))
def test_pic_intervals_sum_to_the_total(added, step):
    times = [1760129175 * 10**9 + i * 7 * 10**9 for i in range(len(added))]
    total, so_far = [], Decimal(0)
    for amount in added:
        so_far += amount
        total.append(so_far)
    starts, sums = per_interval(times, total, step * 10**9)
    assert sum(sums) == so_far
    assert starts[0] <= times[0] and times[-1] < starts[-1] + step * 10**9


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (2500000.0, "2.5m"), (1e6, "1m"), (0.25, "0.25"), (-1e4, "−10k"), (250.0, "250")]
)
def test_pic_ticks_are_written_short(value, text):
    assert tick_text(value) == text


def test_pic_svg_escapes_and_refuses_no_place():
    svg = Svg("a", 10, 10, 'a "quote" & <tag>')
    svg.text(1, 2, ["<b>&", Fig("x.y", "<i>", "text")], "lbl")
    root = ElementTree.fromstring(svg.render(standalone=True))
    assert root.get("aria-label") == 'a "quote" & <tag>'
    assert "".join(root.itertext()).endswith("<b>&<i>")
    with pytest.raises(ValueError, match="not a place"):
        num(float("nan"))


def test_pic_text_is_wrapped_at_words_and_figures_stay_whole():
    parts = ["The market took ", Fig("a", "3262233", "amount"), " USDC, of which most was closed against the limit"]
    rows = wrap(parts, 120)
    assert len(rows) > 2
    assert " ".join("".join(map(str, r)) for r in rows) == "".join(map(str, parts))
    assert sum(isinstance(p, Fig) for r in rows for p in r) == 1


def amount(value: str) -> Fig:
    return Fig("tables.waterfall", value, "amount")


def boxes(svg: Svg, look: str) -> list[tuple[float, float]]:
    """(left, width) of the boxes of a class."""
    root = ElementTree.fromstring(svg.render(standalone=True))
    found = [e for e in root.iter(f"{SPACE}rect") if e.get("class") == look]
    return [(float(e.get("x")), float(e.get("width"))) for e in found]


@pytest.mark.parametrize("width", [336.0, 720.0])
def test_pic_waterfall_bars_are_to_scale(width):
    rungs = [
        Rung(
            "backstop", ["takes over"], amount("900"), amount("400"), amount("1100"), amount("600"), left=amount("300")
        ),
        Rung("residual", ["nobody paid"], amount("300"), ground=True),
    ]
    svg = waterfall("w", width, ["what came before"], amount("300"), rungs, "alt")
    (before,), (gained,), (after,) = boxes(svg, "b6"), boxes(svg, "b3"), boxes(svg, "b1")
    used, unpaid = boxes(svg, "b2")
    unit = before[1] / 400
    assert gained[1] == pytest.approx(1100 * unit, abs=0.1) and after[1] == pytest.approx(600 * unit, abs=0.1)
    assert used[1] == pytest.approx(900 * unit, abs=0.1) and unpaid[1] == pytest.approx(300 * unit, abs=0.1)
    assert gained[0] == pytest.approx(before[0] + before[1], abs=0.1)
    assert used[0] + used[1] == pytest.approx(gained[0] + gained[1], abs=0.1)
    assert used[0] == pytest.approx(after[0] + after[1], abs=0.1)
    assert max(x + w for x, w in (gained, used)) < width - 80, "bars run under the values"


def test_pic_waterfall_without_loss_has_no_stream():
    rungs = [Rung("residual", ["nobody paid"], amount("0"), ground=True)]
    text = waterfall("w", 720, ["nothing"], amount("0"), rungs, "alt").render()
    assert 'class="flow"' not in text and 'class="flowfree"' in text


def test_pic_losses_lie_left_of_zero_and_are_hatched():
    rows = [Bar(["gain"], [(100.0, 3)], ["100"]), Bar(["loss"], [(-50.0, 2)], ["−50"])]
    svg = bars("b", 720, rows, "USDC", "alt")
    ((gain_x, gain_w),), ((loss_x, loss_w),) = boxes(svg, "b3"), boxes(svg, "b2")
    assert loss_x + loss_w == pytest.approx(gain_x, abs=0.1)
    assert gain_w == pytest.approx(2 * loss_w, abs=0.1)
    assert "url(#b-hatch)" in svg.render()


def test_pic_lorenz_curve():
    assert lorenz([1, 1, 2]) == [(0, 0), (1 / 3, 0.25), (2 / 3, 0.5), (1, 1)]
    assert lorenz([]) == [(0.0, 0.0)]


@pytest.mark.parametrize("width", [336.0, 720.0])
def test_pic_all_pictures_are_well_formed_and_inside(width):
    times = [1760129175 * 10**9 + i * 15 * 10**9 for i in range(300)]
    wave = [float(i % 40) for i in range(300)]
    panels = [
        Panel(["A"], "unit", times, [Line("a", wave, 1), Line("b", [None, *wave[1:]], 2)], zero=False),
        Panel(["B"], "unit", times, bars=wave, bar_ns=15 * 10**9),
        Panel(["C"], "unit", times, [Line("c", [None] * 300)]),
    ]
    share = [("largest one", 0.5, Fig("x", "0.5", "share"))]
    pictures = [
        timeline("t", width, panels, "alt"),
        lorenz_picture("l", width, lorenz(wave), ["Gini"], share, "alt"),
        strips(
            "s",
            width,
            [Strip(["m"], wave, 3.0, 1.0, 2.0, 3.0, less=1.0, more=4.0)],
            "alt",
            ["dot", "box", "here", "less", "more"],
        ),
        strips("s", width, [Strip(["all alike"], [5.0, 5.0], 5.0, 5.0, 5.0, 5.0)], "alt", ["dot"]),
    ]
    for svg in pictures:
        root = ElementTree.fromstring(svg.render(standalone=True))
        for element in root.iter(f"{SPACE}rect"):
            assert float(element.get("x", 0)) >= -0.01
            assert float(element.get("x", 0)) + float(element.get("width")) <= width + 0.01
        for element in root.iter(f"{SPACE}path"):
            for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", element.get("d")):
                assert -0.01 <= float(x) <= width + 0.01 and -0.01 <= float(y) <= svg.height + 0.01
