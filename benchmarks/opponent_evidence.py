"""The claims about the opponent actor: it learns mean and spread of reward, and tonic dopamine makes it take risks.

And about the striatum's regions, of which the ventral learns objects and the dorsal places, and its eligibility.

Independent blocks; conditions that are compared hear the same input. Learning is by forced choices, so that what is
learned of a distribution does not depend on how often it is chosen.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
from circuit_evidence import row
from numpy.typing import NDArray
from rows import Row

import spikerl as sp
from spikerl.analysis.intervals import Interval, mean_over_blocks
from spikerl.analysis.learning_curve import overall
from spikerl.experiment import read_circuit
from spikerl.loop import ClosedLoop
from spikerl.models.striatum import StriatumParameters, build
from spikerl.tasks import Payoffs, PayoffsParameters
from spikerl.tasks.protocol import TrialProtocol
from spikerl.units import Dimension, to_si

MEANS, SPREADS = (0.6, 0.8, 1.0, 1.2, 1.4), (0.0, 0.2, 0.4, 0.6)
CELLS = list(product(MEANS, SPREADS))
TRIALS, RECORDED, LAST = 520, 20, 8
"""Trials of learning, trials between two records of the weights, and the last records that are averaged."""

QUICK = {"cue": "50 ms", "decision": "50 ms", "hold": "50 ms", "outcome": "500 ms", "interval": "150 ms"}
"""The phases where nothing is chosen."""

BIASES = {"less": "7.6 mV", "tonic": "8.09 mV", "more": "8.45 mV"}
"""Depolarisation of the dopamine neurons during choice; firing of about 3, 6 and 9 Hz."""

REGION = """
[circuit]
name = "striatum"
region = "{region}"
critic = {critic}
actions = 4

[task]
name = "what_where"
kind = "{kind}"

[run]
backend = "native"

