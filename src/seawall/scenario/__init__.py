"""The one scenario object: prices, depth, funding and dislocation over time, from a few anchor points."""

from seawall.scenario.scenario import AssetPath, Curve, Scenario, Source

__all__ = ["AssetPath", "Curve", "Scenario", "Source"]
