"""What a deployment leaves beside its results: the chip, the losses, the operations, the estimates, as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

from spikerl.backends.base import Hardware
from spikerl.hardware.comparison import Compared
from spikerl.hardware.energy import Estimate, costs_of, estimates
from spikerl.hardware.engine import Prepared
from spikerl.hardware.facts import UNLIMITED
from spikerl.hardware.lowering.losses import Loss
from spikerl.hardware.metrics import neurobench
from spikerl.hardware.operations import Operations
from spikerl.hardware.program import Program
from spikerl.hardware.target import Target, shipped_targets
from spikerl.results import deployment as file


def account(
    prepared: Prepared,
    hardware: Hardware,
    emulator: str,
    operations: Operations,
    compared: Compared | None,
    results: str,
    widths: tuple[file.Width, ...] | None = None,
) -> file.Deployment:
    """Return what happened on a chip as the file's model; `results` is the SHA-256 of the run's results.

    `widths`: how well layers that learned do at bits of weights.
    """
    program, fit = prepared.lowered.program, prepared.fit
    return file.Deployment(
        results=results,
        emulator=emulator,
        options=asdict(hardware),
        chip=_chip(fit.target, hardware),
        limits=tuple(
            file.Limit(
                key=check.key,
                used=check.used,
                limit=None if check.limit == UNLIMITED else check.limit,
                unlimited=check.limit == UNLIMITED,
                source=check.source,
            )
            for check in fit.checks
        ),
        unknown=fit.unknown,
        shared=fit.placement.shared,
        cores=tuple(
            file.Core(
                number=core.number,
                pieces=tuple(file.Piece(**asdict(piece)) for piece in core.pieces),
                use=asdict(core.use),
            )
            for core in fit.placement.cores
        ),
        losses=tuple(_loss(loss) for loss in prepared.lowered.losses),
        operations=_operations(program, operations),
        energy=tuple(
            _energy(estimate)
            for estimate in estimates(program, operations, fit.placement, fit.target, costs_of(fit.target))
        ),
        metrics=file.Metrics(**asdict(neurobench(program, operations))),
        agreement=None if compared is None else _agreement(("loihi", "lava"), compared),
        widths=widths,
    )


def _chip(target: Target, hardware: Hardware) -> file.Chip:
    known = {each.value for each in (target.chip.cores, target.chip.tile_cores)} & {UNLIMITED}
    return file.Chip(
        name=target.name,
        summary=target.summary,
        file=None if hardware.target in shipped_targets() else hardware.target,
        cores=None if known else target.chip.cores.value,
        mesh=target.chip.mesh.value,
        tile_cores=None if known else target.chip.tile_cores.value,
    )


def _loss(loss: Loss) -> file.Loss:
    wanted, got, error = (
        None if number is None or not math.isfinite(number) else float(number)
        for number in (loss.wanted, loss.got, loss.error)
    )
    return file.Loss(
        object=loss.object,
        quantity=loss.quantity,
        wanted=wanted,
        got=got,
        error=error,
        note=loss.note,
        kind=loss.kind,
    )


def _operations(program: Program, operations: Operations) -> file.Operations:
    return file.Operations(
        steps=operations.steps,
        instances=operations.batch,
        dt=program.dt,
        peak=operations.peak,
        populations={
            name: file.Population(
                neurons=program.size(name),
                input=name in program.inputs,
                spikes=int(spikes.sum()),
                neuron_updates=operations.neuron_updates.get(name, 0),
            )
            for name, spikes in operations.spikes.items()
        },
        connections={
            name: file.Connection(
                synapses=connection.weight.size,
                synaptic_operations=operations.synaptic[name],
                weight_updates=operations.weight_updates.get(name, 0),
                tag_updates=operations.tag_updates.get(name, 0),
                synapse_updates=operations.synapse_updates.get(name, 0),
            )
            for name, connection in program.connections.items()
        },
    )


def _energy(estimate: Estimate) -> file.Energy:
    return file.Energy(
        name=estimate.costs.name,
        summary=estimate.costs.summary,
        joules=estimate.joules,
        left_out=estimate.left_out,
        events=tuple(
            file.Event(event=item.event, count=item.count, picojoules=item.picojoules, source=item.source)
            for item in estimate.items
        ),
    )


def _agreement(machines: Sequence[str], compared: Compared) -> file.Agreement:
    return file.Agreement(machines=tuple(machines), **asdict(compared))
