"""The few numbers that ``spikerl run`` says at its end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from spikerl.analysis.accuracy import follows_curves, is_training, scores
from spikerl.analysis.acting import has_cues, is_acting, played
from spikerl.analysis.conditioning import tonic, unchosen
from spikerl.analysis.intervals import Interval, mean_over_blocks
from spikerl.analysis.learning_curve import overall
from spikerl.results import Results


def summary(results: Results) -> dict[str, Any]:
    """Return directory, back end, seed, sizes, and what came of the run, with 95 % intervals (None where none is).

    That is P(better) of a circuit, its tonic dopamine where nothing was chosen, or the accuracy of each layer after the
    last epoch; for curves, the correlation; of layers that act, P(better) or the mean return in the last test.
    """
    facts = results.manifest
    said = {
        "directory": str(results.path),
        "backend": facts.backend,
        "seed": facts.seed,
        "instances": facts.instances,
    }
    if is_training(results):
        found = scores(results)
        layers = [_bounded(found.last(layer), "networks") for layer in range(found.layers)]
        name = "correlation" if follows_curves(results) else "accuracy"
        return said | {"epochs": int(found.epoch[-1]), name: layers}
    if is_acting(results):
        done = played(results)
        name = "tested better" if has_cues(results) else "return"
        chance = {"random": float(done.random.mean())}
        return said | {"tests": int(done.number[-1]), name: _bounded(done.last(), "networks") | chance}
    trials = len(results.trials["better"]) // facts.instances
    if unchosen(results):
        return said | {"trials": trials, "tonic": _bounded(mean_over_blocks(tonic(results)), "circuits")}
    return said | {"trials": trials, "better": _bounded(overall(results), "blocks")}


def outcome(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield name and words of what came of the run that `summary` has told of."""
    if "better" in facts:
        yield "P(better)", _words(facts["better"], "blocks", "one block")
    if "tonic" in facts:
        yield "tonic dopamine", f"{_words(facts['tonic'], 'circuits', 'one circuit')}, in Hz"
    for name in ("accuracy", "correlation"):
        for number, layer in enumerate(facts.get(name, ()), 1):
            yield f"layer {number}", f"{name} {_words(layer, 'networks', 'one network')}"
    for name, shown in (("tested better", "P(better)"), ("return", "return")):
        if name in facts:
            by_chance = f"by chance {facts[name]['random']:.3g}"
            yield shown, f"{_words(facts[name], 'networks', 'one network')}; {by_chance}"


def brief(facts: dict[str, Any]) -> str:
    """Return what `outcome` says last, in one line."""
    name, words = list(outcome(facts))[-1]
    return words if name == "P(better)" else f"{name} {words}"


def heading(points: Iterable[dict[str, Any]]) -> str:
    """Return what stands above the `brief` words of `points`, of one experiment or of several."""
    names = {list(outcome(facts))[-1][0] for facts in points}
    if any(name.startswith("layer") for name in names):
        return "last layer"
    return "P(better)" if names <= {"P(better)"} else "outcome"


def _bounded(found: Interval, unit: str) -> dict[str, Any]:
    low, high = (found.low, found.high) if found.known() else (None, None)
    return {"value": found.value, "low": low, "high": high, unit: found.n}


def _words(found: dict[str, Any], unit: str, alone: str) -> str:
    if found["low"] is None:
        return f"{found['value']:.3f} ({alone} has no interval)"
    return f"{found['value']:.3f}, 95 % interval {found['low']:.3f} to {found['high']:.3f}, {found[unit]} {unit}"
