"""From an experiment of layers that act to networks, settings and environments; errors are laid to the written key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from spikerl.datasets.base import Dataset
from spikerl.datasets.catalogue import load_dataset
from spikerl.datasets.codes import RateCode
from spikerl.datasets.digits import DigitsSettings
from spikerl.dcll.cartpole import REACH, CartPoleSettings
from spikerl.dcll.cues import CueSettings
from spikerl.dcll.layers import Description
from spikerl.dcll.population_code import PopulationCode
from spikerl.dcll.rewarded import Learning
from spikerl.errors import DescriptionError, message
from spikerl.experiment.acting_tables import ActingExperiment, CartPoleTable, CuesTable
from spikerl.tasks.schedule import probabilities
from spikerl.training.described import check_backend, described, laid_to
from spikerl.units import Dimension, steps, to_positive_si

_OPTIONS = 2


@dataclass(frozen=True)
class Cued:
    """The bandit with cues: its settings, and digits to learn from and to be tested with, of each instance."""

    settings: CueSettings
    digits: tuple[Dataset, ...]


@dataclass(frozen=True)
class Poled:
    """CartPole: its settings, and the episodes of a test."""

    settings: CartPoleSettings
    test_episodes: int


@dataclass(frozen=True)
class Staged:
    """What an experiment plays: `description` of a network, how it learns, and where; `dt` in seconds."""

    description: Description
    learning: Learning
    where: Cued | Poled
    dt: float


def stage(experiment: ActingExperiment) -> Staged:
    """Return what `experiment` describes, checked as a whole: nothing that follows should find it wrong.

    Raises as `spikerl.training.preparing.prepare` does.
    """
    running = experiment.run
    with laid_to(experiment.given, experiment.origins, "environment"):
        check_backend(running)
        dt = to_positive_si(running.dt, Dimension.TIME, "run.dt")
        where: Cued | Poled
        if experiment.environment == "cues":
            where = _cued(experiment, cast(CuesTable, experiment.parts["environment"]))
            inputs = where.digits[0].train.shape
        else:
            table = cast(CartPoleTable, experiment.parts["environment"])
            window = steps(table.window, dt, "environment.window")
            code = PopulationCode(REACH, table.cells, window, table.width)
            where, inputs = Poled(CartPoleSettings(code, table.reward), table.test_episodes), code.shape
        network = described(experiment.network, inputs, _OPTIONS + 1, running.dt)
        own = experiment.learning.model_dump(exclude={"decisions", "test_every", "batch"})
        return Staged(network, Learning(**own), where, dt)


def _cued(experiment: ActingExperiment, table: CuesTable) -> Cued:
    paid = probabilities(table.schedule, "environment.schedule")
    if len(paid) != _OPTIONS:
        raise DescriptionError(message("environment.schedule", table.schedule, "two options, such as '80/20'"))
    if set(table.better) - set(range(_OPTIONS)) or len(set(table.better)) < _OPTIONS:
        allowed = "0 and 1, each for one digit at least"
        raise DescriptionError(message("environment.better", list(table.better), allowed))
    shown = DigitsSettings(RateCode(table.rate), experiment.run.dt, table.window, table.shift)
    seeds = range(experiment.run.seed, experiment.run.seed + experiment.run.instances)
    digits = tuple(cast(Dataset, load_dataset("digits", shown, seed)) for seed in seeds)
    return Cued(CueSettings(table.better, (paid[0], paid[1])), digits)
