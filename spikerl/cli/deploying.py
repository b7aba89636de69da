"""The few lines that ``spikerl deploy`` says at its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spikerl.cli.summary import outcome, summary
from spikerl.deploy import Deployed


def facts(done: Deployed, page: Path) -> dict[str, Any]:
    """Return what `spikerl run` says of a run, and the whole account of the deployment, as JSON has it."""
    return summary(done.results) | {"page": str(page), "deployment": done.deployment.model_dump(mode="json")}


def lines(done: Deployed, page: Path) -> Iterator[str]:
    """Yield name and value, a line each: chip, worst loss, operations, estimates, agreement, behaviour, places."""
    found, said = done.deployment, summary(done.results)
    cores = f"{len(found.cores)} of {'?' if found.chip.cores is None else found.chip.cores} cores"
    yield f"chip       {found.chip.name}, {cores}{', shared by populations' if found.shared else ''}"
    worst = max((loss for loss in found.losses if loss.error is not None), key=lambda loss: loss.error or 0.0)
    yield f"loss       at most {worst.error:.2%}: {worst.object}, {worst.quantity}; {len(found.losses)} in all"
    steps = found.operations.steps * found.operations.instances
    synaptic = sum(each.synaptic_operations for each in found.operations.connections.values())
    updates = sum(each.synapse_updates for each in found.operations.connections.values())
    yield f"operations {synaptic / steps:.4g} synaptic and {updates / steps:.4g} learning a step of one instance"
    seconds = steps * found.operations.dt
    for energy in found.energy:
        left = f", without {', '.join(energy.left_out)}" if energy.left_out else ""
        each = f"{energy.joules / seconds * 1e6:.4g} uJ a second of one instance"
        yield f"energy     {each}, estimated after {energy.name}{left}"
    if found.agreement is not None:
        same = found.agreement
        size = f"{same.steps} steps, {same.spikes} spikes, {same.integers} integers"
        yield f"agreement  {' and '.join(same.machines)} computed the same bits: {size}"
    if found.widths is None:
        yield from (f"{name:10s} {words}" for name, words in outcome(said))
    for width in found.widths or ():
        name = "in reals" if width.bits is None else f"{width.bits} bit{'' if width.bits == 1 else 's'}"
        means = " ".join(f"{sum(layer) / len(layer):.3f}" for layer in width.layers)
        yield f"{name:10s} accuracy of layers {means}"
    yield f"results    {done.results.path}"
    yield f"page       {page}"
