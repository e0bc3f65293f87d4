"""Adapters, one module a group: each builds our objects from a case's inputs, calls the library, reads the result."""

from conformance.adapters import adl, documents, dydx_v4, waterfall
from conformance.compare import Adapter

ADAPTERS: dict[str, Adapter] = {
    f"{module.GROUP}.{name}": adapter
    for module in (adl, documents, dydx_v4, waterfall)
    for name, adapter in module.OPS.items()
}
