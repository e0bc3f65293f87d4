"""Files and frames in and out: rows, columns, units and their errors; policies and scenarios by name."""

from seawall.tables.policies import policy_from_canonical, policy_from_mapping, policy_names, preset_text, read_policy

__all__ = ["policy_from_canonical", "policy_from_mapping", "policy_names", "preset_text", "read_policy"]
