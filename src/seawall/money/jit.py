"""numba behind one door: compile with a disk cache where one can be written, without one where not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


def inlined(function: F) -> F:
    """A kernel's part that is written into its callers, so that constants of the call are constants of the code."""
    from numba import njit

    return cast(F, njit(inline="always", error_model="python")(function))


def jit(function: F) -> F:
    """Compile to machine code without the interpreter lock; integer division follows Python's rules.

    With an unwritable package folder numba uses the user's cache folder or NUMBA_CACHE_DIR; if none can be written
    it refuses to cache, and the kernel is compiled anew in each process.
    """
    from numba import njit

    try:
        return cast(F, njit(cache=True, nogil=True, error_model="python")(function))
    except RuntimeError:
        return cast(F, njit(nogil=True, error_model="python")(function))
