"""Adapters: each builds our objects from a case's inputs, calls the library, reads the result.

A module is found by being here. It has ``GROUP`` and ``OPS`` (operation -> adapter); several modules may serve one
group, no operation may be served twice.
"""

from importlib import import_module
from pkgutil import iter_modules

from conformance.compare import Adapter

ADAPTERS: dict[str, Adapter] = {}
for _found in sorted(iter_modules(__path__), key=lambda m: m.name):
    _module = import_module(f"{__name__}.{_found.name}")
    for _name, _adapter in _module.OPS.items():
        _op = f"{_module.GROUP}.{_name}"
        if _op in ADAPTERS:
            raise RuntimeError(f"operation {_op} has two adapters; the second is in {_found.name}")
        ADAPTERS[_op] = _adapter
