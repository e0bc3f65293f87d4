"""One settlement cycle in which losers cannot pay."""

from __future__ import annotations

from typing import Any

from conformance.compare import Adapter
from seawall.waterfall import pay_winners

GROUP = "vega"


def loss_socialisation(inputs: dict[str, Any]) -> dict[str, Any]:
    found = pay_winners(
        [int(x["owes"]) for x in inputs["losers"]],
        [int(x["has"]) for x in inputs["losers"]],
        int(inputs["insurance_pool"]),
        [int(x) for x in inputs["winners_in_order"]],
    )
    return {"collected": str(found.collected), "paid_in_order": [str(x) for x in found.paid]}


OPS: dict[str, Adapter] = {"loss_socialisation": loss_socialisation}
