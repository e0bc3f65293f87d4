"""A run in the terminal: right in 80 columns, without colour, with plain characters. Ids show-*."""

from __future__ import annotations

import copy
import os
import pty
import re
import subprocess
import sys
from decimal import Decimal

import pytest
from tests.books import policy
from tests.crashes import COINS, LINEAR, crash
from tests.replay.test_record import clearing_house, everybody_pays

from seawall.cli.main import _commands
from seawall.cli.show_run import Marks, render
from seawall.replay import replay, words

HAIRCUT = [
    {"name": "a layer with a name that is far too long", "kind": "account", "account": "fund"},
    {"name": "gains haircut", "kind": "gains_haircut", "cap": "1/50"},
]
RUNS = {
    "backstop": lambda: replay("generate:accounts=3000,seed=7", "2025-10-10", "hyperliquid"),
    "fund": lambda: replay("generate:accounts=2000,seed=7", "2025-10-10", "dydx-v4"),
    "coins": lambda: replay("generate:accounts=2000,seed=3", crash(COINS), "binance"),
    "haircut, unpaid": lambda: replay(
        "generate:accounts=2000,seed=5",
        crash(COINS, low=0.3),
        policy(layers=HAIRCUT[1:], deleverage=None, house=[{"name": "fund", "role": "fund"}]),
    ),
    "long name": lambda: replay(
        "generate:accounts=1000,seed=5",
        crash(COINS),
        policy(
            layers=[{**HAIRCUT[0], "account": "a house account that has a very long name"}],
            deleverage=None,
            house=[{"name": "a house account that has a very long name", "role": "fund", "share_of_cash": "1/100"}],
        ),
    ),
    "members": lambda: replay("generate:accounts=800,seed=5", crash(LINEAR, low=0.3), clearing_house()),
    "everybody": lambda: replay("generate:accounts=400,seed=5", crash(LINEAR, low=0.3), everybody_pays("10")),
    "nothing": lambda: replay("generate:accounts=50,seed=5", crash(LINEAR, low=0.999)),
}


@pytest.fixture(scope="module", params=RUNS, ids=str)
def summary(request):
    return RUNS[request.param]().summary


def shown(summary, width=80, encoding="utf-8", commands=frozenset({"replay", "scenarios"})):
    return [line.plain for line in render(summary, width, Marks.of(encoding), commands)]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_show_001_no_line_is_wider_than_the_terminal(summary, width):
    for line in shown(summary, width):
        assert len(line) <= width, line
        assert line == line.rstrip() or "  " in line


def test_show_002_says_the_headline_and_every_amount(summary):
    lines = shown(summary)
    text = " ".join(" ".join(lines).split())
    assert words.headline(summary) in text
    shared = [summary["members"]["contributions"], summary["members"]["called"], *(
        summary["socialised"][k] for k in ("charged", "cash_cut", "on_withdrawals"))]  # fmt: skip
    asked = [amount for amount in shared if Decimal(amount)]
    for amount in (summary["bad_debt"], summary["residual"], *asked, *(r["after"] for r in summary["layers"])):
        assert words.short(amount) in text
    assert "conservation holds to the unit" in text
    assert summary["state_hash"] not in text or summary["run"] is None
    for source in summary["sources"]:
        assert source[:30] not in text, "sources of a scenario belong to `seawall scenarios show`"


def test_show_003_plain_characters_where_blocks_cannot_be_written(summary):
    plain, blocks = shown(summary, encoding="ascii"), shown(summary)
    assert "".join(plain).isascii()
    assert [len(line) for line in plain] == [len(line) for line in blocks]
    if summary["liquidated"]["accounts"]:
        assert "█" in "".join(blocks)
        assert "#" in "".join(plain)


BAR = re.compile(r"^  (?P<label>.{22})(?P<what>before|gained|used|after) +(?P<bar>.*?) +(?P<amount>[+-]?[\d.]+\w*)$")


