"""From the text of kernels to machine code, which is kept in the user's cache: numba is needed for new kernels only.

An object is known by a digest of its text, of the modules that it is compiled with, and of the processor. Like Python's
own compiled files it is trusted for where it lies: a folder that other users can write to is not used.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import stat
import sys
import tempfile
import warnings
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import llvmlite.binding as llvm
import platformdirs

_HERE = Path(__file__).parent
FIXED = "fixed"
DRIVER = "driver"
"""Names under which the modules of these names are referred to, instead of their texts."""

_SUPPORT = ("compiling", "pointers", "philox", "double", "single", "fixed", "driver", "rounding", "../../splitmix")
EXACT = ("integrate", "learn", "jump", "transmit", "remember", "keep")
"""Kernels whose every rounding is the reference's; in the others a product and a sum may be one instruction."""

_MAGIC = b"spikerl kernel 1\n"
# What numba's code calls where an exception is to be raised, which no kernel does.
_NEVER_CALLED = (
    *("numba_gil_ensure", "numba_gil_release", "numba_unpickle", "numba_do_raise"),
    *("numba_runtime_build_excinfo_struct", "NRT_Free"),
)


class Kernel(NamedTuple):
    """A compiled kernel: its `address`, and what holds its machine code in memory."""

    address: int
    engine: llvm.ExecutionEngine


@cache
def kernel(text: str, name: str, precision: str) -> Kernel:
    """Return the kernel `name` of the module `text` (or `FIXED`, `DRIVER`), from the disk or newly compiled."""
    source = (_HERE / f"{text}.py").read_text(encoding="utf-8") if text in (FIXED, DRIVER) else text
    if precision == "float32":
        source = source.replace("native.double import", "native.single import")
    path = _folder() / f"{name}-{_digest(source, name)}.o"
    content = _read(path)
    if content is None:
        content = _compiled(source, name, fused=text not in (FIXED, DRIVER) and name not in EXACT)
        _write(path, content)
    return _loaded(content)


def _compiled(source: str, name: str, fused: bool) -> tuple[str, bytes]:
    """Return the symbol and the object of a kernel."""
    from numba import cfunc

    from spikerl.backends.native.pointers import FUSED, OPTIONS, SIGNATURE

    with tempfile.TemporaryDirectory() as folder:
        # A file, since numba quotes the lines of what it cannot compile.
        path = Path(folder) / f"spikerl_kernels_{_digest(source, name)}.py"
        path.write_text(source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module  # numba looks there for the names that a function reads
        try:
            spec.loader.exec_module(module)
            function = cfunc(SIGNATURE, **(FUSED if fused else OPTIONS))(getattr(module, name))
            text = llvm.parse_assembly(function.inspect_llvm())
        finally:
            del sys.modules[path.stem]
    return function.native_name, _machine().emit_object(text)


def _loaded(content: tuple[str, bytes]) -> Kernel:
    """Bring an object into memory."""
    symbol, code = content
    for name in _NEVER_CALLED:
        if not llvm.address_of_symbol(name):
            llvm.add_symbol(name, ctypes.cast(ctypes.CDLL(None).abort, ctypes.c_void_p).value)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return Kernel(engine.get_function_address(symbol), engine)


@cache
def _machine() -> llvm.TargetMachine:
    """Return the processor that code is made for: this one."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    features = llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=3, reloc="default", codemodel="jitdefault", jit=True
    )


def _digest(source: str, name: str) -> str:
    parts = [source, name, version("numba"), version("llvmlite"), llvm.get_process_triple(), llvm.get_host_cpu_name()]
    parts.append(llvm.get_host_cpu_features().flatten())
    parts += [(_HERE / f"{module}.py").read_text(encoding="utf-8") for module in _SUPPORT]
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def _read(path: Path) -> tuple[str, bytes] | None:
    """Return symbol and object of a file; None where there is none, or it is not whole."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    magic, digest, rest = content[: len(_MAGIC)], content[len(_MAGIC) :][:32], content[len(_MAGIC) + 32 :]
    if magic != _MAGIC or hashlib.sha256(rest).digest() != digest:
        return None
    symbol, _, code = rest.partition(b"\n")
    return symbol.decode(), code


def _write(path: Path, content: tuple[str, bytes]) -> None:
    """Keep symbol and object; processes that do it at once leave one of their equal files."""
    rest = content[0].encode() + b"\n" + content[1]
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
        file.write(_MAGIC + hashlib.sha256(rest).digest() + rest)
    os.replace(file.name, path)


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