[record]
weights = "never"
"""
"""A region in blocks of one kind."""

REGIONS = {
    "ventral striatum alone, P(better) of objects": ("ventral", "true", "what"),
    "ventral striatum alone, P(better) of places": ("ventral", "true", "where"),
    "dorsal striatum alone, P(better) of objects": ("dorsal", "true", "what"),
    "dorsal striatum alone, P(better) of places": ("dorsal", "true", "where"),
    "dorsal striatum without a critic, P(better) of places": ("dorsal", "false", "where"),
}

SLOW = {"circuit.tau_elig": "1 s", "circuit.learning_rate": 1.2e-4, "run.backend": "native", "record.weights": "never"}
"""An eligibility of a second, which is about as much larger as the learning rate is smaller."""

FORCED, SETTLED, FREE = 240, 5, 40
"""Trials of learning, free trials until tonic dopamine has settled, and those that are counted."""


def learn(pair: int, folder: str, count: int, seed: int) -> Path:
    """Learn the cells `pair` and its opposite, of 20, in `count` blocks, and return the directory of the run."""
    cells = [CELLS[pair], CELLS[len(CELLS) - 1 - pair]]
    settings: dict[str, object] = {f"protocol.{phase}": length for phase, length in QUICK.items()}
    settings |= {
        "task.means": [mean for mean, _ in cells],
        "task.spreads": [spread for _, spread in cells],
        "task.dictated_trials": TRIALS,
        "task.trials_per_block": TRIALS,
        "record.weights": RECORDED,
    }
    out = Path(folder) / f"pair-{pair}"
    sp.run("risk", instances=count, trials=TRIALS, seed=seed, settings=settings, out=out)
    return out


def weights(results: sp.Results, rest: float) -> NDArray[np.float64]:
    """Return G and N, [block, payoff, receptor], in mV from rest: the mean of the last records."""
    trials, found = results.trials, []
    blocks, cortex = np.unique(trials["instance"]), StriatumParameters().cortex
    first = trials["trial"] < 2  # each option once
    option = np.zeros((blocks.size, 2), dtype=np.int64)
    option[trials["instance"][first], trials["payoff"][first]] = trials["choice"][first]
    for name in ("cortex_to_d1", "cortex_to_d2"):
        learned = results.weights[name]
        late = learned.value[-LAST:].mean(axis=0)
        each = np.stack([late[:, learned.pre // cortex == k].mean(axis=1) for k in range(2)], axis=1)
        found.append(np.take_along_axis(each, option, axis=1) - rest)
    return np.stack(found, axis=2)


def correlations(learned: NDArray[np.float64]) -> dict[str, Interval]:
    """Return the correlations over cells of G - N and the mean, and of G + N and the spread, over blocks.

    `learned`: G and N, [block, cell, receptor].
    """
    mean, spread = np.array(CELLS).T
    g, n = learned[..., 0], learned[..., 1]

    def over(values: NDArray[np.float64], property_: NDArray[np.float64]) -> Interval:
        return mean_over_blocks(np.array([np.corrcoef(one, property_)[0, 1] for one in values]))

    return {"mean": over(g - n, mean), "spread": over(g + n, spread)}


def risks(count: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """Return the share of risky choices of each block, by the level of tonic dopamine during choice.

    All levels go on from the same learned weights and the same state, hear the same input, and learn nothing more.
    """
    experiment = read_circuit("risk", None, "the evidence")
    given, payoffs = experiment.parts["circuit"], experiment.parts["task"]
    assert isinstance(given, StriatumParameters) and isinstance(payoffs, PayoffsParameters)

    def tasks(**changed: object) -> list[Payoffs]:
        parameters = payoffs.model_copy(update={"trials_per_block": FORCED, "dictated_trials": None} | changed)
        return [Payoffs(parameters, seed=seed, instance=instance) for instance in range(count)]

    circuit = build(given)
    with sp.open(circuit.network, "native", seed=seed, batch=count) as session:
        loop = ClosedLoop(session, circuit, TrialProtocol(**QUICK), tasks(), seed, range(count))
        for _ in range(FORCED):
            loop.trial()
        learned = session.state()
    found = {}
    for level, bias in BIASES.items():
        changed = {"dopamine_bias": bias, "clamp_dopamine": True, "forgetting": 0.0}
        circuit = build(given.model_copy(update=changed))
        with sp.open(circuit.network, "native", seed=seed, batch=count) as session:
            session.restore(learned)
            protocol = TrialProtocol(**QUICK | {"decision": "250 ms", "outcome": "50 ms"})
            loop = ClosedLoop(session, circuit, protocol, tasks(choice="free"), seed, range(count))
            taken = [loop.trial().columns["payoff"] for _ in range(SETTLED + FREE)]
        found[level] = np.mean(taken[SETTLED:], axis=0)
    return found


def chosen(name: str, folder: str, count: int, seed: int) -> Path:
    """Play `count` blocks of what/where reversal with one of `REGIONS`, and return the directory of the run."""
    region, critic, kind = REGIONS[name]
    text = Path(folder) / f"{region}-{critic}-{kind}.toml"
    text.write_text(REGION.format(region=region, critic=critic, kind=kind), encoding="utf-8")
    out = text.with_suffix("")
    sp.run(text, instances=count, trials=80, seed=seed, out=out)
    return out


def slow(folder: str, count: int, seed: int) -> Path:
    """Play `count` blocks of reversal with an eligibility of a second, and return the directory of the run."""
    out = Path(folder) / "slow"
    settings = SLOW | {"record.spikes": []}
    sp.run("reversal", instances=count, trials=80, seed=seed, settings=settings, out=out)
    return out


def rows(count: int = 24, seed: int = 101) -> list[Row]:
    """Measure both claims over `count` blocks, two processes at a time, and return the rows."""
    pairs = len(CELLS) // 2
    with tempfile.TemporaryDirectory() as folder:
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=2, mp_context=spawn) as pool:
            risky = pool.submit(risks, 2 * count, seed)
            regions = {name: pool.submit(chosen, name, folder, count, seed) for name in REGIONS}
            second = pool.submit(slow, folder, 2 * count, seed)
            paths = pool.map(learn, range(pairs), [folder] * pairs, [count] * pairs, [seed] * pairs)
            runs = [sp.Results.open(path) for path in paths]
            taken = risky.result()
            better = {name: overall(sp.Results.open(path.result())) for name, path in regions.items()}
            slowly = overall(sp.Results.open(second.result()))
        rest = to_si(StriatumParameters().weight, Dimension.VOLTAGE, "weight") * 1e3
        learned = [weights(run, rest) for run in runs]
    cells = np.stack([one[:, 0] for one in learned] + [one[:, 1] for one in learned[::-1]], axis=1)
    found = correlations(cells)
    late = f"mean weights of the last {LAST * RECORDED} of {TRIALS} trials"
    theory = f"Moller and Bogacz 2019; 5 means x 4 spreads, one circuit for each two, {late}"
    drugs = "Mikhael and Bogacz 2016; more dopamine, more risk: St Onge and Floresco 2009, Rigoli et al. 2016"
    tonic = f"{drugs}; the tonic drive of the dopamine neurons changes during choice, weights are those learned"

    macaques = "Rothenhoefer et al. 2017: ventral lesions spare choices between places; each region alone, at 80/20"
    critics = "it reverses no choice; without a critic no maze is learned either, Fremaux et al. 2013"
    animals = "effects of dopamine at .6 and 1 s, Yagishita et al. 2014; with 500 ms, see P(better) at 80/20"

    def above(interval: Interval) -> bool:
        return interval.low > 0.9

    return [
        row("r of G - N and mean reward", found["mean"], "> 0.9", above, theory),
        row("r of G + N and spread of reward", found["spread"], "> 0.9", above, theory),
        row("P(risky) at tonic dopamine", mean_over_blocks(taken["tonic"]), "none", lambda _: True, tonic),
        row(
            "P(risky), more dopamine - tonic", mean_over_blocks(taken["more"] - taken["tonic"]), "> 0",
            lambda i: i.low > 0, tonic,
        ),
        row(
            "P(risky), less dopamine - tonic", mean_over_blocks(taken["less"] - taken["tonic"]), "< 0",
            lambda i: i.high < 0, tonic,
        ),
        *(
            row(
                name, better[name], "> 0.5" if learns else "0.5 within",
                (lambda i: i.low > 0.5) if learns else (lambda i: i.low <= 0.5 <= i.high),
                critics if "without" in name else macaques,
            )
            for name, learns in zip(REGIONS, (True, False, False, True, False), strict=True)
        ),
        row("eligibility of 1 s, P(better) at 80/20", slowly, ">= 0.75", lambda i: i.value >= 0.75, animals),
    ]
