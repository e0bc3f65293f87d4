"""The default fund of a clearing house: who contributes, who is called, in which order members' money is used, and each member's bill."""

from seawall.members.calls import (
    Assessments,
    CallCaps,
    CallRound,
    CallWindow,
    CashCall,
    assessments,
    call_limits,
    call_room,
    cash_call,
    window_for,
)
from seawall.members.contributions import (
    contributions_with_minimum,
    own_resources_split,
    weighted_contributions,
    weighted_contributions_in_units,
)
from seawall.members.own import Loss, OwnSlice, Series, Use, successive_defaults
from seawall.members.roster import Group, Member, Roster
from seawall.members.shares import pro_rata, to_units
from seawall.members.sizing import (
    AveragedSize,
    Concentration,
    Cover,
    PrefundedTest,
    averaged_stress_loss,
    concentration_response,
    cover_k,
    cover_table,
    fund_minimum,
    prefunded_test,
    probability_of_more_defaults,
)
from seawall.members.tiers import Tier, TierUse, tiers_in_order, use_by_tier

__all__ = [
    "Assessments",
    "AveragedSize",
    "CallCaps",
    "CallRound",
    "CallWindow",
    "CashCall",
    "Concentration",
    "Cover",
    "Group",
    "Loss",
    "Member",
    "OwnSlice",
    "PrefundedTest",
    "Roster",
    "Series",
    "Tier",
    "TierUse",
    "Use",
    "assessments",
    "averaged_stress_loss",
    "call_limits",
    "call_room",
    "cash_call",
    "concentration_response",
    "contributions_with_minimum",
    "cover_k",
    "cover_table",
    "fund_minimum",
    "own_resources_split",
    "prefunded_test",
    "pro_rata",
    "probability_of_more_defaults",
    "successive_defaults",
    "tiers_in_order",
    "to_units",
    "use_by_tier",
    "weighted_contributions",
    "weighted_contributions_in_units",
    "window_for",
]
