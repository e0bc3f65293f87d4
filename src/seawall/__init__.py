"""Seawall: the insurance fund of a derivatives venue, as software. It sizes the fund, runs it and proves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seawall.engine import Policy
    from seawall.margin import BookSnapshot
    from seawall.replay import (
        Comparison,
        Run,
        Sensitivity,
        compare,
        member_bills,
        members_sizing,
        replay,
        sensitivity,
        sizing_from_history,
    )
    from seawall.tables import load_scenario, policy_names, read_book, read_policy, read_prices, scenario_names
    from seawall.views import explain

__version__ = "0.1.0"

# Loaded on first use, so that `import seawall` and `seawall --help` stay light.
_WHERE = {
    "BookSnapshot": "seawall.margin",
    "Comparison": "seawall.replay",
    "Policy": "seawall.engine",
    "Run": "seawall.replay",
    "Sensitivity": "seawall.replay",
    "compare": "seawall.replay",
    "explain": "seawall.views",
    "load_scenario": "seawall.tables",
    "member_bills": "seawall.replay",
    "members_sizing": "seawall.replay",
    "policy_names": "seawall.tables",
    "read_book": "seawall.tables",
    "read_policy": "seawall.tables",
    "read_prices": "seawall.tables",
    "replay": "seawall.replay",
    "scenario_names": "seawall.tables",
    "sensitivity": "seawall.replay",
    "sizing_from_history": "seawall.replay",
}

__all__ = [
    "BookSnapshot",
    "Comparison",
    "Policy",
    "Run",
    "Sensitivity",
    "compare",
    "explain",
    "load_scenario",
    "member_bills",
    "members_sizing",
    "policy_names",
    "read_book",
    "read_policy",
    "read_prices",
    "replay",
    "scenario_names",
    "sensitivity",
    "sizing_from_history",
]


def __getattr__(name: str) -> Any:
    """Public names, imported when first asked for."""
    if name in _WHERE:
        from importlib import import_module

        module = import_module(_WHERE[name])
        # `seawall.replay` is a package that can be called; every other name is an attribute of its package.
        return module if _WHERE[name] == f"seawall.{name}" else getattr(module, name)
    raise AttributeError(f"module 'seawall' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
