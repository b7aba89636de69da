"""Texts of kernels: the lines that every generated module begins with, indentation, and names put into expressions."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

HEADER = """\
import numpy as np
from numba import njit
from spikerl.backends.native.double import REAL, REAL_BYTES, reals
from spikerl.backends.native.fixed import row
from spikerl.backends.native.pointers import OPTIONS, STEP, doubles, flags, indices, integers, lowest, narrow, words

# Times this, eight bytes that are 0 or 1 have their bits in the highest byte.
BYTES_TO_BITS = np.uint64(0x0102040810204080)
"""


def function(name: str, *lines: str) -> str:
    """Return the text of a kernel called `name` with the given body."""
    return f"\n\ndef {name}(p, n, r, now):\n{indented(lines)}\n"


def indented(lines: Iterable[str], depth: int = 1) -> str:
    """Return lines (and lines of lines) shifted to the right."""
    return "\n".join("    " * depth + line for block in lines for line in block.splitlines())


def renamed(text: str, names: Mapping[str, str]) -> str:
    """Return the expression `text` in brackets, with its names replaced, and its numbers in the session's precision."""
    return f"({ast.unparse(_Renaming(names).visit(ast.parse(text, mode='eval')))})"


class _Renaming(ast.NodeTransformer):
    """Puts other names, and typed numbers, into an expression."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """Replace a name."""
        return ast.Name(self.names[node.id], node.ctx)

    def visit_Constant(self, node: ast.Constant) -> ast.Call:
        """Give a number the type of the others."""
        return ast.Call(ast.Name("REAL", ast.Load()), [node], [])
