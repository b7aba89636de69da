"""The quantiser's texts as code over tensors: constants folded, what occurs twice computed once, room used again."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikerl.hardware.quantize import PLACE, ROUNDED, SETTLED, Rounding

Number: TypeAlias = float | Tensor
"""A number of a law: the same for all conditions, or one for each, in a shape that broadcasts with the values."""
Code = Callable[..., tuple[Tensor, ...]]

NUMBER = "origin + code * step"

_OPERATIONS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.Pow: "pow",
    ast.GtE: "ge",
    ast.LtE: "le",
    ast.Lt: "lt",
    ast.NotEq: "ne",
}
_CALLS = {"rint": "round", "floor": "floor", "trunc": "trunc", "abs": "abs", "minimum": "minimum", "maximum": "maximum"}
"""The names of the texts, `spikerl.hardware.quantize.NAMES`, and torch's."""


class Text(NamedTuple):
    """A law, and what some names in it are called where it is used."""

    law: str
    names: Mapping[str, str] = {}


def runs(kinds: Sequence[object]) -> list[tuple[int, int]]:
    """Return where neighbours are of one kind, as starts and stops."""
    cuts = [k for k in range(1, len(kinds)) if kinds[k] != kinds[k - 1]]
    return list(zip([0, *cuts], [*cuts, len(kinds)], strict=True))


def number(values: NDArray[np.float64], rank: int, like: Tensor) -> Number:
    """Return one number for all where `values` [condition] agree, else a tensor with `rank` further axes."""
    if (values == values[0]).all():
        return float(values[0])
    return torch.tensor(values.reshape(-1, *[1] * rank), dtype=like.dtype, device=like.device)


def place(values: str) -> Text:
    """Return the law of the place where `values` lie."""
    return Text(PLACE, {"x": values})


def on_grid(rounding: Rounding, moved: str, u: str = "u") -> dict[str, Text]:
    """Return the laws from `moved`, a place, to `kept`, the code within the ends, and its `number`.

    Rounding to nearest needs no settling: a place within 1e-9 of a whole one is nearest to that anyhow.
    """
    settled = moved if rounding == "nearest" else "settled"
    return {
        "settled": Text(SETTLED, {"t": moved}),
        "rounded": Text(ROUNDED[rounding], {"t": settled, "u": u}),
        "kept": Text("clip(rounded, bottom, top)"),
        "number": Text(NUMBER, {"code": "kept"}),
    }


def compiled(
    laws: Mapping[str, Text],
    given: Sequence[str],
    numbers: Mapping[str, Number],
    results: Sequence[str],
    shared: Collection[str] = (),
    room: str = "",
) -> Code:
    """Return a function of the tensors `given` that returns `results`, each one of `laws` or `given`.

    A law is computed where it is needed, once; a comparison is 0 or 1 in the precision of what it compares. Operations
    are those of the texts, in their order, so that in float64 results are NumPy's bit for bit, but for powers. Nothing
    given is written over, but `room`, which takes the last result; `shared` are those that broadcast with the rest.
    """
    maker = _Maker(laws, given, numbers, shared)
    return maker.function([maker.named(name) for name in results], room)


@dataclass(frozen=True)
class _Value:
    """What the run alone knows; `full` if it has the shape of the values, so that there is room to use again."""

    name: str
    full: bool


_Operand: TypeAlias = _Value | Number


class _Line(NamedTuple):
    value: _Value
    operation: str
    operands: tuple[_Operand, ...]


