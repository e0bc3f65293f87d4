"""Money as integers: assets, exact multiply-then-divide with named rounding, and splits that always sum."""

from seawall.money.amounts import exact_text, format_amount, parse_amount
from seawall.money.assets import Asset
from seawall.money.rounding import PROFILES, Rounding, RoundingProfile, div, muldiv, profile
from seawall.money.splits import split

__all__ = [
    "PROFILES",
    "Asset",
    "Rounding",
    "RoundingProfile",
    "div",
    "exact_text",
    "format_amount",
    "muldiv",
    "parse_amount",
    "profile",
    "split",
]
