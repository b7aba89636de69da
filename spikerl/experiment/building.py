"""From an experiment to the objects that run it; what only shows itself here is laid to the key that caused it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import cast

from spikerl.backends import base
from spikerl.circuit import Circuit
from spikerl.discretise import Plan, discretise
from spikerl.errors import DescriptionError, MissingSimulatorError, SpikerlError, message, nearest, shorten
from spikerl.experiment.reading import assemble
from spikerl.experiment.tables import Experiment, OnHardware, Running
from spikerl.hardware.engine import prepared
from spikerl.hardware.target import load_target
from spikerl.quantization import Quantization
from spikerl.quantized import of_projections
from spikerl.tasks.base import Task
from spikerl.units import steps


@dataclass(frozen=True)
class Built:
    """The circuit, its `plan` at the experiment's step, and one task for each instance."""

    circuit: Circuit
    plan: Plan
    tasks: list[Task]


def build(experiment: Experiment) -> Built:
    """Return what `experiment` describes, checked as a whole: nothing that follows should find it wrong.

    Raises `DescriptionError`, `UnitError`, `FileError`, `UnsupportedError` naming the experiment's own key, also where
    a value is found wrong deep inside the circuit, and `MissingSimulatorError`.
    """
    try:
        return _built(experiment)
    except MissingSimulatorError:
        raise
    except SpikerlError as error:
        raise type(error)(_laid_to(experiment, _causes(experiment, str(error)), str(error))) from error


def _options(running: Running, hardware: base.Hardware | None, asked: tuple[Quantization, ...]) -> base.Options:
    threads = running.threads or 1
    options = base.Options(running.instances, running.device, running.precision, threads=threads, hardware=hardware)
    return replace(options, quantization=asked)


def _built(experiment: Experiment) -> Built:
    running, recording = experiment.run, experiment.record
    if running.backend not in base.names():
        names = base.names()
        raise DescriptionError(
            message("run.backend", running.backend, ", ".join(names), nearest(running.backend, names))
        )
    hardware = experiment.hardware
    asked = () if experiment.quantization is None else (experiment.quantization,)
    base.check(base.load(running.backend), _options(running, hardware, asked))
    circuit = experiment.circuit.build(experiment.parts["circuit"])
    plan = discretise(circuit.network, running.dt)
    of_projections(plan, asked, running.seed, (0,))
    load_target(cast(OnHardware, experiment.parts["hardware"]).target)
    if hardware is not None:
        prepared(plan, hardware)
    protocol = experiment.trial_protocol
    for phase in fields(protocol):
        where = f"protocol.{phase.name}"
        length = protocol.duration(phase.name)
        if steps(length, plan.dt, where) < 1:
            raise DescriptionError(message(where, length, f"one step ({running.dt}) or more"))
    for key, wanted, known in (
        ("spikes", recording.spikes, list(plan.sizes)),
        ("modulators", recording.modulators, [m.name for m in plan.modulators.values() if m.size is None]),
    ):
        for k, name in enumerate(wanted):
            where = f"record.{key}"
            if name not in known:
                raise DescriptionError(message(where, name, ", ".join(known) or "none", nearest(name, known)))
            if name in wanted[:k]:
                raise DescriptionError(message(where, name, "each name once"))
    tasks = experiment.task.batch(experiment.parts["task"], running.seed, range(running.instances))
    options = int(tasks[0].action_space.n)
    if options != circuit.actions:
        allowed = f"{circuit.actions}, the actions of circuit {experiment.circuit.name!r}"
        raise DescriptionError(message("options of the task", options, allowed))
    return Built(circuit, plan, tasks)


def _laid_to(experiment: Experiment, causes: list[str], text: str) -> str:
    """Return `text` with the keys that caused it, and where they were written, before it."""
    named = next((key for key in (*causes, "run.backend") if text.startswith(f"{key}:")), None)
    origin = experiment.origins.get(named or next(iter(causes), ""), experiment.origins[""])
    if named:
        return f"{origin}{text}"
    values = experiment.tables()
    written = [f"{key} = {shorten(values[key.partition('.')[0]][key.partition('.')[2]])}" for key in causes]
    return f"{origin}{', '.join(written)}{': ' if written else ''}{text}"


def _causes(experiment: Experiment, text: str) -> list[str]:
    """Return the written keys without any one of which the error `text` would not have come."""
    causes = []
    for key in sorted(experiment.given):
        tables, (table, _, name) = experiment.tables(), key.partition(".")
        if name == "name" or key == "run.backend" or name not in tables[table]:
            continue  # these have been checked by name, and each other choice of them is another experiment
        del tables[table][name]
        try:
            _built(cast(Experiment, assemble(experiment.name, tables, experiment.origins)))
        except SpikerlError as error:
            if str(error) == text or isinstance(error, MissingSimulatorError):
                continue
        causes.append(key)
    return causes
