"""The 128-bit product of two 64-bit numbers as one machine instruction, for kernels. Importing it loads numba."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic


def _wide_product(_context: Any, _a: Any, _b: Any) -> Any:
    """High and low uint64 of ``a * b``, both uint64: the compiled form of ``money.kernels.product_128``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        wide, word = ir.IntType(128), ir.IntType(64)
        product = builder.mul(*(builder.zext(argument, wide) for argument in arguments))
        high = builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), word)
        return context.make_tuple(builder, signature.return_type, [high, builder.trunc(product, word)])

    pair = types.UniTuple(types.uint64, 2)  # type: ignore[no-untyped-call]
    return pair(types.uint64, types.uint64), generate


wide_product: Any = intrinsic(_wide_product)
