"""Files and frames in and out: rows, columns, units and their errors; policies and scenarios by name."""

from seawall.tables.book import BookReport, check_book, read_book
from seawall.tables.incidents import incident_names, is_script, load_incidents
from seawall.tables.policies import policy_from_canonical, policy_from_mapping, policy_names, preset_text, read_policy
from seawall.tables.prices import PriceTable, read_prices
from seawall.tables.scenario_pages import scenarios_markdown
from seawall.tables.scenarios import load_scenario, scenario_names
from seawall.tables.specification import columns_markdown, template_files

__all__ = [
    "BookReport",
    "PriceTable",
    "check_book",
    "columns_markdown",
    "incident_names",
    "is_script",
    "load_incidents",
    "load_scenario",
    "policy_from_canonical",
    "policy_from_mapping",
    "policy_names",
    "preset_text",
    "read_book",
    "read_policy",
    "read_prices",
    "scenario_names",
    "scenarios_markdown",
    "template_files",
]
