"""What a cue loses when reward is withheld, and what a larger reward teaches a cue that would be blocked.

Circuits, intervals and probes are those of `dopamine_evidence`.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor

from dopamine_evidence import COMPOUND, Condition, Settings, cue_difference, jackknife, play, row
from rows import Row

from spikerl.analysis import conditioning
from spikerl.analysis.conditioning import LAST
from spikerl.analysis.intervals import mean_over_blocks
from spikerl.results import Results

STAGE = 60
"""Trials of each stage: A+, A-, A+ again."""
EXTINCTION: Settings = {"task.design": "extinction", "task.trials": STAGE, "record.weights": STAGE}
LARGER: Settings = COMPOUND | {"task.design": "unblocking", "task.laser": False, "task.compound_size": 2.0}
CONDITIONS: dict[str, tuple[int, Settings]] = {"extinction": (3 * STAGE, EXTINCTION), "larger": (110, LARGER)}
"""Trials of each condition, and its settings."""


def extinguished(results: Results) -> list[Row]:
    """Return what becomes of burst and weight of the cue, and of the burst when it is rewarded again."""
    kinds = sorted(conditioning.kinds(results))
    bursts = [conditioning.responses(results, "cue", kind)[:, -LAST:].mean(axis=1) for kind in kinds]
    grown = conditioning.strength(results, "A")
    learned, left = (grown.grown[grown.trial == trials][0] for trials in (STAGE, 2 * STAGE))
    rats = "Pan et al. 2008, rats: dopamine's response to the cue fades in extinction"
    source = "Pavlov 1927; of the synapses that carry the cue's value"
    return [
        row(
            "extinction: burst at A, last trials without reward - last with it, Hz",
            mean_over_blocks(bursts[1] - bursts[0]),
            "< 0",
            lambda i: i.high < 0,
            rats,
        ),
        row(
            "extinction: share of that burst which is left",
            jackknife(lambda some: float(bursts[1][some].mean() / bursts[0][some].mean()), len(bursts[0])),
            "none",
            lambda i: True,
            rats,
        ),
        row(
            f"extinction: learned weight of A, after - before, {grown.unit}",
            mean_over_blocks(left - learned),
            "< 0",
            lambda i: i.high < 0,
            source,
        ),
        row(
            "extinction: share of the learned weight which is left",
            jackknife(lambda some: float(left[some].mean() / learned[some].mean()), len(learned)),
            "none",
            lambda i: True,
            source,
        ),
        row(
            "extinction: burst at A, last trials with reward again - last without, Hz",
            mean_over_blocks(bursts[2] - bursts[1]),
            "> 0",
            lambda i: i.low > 0,
            "Pavlov 1927: what is extinguished can be learned again",
        ),
    ]


def rows(count: int = 20, seed: int = 151) -> list[Row]:
    """Run both conditions with `count` circuits each, beside one another, and return the rows."""
    with tempfile.TemporaryDirectory() as folder:
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=2, mp_context=spawn) as pool:
            running = {
                name: pool.submit(play, name, folder, Condition(count, trials, seed + k, settings))
                for k, (name, (trials, settings)) in enumerate(CONDITIONS.items())
            }
            runs = {name: Results.open(one.result()) for name, one in running.items()}
        larger = row(
            "unblocking: burst at X, a reward of 2 after AX, minus at Y, 1 after BY, Hz",
            cue_difference(runs["larger"], "X", "Y"),
            "> 0",
            lambda i: i.low > 0,
            "Holland 1984, rats: a larger reward than expected unblocks",
        )
        return [*extinguished(runs["extinction"]), larger]