class _Maker:
    """Turns the laws into a program of straight lines."""

    def __init__(
        self, laws: Mapping[str, Text], given: Sequence[str], numbers: Mapping[str, Number], shared: Collection[str]
    ) -> None:
        self._laws, self._given, self._numbers = laws, given, numbers
        self._lines: dict[tuple[Any, ...], _Line] = {}
        self._known: dict[str, _Operand] = {name: _Value(name, name not in shared) for name in given}

    def named(self, name: str) -> _Operand:
        """Return what the texts call `name`."""
        if name not in self._known:
            text = self._laws.get(name)
            found = self._numbers[name] if text is None else self._value(_parsed(text.law), text.names)
            self._known[name] = found if isinstance(found, (Tensor, _Value)) else float(found)
        return self._known[name]

    def _value(self, node: ast.expr, names: Mapping[str, str]) -> _Operand:
        match node:
            case ast.Constant(value=int() | float() as value):
                return float(value)
            case ast.Name(id=name):
                return self.named(names.get(name, name))
            case ast.BinOp(left=left, op=operator, right=right):
                base = self._value(left, names)
                if isinstance(operator, ast.Pow) and _is(base, 1):
                    return 1.0  # so that the exponent need not be known
                return self._made(_OPERATIONS[type(operator)], base, self._value(right, names))
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                return self._made(_OPERATIONS[type(operator)], self._value(left, names), self._value(right, names))
            case ast.Call(func=ast.Name(id="clip"), args=arguments):
                rounded, bottom, top = (self._value(argument, names) for argument in arguments)
                if isinstance(bottom, float) and isinstance(top, float):
                    return self._made("clamp", rounded, bottom, top)
                return self._made("minimum", self._made("maximum", rounded, bottom), top)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._made(_CALLS[name], *(self._value(argument, names) for argument in arguments))
        raise AssertionError(f"no arithmetic of the quantiser: {ast.unparse(node)}")

    def _made(self, operation: str, *operands: _Operand) -> _Operand:
        left, right = operands[0], operands[-1]
        if (operation in ("add", "sub") and _is(right, 0)) or (operation in ("mul", "div") and _is(right, 1)):
            return left
        if (operation == "add" and _is(left, 0)) or (operation == "mul" and _is(left, 1)):
            return right
        values = [operand for operand in operands if isinstance(operand, _Value)]
        if not values:
            return _folded(operation, [operand for operand in operands if not isinstance(operand, _Value)])
        key = (operation, *(id(operand) if isinstance(operand, Tensor) else operand for operand in operands))
        if key not in self._lines:
            value = _Value(f"v{len(self._lines)}", any(one.full for one in values))
            self._lines[key] = _Line(value, operation, operands)
        return self._lines[key].value

    def function(self, results: Sequence[_Operand], room: str) -> Code:
        """Return the lines as a function that returns `results`, the last in the tensor `room`, where it is given."""
        lines = list(self._lines.values())
        last = {operand: k for k, line in enumerate(lines) for operand in line.operands if isinstance(operand, _Value)}
        last |= {result: len(lines) for result in results if isinstance(result, _Value)}
        kept = set(self._given)
        names: dict[str, Any] = {"torch": torch}

        def written(operand: _Operand) -> str:
            if isinstance(operand, _Value):
                return operand.name
            if isinstance(operand, Tensor) or not isfinite(operand):
                names[f"n{len(names)}"] = operand
                return f"n{len(names) - 1}"
            return repr(operand)

        body = []
        for k, (value, operation, operands) in enumerate(lines):
            free = [
                isinstance(one, _Value) and one.full and one.name not in kept and last[one] == k for one in operands
            ]
            texts = [written(one) for one in operands]
            done = _written(operation, operands, texts, free)
            if room and value == results[-1] and operation in ("add", "mul"):
                first, second = texts if isinstance(operands[0], _Value) else texts[::-1]
                done = f"torch.{operation}({first}, {second}, out={room})"
            elif room and value == results[-1]:
                done = f"{room}.copy_({done})"
            body.append(f"    {value.name} = {done}")
        if room and not lines:
            body.append(f"    {room}.copy_({written(results[-1])})")
        back = "".join(f"{written(result)}, " for result in results)
        text = "\n".join([f"def code({', '.join(self._given)}):", *body, f"    return ({back})"])
        exec(compile(text, "<quantiser>", "exec"), names)
        found: Code = names["code"]
        return found


def _written(operation: str, operands: Sequence[_Operand], texts: Sequence[str], free: Sequence[bool]) -> str:
    """Return one operation as text; a place that is `free` takes its result."""
    first, second = texts[0], texts[-1]
    if operation in ("ge", "le", "lt", "ne"):
        value = operands[0]
        assert isinstance(value, _Value)
        if not value.full:
            return f"{first}.{operation}({second}).to({first}.dtype)"
        # What it writes being of its precision, a comparison is many times faster than one that writes bits.
        return f"torch.{operation}({first}, {second}, out={first if free[0] else f'torch.empty_like({first})'})"
    if operation in ("minimum", "maximum"):
        if isinstance(operands[1], float):
            end = "max" if operation == "minimum" else "min"
            return f"{first}.clamp{'_' * free[0]}({end}={second})"
        return f"torch.{operation}({first}, {second}{f', out={first}' if free[0] else ''})"
    if operation == "clamp":
        return f"{first}.clamp{'_' * free[0]}({texts[1]}, {texts[2]})"
    if len(operands) == 1:
        return f"{first}.{operation}{'_' * free[0]}()"
    if operation in ("add", "mul") and (isinstance(operands[0], float) or (free[1] and not free[0])):
        first, second, free = second, first, free[::-1]
    elif isinstance(operands[0], float):
        return f"{first} {'**' if operation == 'pow' else '-' if operation == 'sub' else '/'} {second}"
    return f"{first}.{operation}{'_' * free[0]}({second})"


def _folded(operation: str, numbers: Sequence[Number]) -> Number:
    """Return what an operation on numbers alone gives."""
    dtype = next((number.dtype for number in numbers if isinstance(number, Tensor)), torch.float64)
    device = next((number.device for number in numbers if isinstance(number, Tensor)), None)
    operands = [torch.as_tensor(number, dtype=dtype, device=device) for number in numbers]
    found: Tensor = getattr(torch, operation)(*operands)
    return found if found.ndim else found.item()


def _is(value: _Operand, number: float) -> bool:
    return isinstance(value, float) and value == number


def _parsed(law: str) -> ast.expr:
    return ast.parse(law, mode="eval").body
