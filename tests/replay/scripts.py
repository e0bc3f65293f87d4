"""Jobs that worker processes import by name: they stand in a module of their own."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any

from seawall.errors import InputError


@dataclass(frozen=True)
class Squares:
    """Squares numbers; some jobs go wrong on purpose."""

    pause: float = 0.0

    def begin(self) -> Any:
        def do(job: Any, material: int, tell: Any) -> Any:
            tell(1, 2)
            time.sleep(self.pause)
            if job == "die":
                os._exit(9)
            if job == "bug":
                raise ZeroDivisionError("of our own")
            if job == "bad":
                raise InputError("bad job", field="job", value=job)
            return job * job + material, os.getpid()

        return do
