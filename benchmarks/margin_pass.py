"""One full margin pass: our kernel, the same arithmetic in C, NumPy in integers, and pandas."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from seawall.margin import layout as ly
from seawall.margin.layout import AccountMajor
from seawall.margin.rates import TIERS

MARKETS = 200
DENOMINATOR = 10**6
C_SOURCE = r"""
#include <stdint.h>
typedef int64_t i64;
static uint16_t repair(const i64 *t, uint16_t code, i64 size) {
    uint16_t base = code & ~7;
    for (int k = 0; k < 8; k++) { i64 lo = t[(base + k) * 8 + 1]; if (size >= lo && size < lo + t[(base + k) * 8 + 2]) return base + k; }
    return base + 7;
}
static inline __attribute__((always_inline)) void row(i64 k, i64 at, i64 base, const i64 *lots, uint16_t *codes,
        const i64 *t, i64 den, i64 *equity, i64 *required, uint8_t *risk) {
    i64 e = base, g = 0, f = 0;
    for (i64 j = at; j < at + k; j++) {
        i64 held = lots[j], size = held >= 0 ? held : -held;
        uint16_t code = codes[j];
        const i64 *r = t + (i64)code * 8;
        if ((uint64_t)(size - r[1]) >= (uint64_t)r[2]) { code = repair(t, code, size); codes[j] = code; r = t + (i64)code * 8; }
        e += held * r[0]; g += size * r[3] - r[5]; f += size * r[4] - r[6];
    }
    i64 need = g + (i64)((uint64_t)(f + 257 * den - 1) / (uint64_t)den) - 256;
    *equity = e; *required = need; *risk = e < need;
}
void pass(i64 k, i64 first, i64 count, i64 at, const i64 *base, const i64 *lots, uint16_t *codes, const i64 *t, i64 den,
          i64 *equity, i64 *required, uint8_t *risk) {
#define LOOP(K) for (i64 i = 0; i < count; i++) row(K, at + (K) * i, base[first + i], lots, codes, t, den, equity + first + i, required + first + i, risk + first + i)
    if (k == 1) LOOP(1); else if (k == 2) LOOP(2); else if (k == 3) LOOP(3); else if (k == 4) LOOP(4); else LOOP(k);
}
i64 tick(const uint32_t *rows, const i64 *lots, uint8_t *tiers, i64 count, i64 dworth, const i64 *new, const i64 *old,
         i64 den, i64 shift, i64 lim, i64 *state, i64 *out, uint8_t *marked) {
    i64 found = 0, leg[64];
    for (int i = 0; i < 16; i++) {
        leg[4 * i] = new[8 * i]; leg[4 * i + 1] = new[8 * i + 1];
        leg[4 * i + 2] = (i < 8 ? dworth : -dworth) - (new[8 * i + 2] - old[8 * i + 2]);
        leg[4 * i + 3] = new[8 * i + 3] - old[8 * i + 3];
    }
    for (i64 i = 0; i < count; i++) {
        i64 ahead = i + 16 < count ? i + 16 : count - 1;
        __builtin_prefetch(state + 2 * (i64)rows[ahead], 1, 3);
        i64 held = lots[i], size = held >= 0 ? held : -held, side = held >= 0 ? 0 : 8, at = side + tiers[i], surplus, fraction;
        i64 *s = state + 2 * (i64)rows[i];
        if ((uint64_t)(size - leg[4 * at]) < (uint64_t)leg[4 * at + 1]) {
            surplus = s[0] + size * leg[4 * at + 2]; fraction = s[1] + size * leg[4 * at + 3];
        } else {
            i64 t = 0;
            while (t < 7 && !(size >= new[8 * (side + t)] && size < new[8 * (side + t)] + new[8 * (side + t) + 1])) t++;
            tiers[i] = t; i64 af = side + t;
            surplus = s[0] + held * dworth - size * (new[8 * af + 2] - old[8 * at + 2]) + (new[8 * af + 4] - old[8 * at + 4]);
            fraction = s[1] + size * (new[8 * af + 3] - old[8 * at + 3]) - (new[8 * af + 5] - old[8 * at + 5]);
        }
        s[0] = surplus; s[1] = fraction;
        if (surplus < (fraction >> shift) + 513 && held && !marked[rows[i]]) {
            i64 c = surplus < -lim ? -lim : surplus > lim ? lim : surplus;
            if (c * den < fraction) { marked[rows[i]] = 1; out[found++] = rows[i]; }
        }
    }
    return found;
}
"""


def make(accounts: int, seed: int = 1) -> tuple[AccountMajor, dict[str, Any]]:
    """A seeded layout: geometric number of positions (at most 12), 200 markets, 3 to 6 brackets each."""
    rng = np.random.default_rng(seed)
    counts = np.minimum(rng.geometric(0.31, accounts), 12)
    pos_row = np.repeat(np.arange(accounts), counts)
    total = len(pos_row)
    weights = 1 / np.arange(1, MARKETS + 1)
    market = rng.choice(MARKETS, total, p=weights / weights.sum())
    lots = (np.exp(rng.normal(3, 2, total)).astype(np.int64) + 1) * rng.choice([-1, 1], total)
    value = rng.integers(10**6, 10**9, MARKETS)
    table = np.zeros((MARKETS * TIERS, 8), dtype=np.int64)
    tiers = rng.integers(3, 7, MARKETS)
    floors = np.zeros((MARKETS, TIERS), dtype=np.int64)
    rates = np.zeros((MARKETS, TIERS), dtype=np.int64)
    deducts = np.zeros((MARKETS, TIERS), dtype=np.int64)
    for m in range(MARKETS):
        n = int(tiers[m])
        floors[m, 1:n] = np.sort(rng.choice(np.arange(1, 500), n - 1, replace=False)) * 10**9
        rates[m, :n] = np.sort(rng.choice(np.arange(4_000, 250_000), n, replace=False))
        floors[m, n:], rates[m, n:] = np.iinfo(np.int64).max, rates[m, n - 1]
        for t in range(1, n):
            deducts[m, t] = deducts[m, t - 1] + floors[m, t] // 10**6 * (rates[m, t] - rates[m, t - 1])
        deducts[m, n:] = deducts[m, n - 1]
        start = np.array([-(-int(f) // int(value[m])) for f in floors[m, :n]] + [1 << 32])
        for t in range(n):
            weight = int(value[m]) * int(rates[m, t])
            row = (value[m], start[t], start[t + 1] - start[t], weight // 10**6, weight % 10**6, deducts[m, t], 0, 0)
            table[m * TIERS + t] = row
        table[m * TIERS + n : (m + 1) * TIERS, ly.LOW] = 1 << 32
    entry = lots * value[market] * rng.integers(80, 121, total) // 100
    # Cash of a tenth of the notional or so: a few percent of the accounts are at risk.
    notional = np.bincount(pos_row, weights=np.abs(lots) * value[market].astype(float), minlength=accounts)
    cash = (notional * rng.uniform(0.05, 0.6, accounts)).astype(np.int64)
    built = AccountMajor.of(accounts, pos_row, market, lots, entry, cash, table, DENOMINATOR)
    raw = {
        "row": pos_row, "market": market, "lots": lots, "entry": entry, "cash": cash, "value": value,
        "floors": floors, "rates": rates, "deducts": deducts, "accounts": accounts,
    }  # fmt: skip
    return built, raw


def compile_c(name: str = "pass") -> Callable[..., Any] | None:
    """One of the C kernels, compiled here; None without gcc."""
    if shutil.which("gcc") is None:
        return None
    folder = Path(tempfile.mkdtemp(prefix="seawall-bench-"))
    source, library = folder / "pass.c", folder / "pass.so"
    source.write_text(C_SOURCE, encoding="utf-8")
    subprocess.run(["gcc", "-O3", "-march=native", "-shared", "-fPIC", "-o", library, source], check=True)
    function = ctypes.CDLL(str(library)).__getattr__(name)
    function.restype = None
    return function


def run_c(function: Any, book: AccountMajor) -> tuple[Any, Any, Any]:
    """The pass in C on the same arrays."""
    equity = np.empty(len(book.base), dtype=np.int64)
    required, risk = np.empty_like(equity), np.empty(len(book.base), dtype=np.bool_)
    arrays = [a.ctypes.data_as(ctypes.c_void_p) for a in (book.base, book.lots, book.codes, book.table)]
    outs = [a.ctypes.data_as(ctypes.c_void_p) for a in (equity, required, risk)]
    for g in book.groups:
        numbers = [ctypes.c_int64(x) for x in (g.k, g.first, g.count, g.at)]
        function(*numbers, *arrays, ctypes.c_int64(book.denominator), *outs)
    return equity, required, risk


def run_numpy(raw: dict[str, Any]) -> tuple[Any, Any, Any]:
    """The same result in NumPy integers: gather, bracket search, two-part sums, one ceiling an account.

    Positions are grouped by account (np.add.reduceat); rate x notional is split so that int64 does not wrap.
    """
    market, lots, value = raw["market"], raw["lots"], raw["value"]
    starts = raw["starts"]
    size = np.abs(lots)
    notional = size * value[market]
    tier = np.zeros(len(lots), dtype=np.int64)
    floors = raw["floors"]
    for t in range(1, 6):
        tier += notional >= floors[market, t]
    rate = raw["rates"][market, tier]
    high, low = notional // 10**6, notional % 10**6
    whole = high * rate - raw["deducts"][market, tier]
    equity = raw["cash"] + np.add.reduceat(lots * value[market] - raw["entry"], starts)
    required = np.add.reduceat(whole, starts) - (-np.add.reduceat(low * rate, starts) // 10**6)
    return equity, required, equity < required


def run_pandas(raw: dict[str, Any], frame: Any, markets: Any) -> tuple[Any, Any, Any]:
    """Tuned pandas: gather by market number, vectorised brackets, one sorted group-by of integer columns."""
    import pandas as pd

    market = frame["market"].to_numpy()
    value = markets["value"].to_numpy()[market]
    size = frame["lots"].abs()
    notional = size * value
    tier = pd.Series(0, index=frame.index)
    for t in range(1, 6):
        tier = tier + (notional.to_numpy() >= raw["floors"][market, t])
    rate = raw["rates"][market, tier.to_numpy()]
    work = pd.DataFrame(
        {
            "row": frame["row"],
            "profit": frame["lots"] * value - frame["entry"],
            "whole": notional // 10**6 * rate - raw["deducts"][market, tier.to_numpy()],
            "part": notional % 10**6 * rate,
        }
    )
    sums = work.groupby("row", sort=True).sum()
    equity = raw["cash"] + sums["profit"].to_numpy()
    required = sums["whole"].to_numpy() - (-sums["part"].to_numpy() // 10**6)
    return equity, required, equity < required


def table(accounts: int, rounds: int) -> list[str]:
    """Interleaved rounds, best and median; all four give identical integers or the benchmark stops."""
    import pandas as pd

    book, raw = make(accounts)
    raw["starts"] = np.concatenate([[0], np.cumsum(np.bincount(raw["row"], minlength=accounts))[:-1]])
    frame = pd.DataFrame({k: raw[k] for k in ("row", "market", "lots", "entry")})
    markets = pd.DataFrame({"value": raw["value"]})
    function = compile_c()
    runs: dict[str, Callable[[], tuple[Any, Any, Any]]] = {"seawall (numba, 1 thread)": lambda: book.run()}
    if function is not None:
        runs["C, gcc -O3 -march=native"] = lambda: run_c(function, book)
    runs["seawall (numba, 2 threads)"] = lambda: book.run(threads=2)
    runs["NumPy int64"] = lambda: run_numpy(raw)
    runs["pandas int64"] = lambda: run_pandas(raw, frame, markets)
    reference = book.run()
    check(book, reference, runs, raw)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds):
        for name, run in runs.items():
            slow = name.startswith(("NumPy", "pandas"))
            if slow and number >= max(3, rounds // 3):
                continue
            started = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - started)
    ours = min(times["seawall (numba, 1 thread)"])
    lines = [
        f"Full margin pass, exact integers: {accounts:,} accounts, {len(book.lots):,} positions, {MARKETS} markets, "
        f"3 to 6 brackets, {int(reference[2].sum()):,} at risk; identical output of all.",
        "",
        "| pass | best, ms | median, ms | M accounts/s, best | speed of ours over it |",
        "|---|---|---|---|---|",
    ]
    for name, found in times.items():
        best = min(found)
        lines.append(
            f"| {name} | {best * 1e3:.2f} | {float(np.median(found)) * 1e3:.2f} | {accounts / best / 1e6:.1f} | {best / ours:.2f} |"
        )
    return lines


def check(book: AccountMajor, reference: Any, runs: dict[str, Any], raw: dict[str, Any]) -> None:
    """Every implementation gives the same equity, requirement and flag for every account."""
    for name, run in runs.items():
        found = run()
        for ours, theirs in zip(reference, found, strict=True):
            other = theirs if name.startswith(("seawall", "C")) else theirs[book.order]
            if not np.array_equal(ours, other):
                raise SystemExit(f"{name} disagrees with the kernel")