def test_show_004_bars_of_a_layer_join(summary):
    """Gained starts where before ends; used ends where gained ends and starts where after ends (one cell each way)."""
    rows: dict[str, tuple[int, int]] = {}
    for line in shown(summary, encoding="ascii"):
        found = BAR.match(line)
        if found is None:
            continue
        drawn = [i for i, c in enumerate(line[40:-9]) if c in "#+-"]
        rows[found["what"]] = (drawn[0], drawn[-1] + 1) if drawn else (0, 0)
        if found["what"] == "after":
            before, gained, used, after = (rows[k] for k in ("before", "gained", "used", "after"))
            if gained[1]:
                assert abs(gained[0] - before[1]) <= 1, rows
            if used[1]:
                assert abs(used[1] - max(gained[1], before[1])) <= 1, rows
                assert abs(used[0] - after[1]) <= 1, rows


def test_show_005_what_is_not_zero_is_seen(summary):
    for line in shown(summary):
        if line.startswith("  losses beyond margin"):
            assert ("█" in line) == (Decimal(summary["bad_debt"]) > 0), line


def test_show_006_next_commands_exist_and_quote_the_path(summary):
    s = {**copy.deepcopy(summary), "run": "runs/my run"}
    lines = shown(s, commands={"replay", "report", "explain"})
    assert any(line.endswith("seawall report 'runs/my run'") for line in lines)
    assert any("seawall replay 'runs/my run'" in line for line in lines)
    assert any("seawall explain" in line for line in lines) == bool(s["liquidated"]["accounts"])
    assert not any("seawall explain" in line or "seawall report" in line for line in shown(s, commands={"replay"}))
    proposed = {line.split("seawall ")[1].split()[0] for line in shown(s, commands=_commands()) if "seawall " in line}
    assert {"replay"} <= proposed <= _commands()


def test_show_007_a_broken_or_interrupted_run_says_so(summary):
    s = copy.deepcopy(summary)
    asset = next(iter(s["conservation"]["assets"]))
    s["conservation"]["ok"] = False
    s["conservation"]["assets"][asset]["difference"] = "17"
    s["interrupted"] = True
    text = "\n".join(shown(s))
    assert f"BROKEN: {asset} off by 17" in text
    assert "Interrupted after" in text


DEMO = [sys.executable, "-c", "from seawall.cli import main; main()", "demo", "--accounts", "500", "--no-sensitivity"]


def in_terminal(folder, **environment) -> str:
    """What the demo writes to a terminal of 80 columns."""
    plain = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")}
    master, slave = pty.openpty()
    env = {**plain, "TERM": "xterm-256color", "COLUMNS": "80", "PYTHONIOENCODING": "utf-8", **environment}
    run = subprocess.Popen(DEMO, cwd=folder, stdout=slave, stderr=subprocess.DEVNULL, env=env)
    os.close(slave)
    data = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        data += piece
    os.close(master)
    assert run.wait(timeout=60) == 0
    return data.decode()


def test_show_008_colour_in_a_terminal_and_none_where_it_is_not_wanted(tmp_path):
    coloured = in_terminal(tmp_path)
    plain = in_terminal(tmp_path, NO_COLOR="1")
    assert "\x1b[33m" in coloured
    assert not re.search(r"\x1b\[[\d;]*3[0-7]m", plain), "a colour although NO_COLOR is set"
    piped = subprocess.run(DEMO, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "\x1b" not in piped
    bare = [re.sub(r"\x1b\[[\d;]*m", "", text).replace("\r\n", "\n") for text in (coloured, plain)]
    head = piped.split("\nfiles ")[0]
    assert [text.split("\nfiles ")[0] for text in bare] == [head, head]


def test_show_009_ascii_output(tmp_path):
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(DEMO, cwd=tmp_path, capture_output=True, env=env, check=True)
    assert done.stdout.isascii()
    assert b"####" in done.stdout
