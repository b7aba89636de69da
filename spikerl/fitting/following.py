"""``votes[block, trial, option]``: what a circuit makes of recorded choices and rewards that it is led through.

Each block is an instance of its own and begins with fresh weights; instances run in lockstep. With several `repeats` a
block is played by as many instances, which hear other input spikes, and their votes are averaged: they stand for
modules of one larger striatum, whose choice pools their spikes. Averaging their probabilities instead would be the
choice of one module drawn at random; its likelihood has no single top, and more modules would not make it surer.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from spikerl.errors import DescriptionError, message
from spikerl.experiment.building import build
from spikerl.experiment.reading import changed
from spikerl.experiment.tables import Experiment
from spikerl.loop import ClosedLoop
from spikerl.session import Record, open
from spikerl.tasks.recorded import OPTIONS, Recording
from spikerl.tasks.reversal import Reversal, ReversalParameters


def check_circuit(experiment: Experiment) -> None:
    """Raise what `build` raises, and `DescriptionError` for a circuit of other than the two recorded options."""
    built = build(changed(experiment, {"run.instances": 1}))
    if built.circuit.actions != len(OPTIONS):
        allowed = f"{len(OPTIONS)}, the options of recorded blocks"
        raise DescriptionError(message("circuit.actions", built.circuit.actions, allowed))
    if not built.circuit.votes:
        raise DescriptionError(message("circuit.name", experiment.circuit.name, "a circuit with votes"))


def led_votes(
    experiment: Experiment,
    recording: Recording,
    blocks: NDArray[np.int64],
    first: int = 0,
    repeats: int = 1,
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.float64]:
    """Return the mean votes of `repeats` instances for each block of `blocks`, shape [blocks, trials, options].

    `blocks` are positions in `recording`. Circuit, protocol, back end, step, seed and threads are those of
    `experiment`; its task is not played. The instances have the numbers ``first``, ``first + 1``, ...: those of a block
    stand together. With `first` as ``repeats * k``, blocks k on of a longer list are led as in one call for all.
    `progress` is called with the number of trials that have been played. Raises what `open` raises.
    """
    running, trials = experiment.run, recording.choices.shape[1]
    circuit = experiment.circuit.build(experiment.parts["circuit"])
    parameters = ReversalParameters(blocks="recorded", follow=True, trials_per_block=trials)
    tasks = [
        Reversal(parameters, seed=running.seed, instance=int(block), recording=recording)
        for block in np.repeat(blocks, repeats)
    ]
    votes = np.empty((trials, len(tasks), len(OPTIONS)))
    read = circuit.read()
    with open(
        circuit.network,
        running.backend,
        seed=running.seed,
        batch=len(tasks),
        first_instance=first,
        dt=running.dt,
        record=Record(spikes=read),
        device=running.device,
        precision=running.precision,
        threads=running.threads,
        hardware=experiment.hardware,
        quantization=experiment.quantization or (),
    ) as session:
        instances = range(first, first + len(tasks))
        loop = ClosedLoop(session, circuit, experiment.trial_protocol, tasks, running.seed, instances)
        for trial in range(trials):
            columns = loop.trial().columns
            votes[trial] = np.column_stack([columns[f"votes_{option}"] for option in range(len(OPTIONS))])
            if progress is not None:
                progress(trial + 1)
    return votes.reshape(trials, len(blocks), repeats, len(OPTIONS)).mean(axis=2).transpose(1, 0, 2)
