"""Mathematics on plain numbers, no book and no money: how a market answers forced orders."""

from seawall.models.response import MarketResponse, ResponseParameters

__all__ = ["MarketResponse", "ResponseParameters"]
