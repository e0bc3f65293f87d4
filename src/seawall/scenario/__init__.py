"""The one scenario object: prices, depth, funding, dislocation, sources, actors and incidents, from a few anchor points."""

from seawall.scenario.actors import Actor, Holding
from seawall.scenario.curve import Curve
from seawall.scenario.feeds import Follows, IndexFeed, Printer
from seawall.scenario.incidents import Incident, Script, check_incidents, ordered
from seawall.scenario.scenario import AssetPath, Scenario, Source

__all__ = [
    "Actor",
    "AssetPath",
    "Curve",
    "Follows",
    "Holding",
    "Incident",
    "IndexFeed",
    "Printer",
    "Scenario",
    "Script",
    "Source",
    "check_incidents",
    "ordered",
]
