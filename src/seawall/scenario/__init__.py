"""The one scenario object: prices, depth, funding, dislocation, sources and actors, from a few anchor points."""

from seawall.scenario.actors import Actor, Holding
from seawall.scenario.curve import Curve
from seawall.scenario.feeds import Follows, IndexFeed, Printer
from seawall.scenario.scenario import AssetPath, Scenario, Source

__all__ = ["Actor", "AssetPath", "Curve", "Follows", "Holding", "IndexFeed", "Printer", "Scenario", "Source"]
