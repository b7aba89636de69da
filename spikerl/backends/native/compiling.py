"""From the text of kernels to compiled ones: texts are files of the user's cache, their machine code beside them.

A kernel is known by a digest of its text and of the modules that it is compiled with. Like Python's own compiled files,
machine code is trusted for where it lies: a folder that other users can write to is refused.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import stat
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import platformdirs
from numba import cfunc

from spikerl.backends.native import double, fixed, philox, pointers, single
from spikerl.backends.native.pointers import FUSED, OPTIONS, SIGNATURE

FIXED = "fixed"
"""The name under which a program refers to the kernels of `spikerl.backends.native.fixed`."""

_SUPPORT = (pointers, philox, double, single, fixed)


@cache
def kernel(text: str, name: str, precision: str) -> Any:
    """Return the compiled kernel `name` of the module `text` (or `FIXED`); its `address` is what the driver calls."""
    source = Path(fixed.__file__).read_text(encoding="utf-8") if text == FIXED else text
    if precision == "float32":
        source = source.replace("native.double import", "native.single import")
    options = FUSED if text != FIXED and name != "integrate" else OPTIONS
    return cfunc(SIGNATURE, cache=True, **options)(getattr(_module(source), name))


@cache
def _module(source: str) -> ModuleType:
    """Return the module of `source`, imported from its file in the cache."""
    name = f"spikerl_kernels_{_digest(source)}"
    path = _folder() / f"{name}.py"
    content = source.encode()
    if not path.is_file() or path.read_bytes() != content:
        _write(path, content)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where numba looks for the module of what it finds on disk
    spec.loader.exec_module(module)
    return module


def _digest(source: str) -> str:
    files = [__file__, *(part.__file__ or "" for part in _SUPPORT)]
    parts = [source, numba.__version__, *(Path(file).read_text(encoding="utf-8") for file in files)]
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=12).hexdigest()


@cache
def _folder() -> Path:
    """Return the folder of compiled kernels, made where it is missing; a temporary one where that cannot be trusted."""
    folder = platformdirs.user_cache_path("spikerl") / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(folder, os.W_OK):
            raise PermissionError(f"{folder} cannot be written")
        if os.name == "posix":
            status = folder.stat()
            if status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise PermissionError(f"other users can write to {folder}")
    except OSError as error:
        text = f"native kernels are compiled anew in every process, since their cache cannot be used: {error}"
        warnings.warn(text, RuntimeWarning, stacklevel=2)
        return Path(tempfile.mkdtemp(prefix="spikerl-kernels-"))
    return folder


def _write(path: Path, content: bytes) -> None:
    """Make `content` the file at `path`; processes that do it at once leave one of their equal files."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
        file.write(content)
    os.replace(file.name, path)
