"""A quant's question in three lines: what would the fund have paid on 19 May 2021 under two rules?"""

import seawall as sw

runs = [sw.replay("generate:accounts=2000,seed=1", "2021-05-19", policy) for policy in ("binance", "dydx-v4")]
print([(run.summary["policy"]["name"], run.summary["layers"][0]["used"]) for run in runs])
