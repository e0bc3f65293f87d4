"""What a notebook shows of a run, a comparison and an explanation, written to one page: open notebook.html in a browser."""

from pathlib import Path

import seawall as sw

EVENT, BOOK = "2025-10-10", "generate:accounts=500,seed=7"

run = sw.replay(BOOK, EVENT, "hyperliquid", out="notebook-run")
comparison = sw.compare(BOOK, EVENT, ["hyperliquid", "dydx-v4"])
first = run.accounts["account"][0]

cells = [value._repr_html_() for value in (run, comparison, sw.explain(run, first))]
Path("notebook.html").write_text("<!doctype html><meta charset=utf-8>" + "<hr>".join(cells), encoding="utf-8")
print(f"notebook.html: a run, a comparison, and what happened to {first}")
