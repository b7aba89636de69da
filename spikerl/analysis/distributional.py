"""Which rewards do dopamine cells expect together? Read as an experimenter reads cells: spikes after the reward.

Of each cell and trial there is the number of spikes in the outcome, beside that in the phases before it; from them come
reversal points and asymmetries, of halves of the trials, and the distribution of rewards that both together mean
(Dabney et al. 2020). Lines are fitted over utility, and what is decoded is told in ul.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikerl.analysis.blocks import blocks, column
from spikerl.analysis.timing import timing
from spikerl.distributional.decoding import Decoded, decode, shuffled
from spikerl.distributional.halves import Correlation, Halves, halves
from spikerl.distributional.magnitudes import magnitude, utility
from spikerl.distributional.modes import Modes, modes
from spikerl.distributional.reversal import Recording, Reversals, reversals
from spikerl.errors import DescriptionError, FileError, message, nearest
from spikerl.results import Results

NANOLITRES = 1000.0
"""In one ul: the column `magnitude` is in nl."""

BANDWIDTH = 0.12
"""Of utility, for modes: wider, and the most frequent size and its neighbours run into one even where all is exact."""


@dataclass(frozen=True, eq=False)
class Code:
    """What the cells of one instance tell.

    `recording`: responses in Hz beside the `baseline` [cell], in Hz too, over utility; `all_trials` and `split`:
    reversal points and asymmetries of all trials, and of halves. `points_agree` and `tau_follows_point`: correlations
    across halves. `decoded` and `control`: the samples of the true pairing and, one for each permutation, of shuffled
    asymmetries, in ul. `sizes` [size] in ul and `shares` [size]: the rewards that were given.
    """

    recording: Recording
    baseline: NDArray[np.float64]
    all_trials: Reversals
    split: Halves
    points_agree: Correlation
    tau_follows_point: Correlation
    decoded: Decoded
    control: tuple[Decoded, ...]
    sizes: NDArray[np.float64]
    shares: NDArray[np.float64]

    @property
    def distance(self) -> float:
        """Return the Wasserstein-1 distance of what is decoded from the rewards that were given, in ul."""
        return self.decoded.distance(self.sizes, self.shares)

    @property
    def control_distance(self) -> float:
        """Return the mean distance with shuffled asymmetries, in ul."""
        return float(np.mean([one.distance(self.sizes, self.shares) for one in self.control]))

    @staticmethod
    def utilities(magnitudes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the utility of `magnitudes` in ul, [reward]: the axis on which lines are fitted and modes told."""
        return utility(magnitudes)

    def true_modes(self) -> Modes:
        """Return the modes of the rewards that were given, in utility, smoothed by `BANDWIDTH`."""
        return modes(utility(self.sizes), BANDWIDTH, self.shares)

    def found_modes(self) -> int:
        """Return how many of the `true_modes` are `matched` by modes of what is decoded."""
        return self.matched(self.decoded.pooled)

    def matched(self, magnitudes: NDArray[np.float64]) -> int:
        """Return how many of the `true_modes` samples of `magnitudes`, in ul, have, each of which counts once.

        A mode is one of theirs if it is nearer than half of the mean distance between neighbouring sizes, in utility.
        """
        free = list(modes(utility(magnitudes), BANDWIDTH).place)
        reach = float(np.diff(utility(self.sizes)).mean()) / 2.0
        count = 0
        for place in self.true_modes().place:
            near = [other for other in free if abs(other - place) < reach]
            if near:
                free.remove(min(near, key=lambda other: abs(other - place)))
                count += 1
        return count


def recorded(
    results: Results, population: str = "dopamine", instance: int = 0, skip: int = 0
) -> tuple[Recording, NDArray[np.float64]]:
    """Return the responses of each neuron of `population` to an instance's rewards from trial `skip` on, and its rate.

    ``response = spikes / duration - baseline`` of the outcome in Hz, [neuron, trial]; the baseline, [neuron], is the
    mean rate in the phases before it, and is returned beside the responses. Magnitudes are utilities. Raises
    `FileError` where spikes or the column `magnitude` were not recorded, and where no trial is left.
    """
    if population not in results.spikes:
        remedy = nearest(population, results.spikes) if results.spikes else "name it in record.spikes"
        raise FileError(message("recorded spikes", population, "a population that was recorded", remedy))
    given = column(results, "magnitude")
    sequence = blocks(results).sequence
    if not 0 <= instance < len(sequence):
        raise FileError(message("instance", instance, f"0 to {len(sequence) - 1}"))
    rows = sequence[instance][sequence[instance] >= 0]
    if not 0 <= skip < len(rows):
        raise FileError(message("skip", skip, f"0 to {len(rows) - 1}, trials that are left out"))
    when, spikes = timing(results), results.spikes[population]
    number = when.trial(spikes.step)
    taken = (spikes.instance == instance) & (number >= skip) & (number < len(rows))
    number, neuron = number[taken] - skip, spikes.neuron[taken]
    within = spikes.step[taken] % when.steps
    outcome = when.phase("outcome")
    after, before = np.zeros((2, results.contents.spikes[population], len(rows) - skip))
    late = (within >= outcome.start) & (within < outcome.stop)
    early = within < outcome.start
    np.add.at(after, (neuron[late], number[late]), 1.0)
    np.add.at(before, (neuron[early], number[early]), 1.0)
    rate = after / ((outcome.stop - outcome.start) * when.dt)
    base = before.mean(axis=1) / (outcome.start * when.dt)
    return Recording(rate, utility(given[rows[skip:]] / NANOLITRES), base), base


def read(
    results: Results,
    population: str = "dopamine",
    instance: int = 0,
    skip: int = 0,
    seed: int = 0,
    splits: int = 20,
    permutations: int = 10,
) -> Code:
    """Return what the cells of one instance tell of its rewards, from its trials after the first `skip`.

    What is decoded pairs asymmetries of one half with reversal points of the other, of the first of `splits`. The
    rewards it is held against are those of all trials, from which the cells learned. `seed` draws halves,
    permutations and where searches start. Raises `FileError` as `recorded`, where a size was given once, and where
    fewer than two cells can be read.
    """
    recording, baseline = recorded(results, population, instance, skip)
    laid = blocks(results).sequence[instance]
    sizes, counts = np.unique(column(results, "magnitude")[laid[laid >= 0]] / NANOLITRES, return_counts=True)
    low, high = (float(end) for end in utility(sizes[[0, -1]]))
    try:
        split = halves(recording, seed, splits)
        tau, point = split.pairs()
        decoded = decode(tau, point, low, high, seed)
        control = tuple(decode(row, point, low, high, seed, starts=1) for row in shuffled(tau, seed, permutations))
    except DescriptionError as error:
        raise FileError(str(error)) from error
    return Code(
        recording,
        baseline,
        reversals(recording),
        split,
        split.points_agree(),
        split.tau_follows_point(),
        _in_ul(decoded),
        tuple(_in_ul(one) for one in control),
        sizes,
        counts / counts.sum(),
    )


def _in_ul(decoded: Decoded) -> Decoded:
    """Return samples of utility as magnitudes; the loss stays in utility, squared."""
    return Decoded(np.stack([magnitude(row) for row in decoded.samples]), decoded.loss)
