"""What explains an event: (rule id, inputs) each; the rules are in ``engine.programs``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Why = tuple[tuple[str] | tuple[str, Mapping[str, Any]], ...]
