"""Measures above the engine that only read: back-tests of margin coverage, and the capital a clearing house costs its members."""

from seawall.risk.backtest import (
    CoverageDisclosure,
    TrafficLight,
    Zone,
    ZoneThresholds,
    coverage_disclosure,
    kupiec_lr,
    kupiec_region,
    traffic_light,
    zone_thresholds,
)
from seawall.risk.capital import Exposure, MemberCharge, k_ccp, member_charge

__all__ = [
    "CoverageDisclosure",
    "Exposure",
    "MemberCharge",
    "TrafficLight",
    "Zone",
    "ZoneThresholds",
    "coverage_disclosure",
    "k_ccp",
    "kupiec_lr",
    "kupiec_region",
    "member_charge",
    "traffic_light",
    "zone_thresholds",
]
