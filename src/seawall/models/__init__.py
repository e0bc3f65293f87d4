"""Mathematics on plain numbers, no book and no money: how a market answers forced orders, what members bid."""

from seawall.models.bidding import BiddingParameters
from seawall.models.response import MarketResponse, ResponseParameters

__all__ = ["BiddingParameters", "MarketResponse", "ResponseParameters"]
