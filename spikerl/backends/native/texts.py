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
    """Return the expression `text` in brackets, with its names replaced."""
    tree = ast.parse(text, mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = names[node.id]
    return f"({ast.unparse(tree)})"
