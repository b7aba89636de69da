"""How far a spiking circuit foresees recorded monkeys, between Rescorla-Wagner and the best rate model.

A fixed set of parameter vectors, drawn before anything is seen, is led through all recorded blocks. On each of ten
halves of the blocks one vector and its link are chosen by the training half alone, and judged, like the rate models,
by the other half. Intervals are 95 %, over blocks, since halves share blocks.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rows import Row
from scipy.stats import qmc

from spikerl.analysis.intervals import Interval, mean_over_blocks
from spikerl.behaviour.comparing import compare
from spikerl.behaviour.inference import fit_inference
from spikerl.behaviour.link import fit_link
from spikerl.behaviour.splitting import halves
from spikerl.behaviour.trials import Trials
from spikerl.experiment.reading import changed, read_circuit
from spikerl.fitting.following import led_votes
from spikerl.fitting.ranges import ranges
from spikerl.fitting.scoring import BEGINNINGS, closed, ladder
from spikerl.tasks.recorded import Recording, read_recording

SEED = 2016
VECTORS = 16
SPLITS = 10
DATA = "macaque_reversal.csv"
SOURCE = "Costa et al. 2016, data of Trepka et al. 2021: control macaques; 10 halves, the same for all"


def data() -> Path:
    """Return where the recorded blocks are: in the folder SPIKERL_DATA, or beside the checkout."""
    folder = os.environ.get("SPIKERL_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(folder) / DATA


def votes() -> NDArray[np.float64]:
    """Return the votes of every parameter vector, shape [vectors, blocks, trials, options]."""
    recording = read_recording(data())
    return np.stack([led(recording, settings) for settings in vectors()])


def vectors() -> list[dict[str, int | float | str]]:
    """Return the parameter vectors: a scrambled Sobol sequence over the ranges that `spikerl fit` searches."""
    over = ranges(read_circuit("reversal", {"run.backend": "native"}, "fit"), None)
    places = qmc.Sobol(len(over), rng=np.random.default_rng(SEED)).random(VECTORS)
    found = []
    for row in places:
        at = [
            one.low * (one.high / one.low) ** x if one.log else one.low + x * (one.high - one.low)
            for one, x in zip(over, row, strict=True)
        ]
        found.append({one.key: one.setting(number) for one, number in zip(over, at, strict=True)})
    return found


def led(recording: Recording, settings: dict[str, int | float | str]) -> NDArray[np.float64]:
    """Return the votes of the striatum with `settings`, led through all blocks, one instance a block."""
    experiment = changed(read_circuit("reversal", {"run.backend": "native"}, "fit"), settings)
    return led_votes(experiment, recording, np.arange(len(recording.choices)))


def judged(found: NDArray[np.float64]) -> list[Row]:
    """Return the rows of the claims from the votes of every parameter vector."""
    recording = read_recording(data())
    trials = Trials(recording.choices, recording.rewards.astype(np.float64))
    sticky, plain, inferred = (np.full((SPLITS, trials.blocks), np.nan) for _ in range(3))
    for k, cut in enumerate(halves(trials.blocks, SEED, SPLITS)):
        train, test = trials.take(cut.train), trials.take(cut.test)
        for held_out, stickiness in ((sticky, True), (plain, False)):
            links = [fit_link(votes[cut.train], train, stickiness) for votes in found]
            fits = [link.on(votes[cut.train], train).mean() for link, votes in zip(links, found, strict=True)]
            best = int(np.argmin(fits))
            held_out[k, cut.test] = links[best].on(found[best][cut.test], test)
        inferred[k, cut.test] = fit_inference(train).on(test)
    measured = []
    for initial in BEGINNINGS:
        models = compare(trials, SEED, ladder(initial), SPLITS, starts=1).by_block()
        for held_out, link, least in ((sticky, "striatum", 0.5), (plain, "striatum by votes alone", 0.0)):
            circuit = np.nanmean(held_out, axis=0)
            share = closed(models[0], circuit, models[-1], SEED)
            name = f"monkeys, way from Rescorla-Wagner to the best rate model, {link}, values from {initial:g}"
            nats = ", ".join(f"{mean.mean():.4f}" for mean in (models[0], circuit, models[-1]))
            source = f"{SOURCE}; held-out nats a trial of Rescorla-Wagner, striatum, best: {nats}"
            measured.append(_row(name, share, f">= {least:g}", share.low >= least, source))
    published = mean_over_blocks(np.nanmean(inferred, axis=0))
    near = abs(published.value - 0.301) <= 0.03
    name = "monkeys, Bayesian inference with stickiness, held-out nats a trial"
    measured.append(_row(name, published, "0.301 within 0.03", near, SOURCE))
    return measured


def rows() -> list[Row]:
    """Lead the circuit through all blocks with every vector, and return the rows of the claims."""
    return judged(votes())


def _row(name: str, found: Interval, target: str, holds: bool, source: str) -> Row:
    return Row(f"{name} (n = {found.n} blocks)", found.value, found.low, found.high, target, bool(holds), source)
