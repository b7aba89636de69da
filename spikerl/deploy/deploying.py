"""An experiment in closed loop on the fixed point of a chip, learning there: fit, run, count, and say what was lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from spikerl.backends.base import Options
from spikerl.deploy.account import account
from spikerl.deploy.deployed import Deployed
from spikerl.deploy.machines import check_emulator, opened
from spikerl.deploy.widths import stages
from spikerl.errors import DescriptionError, UnsupportedError, message
from spikerl.experiment.acting_tables import ActingExperiment
from spikerl.experiment.building import build
from spikerl.experiment.kinds import AnyExperiment
from spikerl.experiment.reading import changed, read
from spikerl.experiment.tables import Experiment
from spikerl.experiment.training_tables import TrainingExperiment
from spikerl.hardware.engine import FixedEngine, prepared
from spikerl.inputs import Hearing
from spikerl.results import Results
from spikerl.results.deployment import write_deployment
from spikerl.run import Progress, check_directory, observed, play
from spikerl.session import Session
from spikerl.threads import available_threads
from spikerl.training.preparing import prepare

Deployable = Experiment | TrainingExperiment


def deploy(
    experiment: str | Path,
    *,
    target: str | None = None,
    emulator: str = "loihi",
    seed: int | None = None,
    instances: int | None = None,
    trials: int | None = None,
    settings: Mapping[str, object] | None = None,
    out: str | Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Deployed:
    """Run `experiment` in the fixed point of a chip, learning there, and write its directory with ``deploy.json``.

    `target`: a name of ``spikerl list targets`` or a TOML file, before what ``[hardware]`` says. `emulator`: "loihi"
    (the native one), "lava", or "both", which are held to the last bit after every window. Layers that learn from data
    are trained in real numbers, where no finished run of them is in its own directory, and name their test samples on
    the chip, at all of its bits of weights. The rest as in `run`; `out`
    is by default ``runs/<experiment>-<chip>-<emulator>-seed<seed>``.

    Raises `UnsupportedError` for a circuit that fixed point cannot hold, loses too much of, or that does not fit,
    `DescriptionError`, `FileError`, `MissingSimulatorError`, all before anything runs; then `DivergenceError` where
    the two part, naming the first step, population, neuron and variable, and `RunError`.
    """
    options = {
        "hardware.target": target,
        "run.seed": seed,
        "run.instances": instances,
        "run.trials": trials,
    }
    given: dict[str, object] = dict(settings or {})
    for key, value in options.items():
        if value is not None and key in given:
            raise DescriptionError(message(key, value, "one value", "it is among the settings too"))
        if value is not None:
            given[key] = value
    chosen = chosen_for(read(experiment, given), emulator)
    return execute_deployment(chosen, emulator, directory_of(chosen, emulator, out), progress)


def chosen_for(experiment: AnyExperiment, emulator: str) -> Deployable:
    """Return `experiment` with the back end of `emulator` in place of its own, which layers keep: it trains them."""
    check_emulator(emulator)
    if isinstance(experiment, TrainingExperiment):
        return experiment
    if isinstance(experiment, ActingExperiment):
        allowed = "a circuit in a task, or layers that learn from data"
        raise UnsupportedError(message("deploy", experiment.name, allowed, "layers that act have no way there yet"))
    return changed(experiment, {"run.backend": "lava" if emulator == "lava" else "loihi"})


def directory_of(experiment: Deployable, emulator: str, out: str | Path | None = None) -> Path:
    """Return where a deployment is written: `out`, or its place under ``runs/``."""
    assert experiment.hardware is not None
    if out is not None:
        return Path(out)
    chip = Path(experiment.hardware.target).stem
    return Path("runs") / f"{experiment.name}-{chip}-{emulator}-seed{experiment.run.seed}"


def stages_of(experiment: Deployable) -> int:
    """Return how much there is to do, as `Progress` counts it."""
    if isinstance(experiment, TrainingExperiment):
        return stages(experiment)
    return experiment.run.trials


def execute_deployment(
    experiment: Deployable, emulator: str, out: Path, progress: Callable[[Progress], None] | None = None
) -> Deployed:
    """Run what `chosen_for` returned; see `deploy`."""
    if isinstance(experiment, TrainingExperiment):
        prepare(experiment)  # which says what is missing before it is imported
        from spikerl.deploy.training import execute_training_deployment

        return execute_training_deployment(experiment, emulator, out, progress)
    return _execute_circuit(experiment, emulator, out, progress)


def _execute_circuit(
    experiment: Experiment, emulator: str, out: Path, progress: Callable[[Progress], None] | None
) -> Deployed:
    hardware, running = experiment.hardware, experiment.run
    assert hardware is not None
    built = build(experiment)
    check_directory(out)
    ready = prepared(built.plan, hardware)
    record = observed(experiment, built)
    options = Options(
        batch=running.instances,
        threads=running.threads or available_threads(),
        seed=running.seed,
        hardware=hardware,
    )
    machine = opened(emulator, ready.lowered.program, hardware, options)
    engine = FixedEngine(ready.lowered, machine, options, hardware.saturate)
    hearing = Hearing(built.plan, running.seed, range(running.instances))
    with Session(built.circuit.network, built.plan, running.backend, engine, hearing, record) as session:
        play(experiment, built, session, out, keeps=False, progress=progress)
        results = Results.open(out)
        found = account(
            ready, hardware, emulator, machine.operations(), machine.compared(), results.manifest.sha256[-1]
        )
    write_deployment(out, found)
    return Deployed(results, found)
