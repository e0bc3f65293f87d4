"""A hint to the processor: fetch a row of the running state before it is needed.

A tick visits rows that lie far apart; most of its time would be waiting for memory. The hint changes no value, and
processors without such an instruction ignore it. Loads numba, like the kernels that use it.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

WRITE, KEEP, DATA = 1, 3, 1  # arguments of llvm.prefetch: for writing, keep in all caches, data


def _prefetch_row(_context: Any, array: Any, row: Any) -> Any:
    """``prefetch_row(array, row)``: hint that row ``row`` (uint64) of a two-dimensional array is written soon."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        parts = context.make_array(signature.args[0])(context, builder, arguments[0])
        stride = builder.extract_value(parts.strides, 0)
        place = builder.add(builder.ptrtoint(parts.data, word), builder.mul(arguments[1], stride))
        pointer = builder.inttoptr(place, ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        shape = ir.FunctionType(ir.VoidType(), [pointer.type, number, number, number])
        hint = builder.module.declare_intrinsic("llvm.prefetch", [pointer.type], shape)
        builder.call(hint, [pointer, *(ir.Constant(number, n) for n in (WRITE, KEEP, DATA))])
        return context.get_dummy_value()

    return types.void(array, types.uint64), generate


prefetch_row: Any = intrinsic(_prefetch_row)
