"""What kernels are compiled with: raw addresses as typed pointers, and a call through an address.

A kernel is a C function ``kernel(arrays, integers, reals, now)``: `arrays`, the addresses of its arrays in one
instance; `integers` and `reals`, its numbers, the same for all instances; `now`, the step, the step within the window
and the size of the batch. So every kernel has one type, the driver calls them through a table, and each compiles on its
own and is kept on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

SIGNATURE = types.void(
    types.CPointer(types.int64), types.CPointer(types.int64), types.CPointer(types.float64), types.CPointer(types.int64)
)
# Division as in NumPy: without a test for zero, which keeps a loop from being vectorised.
OPTIONS = {"error_model": "numpy"}
FUSED = OPTIONS | {"fastmath": {"contract"}}
"""For rules: a product and a sum may be one instruction, rounded once. Neurons keep the reference's roundings."""


STEP, WITHIN, BATCH = range(3)


def _pointer(pointee: types.Type) -> Callable[[int], Any]:
    @intrinsic
    def cast(typing_context: Any, address: types.Type) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return types.CPointer(pointee)(types.int64), generate

    return cast


doubles = _pointer(types.float64)
singles = _pointer(types.float32)
integers = _pointer(types.int64)
words = _pointer(types.uint64)
indices = _pointer(types.uint32)
narrow = _pointer(types.uint16)
flags = _pointer(types.uint8)


@intrinsic
def call(
    typing_context: Any,
    address: types.Type,
    arrays: types.Type,
    integers: types.Type,
    reals: types.Type,
    now: types.Type,
) -> Any:
    """``(*address)(arrays, integers, reals, now)``, all of them addresses."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        integer = ir.IntType(64)
        kernel = ir.FunctionType(ir.VoidType(), [integer] * 4).as_pointer()
        builder.call(builder.inttoptr(arguments[0], kernel), arguments[1:])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), generate


@intrinsic
def product(typing_context: Any, a: types.Type, b: types.Type) -> Any:
    """The upper and the lower 64 bits of the product of two unsigned 64-bit numbers, from one multiplication."""
    halves = types.UniTuple(types.uint64, 2)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        wide, narrow = ir.IntType(128), ir.IntType(64)
        whole = builder.mul(*(builder.zext(argument, wide) for argument in arguments))
        upper = builder.trunc(builder.lshr(whole, ir.Constant(wide, 64)), narrow)
        return context.make_tuple(builder, halves, (upper, builder.trunc(whole, narrow)))

    return halves(types.uint64, types.uint64), generate


@intrinsic
def lowest(typing_context: Any, bits: types.Type) -> Any:
    """The place of the lowest bit that is set, of a number that is not 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(bits), generate


@intrinsic
def address(typing_context: Any, pointer: types.Type) -> Any:
    """The address that a typed pointer holds."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ptrtoint(arguments[0], ir.IntType(64))

    return types.int64(pointer), generate
