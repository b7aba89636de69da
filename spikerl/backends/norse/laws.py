"""The texts of a neuron's equations as code over tensors; a threshold as the margin by which it is passed."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import CodeType

from torch import Tensor

from spikerl.errors import UnsupportedError, message

_ARITHMETIC = (
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.Name,
    ast.Load,
    ast.Constant,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.Pow,
    ast.USub,
    ast.UAdd,
)


@dataclass(frozen=True)
class Law:
    """One expression of the equations: its `text`, and the code compiled from it."""

    text: str
    code: CodeType = field(repr=False, compare=False)

    def evaluate(self, values: Mapping[str, Tensor]) -> Tensor:
        """Return the value where the names of the text have `values`, each [batch, neuron] or [neuron]."""
        result: Tensor = eval(self.code, {"__builtins__": {}}, values)
        return result


def law(text: str, known: Collection[str]) -> Law:
    """Compile `text`, arithmetic over the names `known`; raises `UnsupportedError` for anything else."""
    return _compiled(ast.parse(text, mode="eval").body, text, known)


def margin(threshold: str, known: Collection[str]) -> Law:
    """``left > right`` becomes ``left - right``, which is above zero exactly where the condition holds.

    Norse's spike functions take this margin. Raises `UnsupportedError` for another condition.
    """
    condition = ast.parse(threshold, mode="eval").body
    if not (isinstance(condition, ast.Compare) and len(condition.ops) == 1 and isinstance(condition.ops[0], ast.Gt)):
        remedy = "the back end 'reference' takes any condition"
        raise UnsupportedError(message("threshold on back end 'norse'", threshold, "one 'left > right'", remedy))
    return _compiled(ast.BinOp(condition.left, ast.Sub(), condition.comparators[0]), threshold, known)


def _compiled(body: ast.expr, text: str, known: Collection[str]) -> Law:
    tree = ast.fix_missing_locations(ast.Expression(body))
    for node in ast.walk(tree):
        if not isinstance(node, _ARITHMETIC) or (isinstance(node, ast.Name) and node.id not in known):
            allowed = f"arithmetic of {', '.join(sorted(known))}"
            raise UnsupportedError(message("equation on back end 'norse'", text, allowed))
    return Law(ast.unparse(body), compile(tree, f"<{text}>", "eval"))
