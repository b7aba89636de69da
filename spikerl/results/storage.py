"""``results.h5``: the tables of a run to bytes, and back.

``trials/<column>``, ``spikes/<population>/{step,instance,neuron}``,
``weights/<projection>/{step,value,pre,post}``, ``modulators/<name>`` (a row a step); each dataset has its
``units``, the root has ``format``, ``dt`` (s), ``instances``.
"""

from __future__ import annotations

import h5py
import numpy as np

from spikerl.errors import DescriptionError, FileError, message
from spikerl.results import hdf5
from spikerl.results.contents import INDEX, REAL, WHOLE, Column, Contents, Synapses, Tables, check

FORMAT = 1
LARGEST = 16 * 2**30
_KINDS = ("trials", "spikes", "weights", "modulators")


def encode(contents: Contents, tables: Tables) -> bytes:
    """Return the bytes of the file; equal arguments give equal bytes."""

    def fill(file: h5py.File) -> None:
        file.attrs["format"] = np.array(FORMAT, dtype=WHOLE)
        file.attrs["dt"] = np.array(contents.dt, dtype=REAL)
        file.attrs["instances"] = np.array(contents.instances, dtype=WHOLE)
        for kind in _KINDS:
            file.create_group(kind)
        for path, fields in contents.tables().items():
            group = file.require_group(path)
            for name, field in fields.items():
                hdf5.put(group, name, tables[path][name], {"units": field.units})
        for name, neurons in sorted(contents.spikes.items()):
            file[f"spikes/{name}"].attrs["neurons"] = np.array(neurons, dtype=WHOLE)
        for name, synapses in sorted(contents.weights.items()):
            for side, index in (("pre", synapses.pre), ("post", synapses.post)):
                hdf5.put(file[f"weights/{name}"], side, index.astype(INDEX), {"units": "1"})

    return hdf5.image(fill)


def decode(content: bytes, where: str) -> tuple[Contents, Tables]:
    """Return what a file holds, read-only; raise `FileError` for anything that `encode` would not write."""
    with hdf5.opened(content, where) as reader:
        root = reader.root
        form = reader.number(root, "format", WHOLE)
        if form != FORMAT:
            raise FileError(
                message(f"{where}, format", form, str(FORMAT), "read it with the spikerl that wrote it")
            )
        kinds = {kind: reader.group(root, kind) for kind in _KINDS}
        if len(reader.names(root)) != len(_KINDS):
            raise FileError(message(f"{where}, groups", reader.names(root), ", ".join(_KINDS)))
        found = {
            kind: {name: reader.dataset(kinds[kind], name, ("units",)) for name in reader.names(kinds[kind])}
            for kind in ("trials", "modulators")
        }
        trials = {
            name: Column(data.texts["units"], data.values.dtype.str.lstrip("|"))
            for name, data in found["trials"].items()
        }
        modulators = {name: data.texts["units"] for name, data in found["modulators"].items()}
        tables = {
            kind: {name: data.values for name, data in columns.items()}
            for kind, columns in found.items()
            if columns or kind == "trials"
        }
        units: dict[str, str] = {}
        members = {"spikes": {"step", "instance", "neuron"}, "weights": {"step", "value", "pre", "post"}}
        for kind, wanted in members.items():
            for name in reader.names(kinds[kind]):
                group, path = reader.group(kinds[kind], name), f"{kind}/{name}"
                if set(reader.names(group)) != wanted:
                    raise FileError(
                        message(f"{where}, {path}", reader.names(group), ", ".join(sorted(wanted)))
                    )
                parts = {part: reader.dataset(group, part, ("units",)) for part in sorted(wanted)}
                tables[path] = {part: data.values for part, data in parts.items()}
                units |= {f"{path}/{part}": data.texts["units"] for part, data in parts.items()}
        spikes = {
            name: int(reader.number(reader.group(kinds["spikes"], name), "neurons", WHOLE))
            for name in reader.names(kinds["spikes"])
        }
        weights = {}
        for name in reader.names(kinds["weights"]):
            table = tables[f"weights/{name}"]
            weights[name] = Synapses(units[f"weights/{name}/value"], table.pop("pre"), table.pop("post"))
        dt, instances = float(reader.number(root, "dt", REAL)), int(reader.number(root, "instances", WHOLE))
    try:
        contents = Contents(dt, instances, trials, spikes, weights, modulators)
        check(contents, tables, where)
    except DescriptionError as error:
        raise FileError(f"{where}: {error}") from error
    return contents, tables
