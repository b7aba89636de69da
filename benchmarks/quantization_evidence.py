"""The claims about few bits in the reversal circuit: the table, methods that push the limit, mismatch, the emulator.

Every cell has the same instances, input and luck, so that differences to floating point are paired; an instance is a
block. Intervals are 95 %. The full tables go to docs/quantization/.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rows import Row

import spikerl as sp
from spikerl.analysis.blocks import blocks, column
from spikerl.analysis.intervals import Interval, mean_over_blocks
from spikerl.analysis.quantizing import Cell, limits, summarise
from spikerl.circuit import Circuit
from spikerl.loop import ClosedLoop
from spikerl.models.striatum import StriatumParameters, build
from spikerl.report.quantizing_picture import quantizing_picture
from spikerl.results.quantizing import TABLE, Comparison
from spikerl.tasks.protocol import TrialProtocol
from spikerl.tasks.reversal import Reversal, ReversalParameters

DOCS = Path(__file__).resolve().parent.parent / "docs"
SAME = "the same blocks, input spikes and luck in every cell"
REST = "5 s"
"""Before learning on a device, in which the tonic rate of its dopamine is measured."""
SPREADS = (0.0, 0.1, 0.2, 0.3, 0.4)
METHODS = ("plain", "hidden", "metaplastic", "dither", "scaled")


def table(count: int = 64, seed: int = 5001) -> list[Row]:
    """Return where rounding costs more than 1 and 5 points, and what nearest rounding loses of updates."""
    with tempfile.TemporaryDirectory() as folder:
        found = sp.quantize("reversal", seeds=count, seed=seed, out=Path(folder) / "run")
        return table_rows(found)


def table_rows(found: Comparison) -> list[Row]:
    """Return the rows of a comparison, and keep its table and figure."""
    cells = kept(found, "reversal")
    quantizing_picture(found, DOCS / "quantization.svg")
    rows = []
    for limit in limits(cells):
        if limit.when == "during" and limit.points == 5 and limit.bits is not None:
            name = (
                f"reversal, {limit.rounding} rounding of every update, first loss above 5 points: at {limit.bits} bits"
            )
            rows.append(_row(name, limit.loss, "> 5 points", limit.loss.value > 5, SAME))
    for bits in (8, 4):
        (stalled,) = [c for c in cells if (c.bits, c.rounding, c.when) == (bits, "nearest", "during")]
        why = f"{stalled.below:.4f} of the updates are below half a step"
        name = f"reversal, nearest rounding of every update, {bits} bits, share of updates lost"
        share = Interval(stalled.lost, stalled.lost, stalled.lost, stalled.n)
        rows.append(_row(name, share, "> 0.99: it stalls", stalled.lost > 0.99, why))
    return rows


def methods(count: int = 128, seed: int = 5002, fresh: int = 256, again: int = 5005) -> list[Row]:
    """Return what the best method loses with 4 and with 2 bits that are seen, hidden bits counted.

    Which is best is found in `count` blocks; what it loses, in `fresh` blocks of another seed.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = sp.quantize(
            "reversal",
            bits=(2, 4),
            rounding=("nearest", "stochastic"),
            when="during",
            method=METHODS,
            seeds=count,
            seed=seed,
            test=0,
            out=Path(folder) / "run",
        )
        return confirmed(kept(found, "reversal-methods"), fresh, again)


def confirmed(cells: Sequence[Cell], count: int, seed: int) -> list[Row]:
    """Return what the best of `cells` at 4 and at 2 bits loses in other blocks."""
    rows = []
    for bits, most in ((4, 1), (2, 3)):
        mine = [cell for cell in cells if cell.bits == bits and cell.when == "during"]
        best = max(mine, key=lambda cell: cell.difference.value)
        with tempfile.TemporaryDirectory() as folder:
            found = sp.quantize(
                "reversal",
                bits=bits,
                rounding=best.rounding,
                when="during",
                method=best.method,
                seeds=count,
                seed=seed,
                test=0,
                out=Path(folder) / "run",
            )
            (again,) = [cell for cell in summarise(found.rows) if not cell.floating]
        way = f"{again.method}, {again.rounding} rounding, {again.hidden_bits} hidden bits"
        gap = Interval(*(100 * number for number in again.difference[:3]), again.n)
        name = f"reversal, learning with {bits}-bit weights - in floating point, points, best method"
        rows.append(_row(name, gap, f">= -{most}", gap.value >= -most, f"{way}, chosen in other blocks; {SAME}"))
    return rows


class Device(NamedTuple):
    """How well the better option is chosen with weights held, [block], where `spread` is the devices' mismatch.

    Weights have `learned` elsewhere all along, half the time elsewhere and then here (`tuned`), or here (`scratch`).
    """

    spread: float
    learned: NDArray[np.float64]
    tuned: NDArray[np.float64]
    scratch: NDArray[np.float64]


def mismatch(count: int = 128, seed: int = 5003, trials: int = 80, test: int = 40) -> list[Row]:
    """Return how much of what mismatch costs weights learned elsewhere, learning on the device wins back.

    All have learned for as many trials, `trials` twice, in the same blocks with the same input and luck.
    """
    circuit = build(StriatumParameters(rest=REST))
    begun = _stage(circuit, _device(None, True), 0, trials, count, seed).state
    elsewhere = _stage(circuit, _device(None, True), trials, trials, count, seed, begun).state
    found = []
    for spread in SPREADS:
        here, held = _device(spread, True), _device(spread, False)
        # A device's own tonic rate is measured while nothing is stored, so that nothing learned is forgotten.
        arrived = _stage(circuit, held, trials, 0, count, seed, begun).state
        tuned = _stage(circuit, here, trials, trials, count, seed, arrived).state
        scratch = _stage(circuit, here, 0, 2 * trials, count, seed).state
        ends = (elsewhere, tuned, scratch)
        found.append(Device(spread, *(_stage(circuit, held, 2 * trials, test, count, seed, end).score for end in ends)))
        print(f"mismatch {spread}: " + ", ".join(f"{scores.mean():.3f}" for scores in found[-1][1:]), flush=True)
    lines = ["cv,when,test,low,high,n"]
    for device in found:
        for when in ("learned", "tuned", "scratch"):
            value, low, high, n = mean_over_blocks(getattr(device, when))
            lines.append(f"{device.spread},{when},{value:.6f},{low:.6f},{high:.6f},{n}")
    _folder().joinpath("mismatch.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    tonic()
    ideal, bad = found[0], found[SPREADS.index(0.2)]
    lost = ideal.learned - bad.learned
    rows = [("loss of weights learned elsewhere", lost, "none", "")]
    for name, scores in (("going on to learn on the device", bad.tuned), ("learning on the device alone", bad.scratch)):
        rows.append((f"won back by {name}", scores - bad.learned, "none", ""))
        rows.append((f"won back by {name} - half of the loss", scores - bad.learned - 0.5 * lost, ">= 0", "half"))
    every = []
    for name, scores, target, kind in rows:
        interval = mean_over_blocks(scores)
        holds = interval.value >= 0 if kind else True
        whole = f"reversal, mismatch of weights and thresholds of 20 %, {name}"
        every.append(_row(whole, interval, target, holds, SAME))
    return every


def _device(spread: float | None, learns: bool) -> sp.Quantization:
    """Return a device of this mismatch with 16 bits and 8 hidden ones, or for None an ideal one in floating point."""
    if spread is None:
        return sp.Quantization()
    own = sp.Device(spread, spread, update_probability=1.0 if learns else 0.0)
    return sp.Quantization(bits=16, hidden_bits=8, device=own)


class Stage(NamedTuple):
    """Of some trials, the share in which the better option was chosen, [block], and the state of the loop after."""

    score: NDArray[np.float64]
    state: dict[str, NDArray[Any]]


def _stage(
    circuit: Circuit,
    device: sp.Quantization,
    first: int,
    trials: int,
    count: int,
    seed: int,
    state: dict[str, NDArray[Any]] | None = None,
) -> Stage:
    """Play `trials` from trial `first` on; where there are none, rest on the device and go no further."""
    parameters = ReversalParameters(schedule="80/20", trials_per_block=1000)
    tasks = [Reversal(parameters, seed=seed, instance=instance) for instance in range(count)]
    record = sp.Record(spikes=circuit.read(), modulators=())
    with sp.open(circuit.network, "native", seed=seed, batch=count, record=record, quantization=device) as session:
        loop = ClosedLoop(session, circuit, TrialProtocol(), tasks, seed, range(count))
        if state is not None:
            loop.restore(state)
        if not trials:
            loop.rest()
        better = np.array([loop.trial().columns["better"] for _ in range(trials)])
        return Stage(better.mean(axis=0) if trials else np.full(count, np.nan), loop.state())


def tonic(count: int = 24, trials: int = 12, seed: int = 5003) -> None:
    """Keep how fast dopamine neurons fire at the cue, in Hz, on devices of each spread."""
    lines = ["cv,rate,low,high,n"]
    for spread in SPREADS:
        with tempfile.TemporaryDirectory() as folder:
            asked = {"record.spikes": [], "record.weights": "never"}
            asked |= {f"device.{name}_mismatch": spread for name in ("weight", "threshold")}
            run = sp.run(
                "reversal",
                backend="native",
                instances=count,
                trials=trials,
                seed=seed,
                settings=asked,
                out=Path(folder) / "run",
            )
            rates = blocks(run).table(column(run, "dopamine_cue")).mean(axis=1)
        value, low, high, n = mean_over_blocks(rates)
        lines.append(f"{spread},{value:.6f},{low:.6f},{high:.6f},{n}")
    _folder().joinpath("tonic.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def emulator(count: int = 64, seed: int = 5004) -> list[Row]:
    """Return 8-bit learning as a chip does it beside that of the quantiser, in the same blocks."""
    with tempfile.TemporaryDirectory() as folder:
        quiet = {"record.spikes": [], "record.weights": "never"}
        few = {"quantization.bits": 8, "quantization.rounding": "stochastic"}
        scores = {}
        for backend, more in (("native", few), ("loihi", {"hardware.target": "loihi2"})):
            out = Path(folder) / backend
            run = sp.run(
                "reversal", backend=backend, instances=count, trials=80, seed=seed, settings=quiet | more, out=out
            )
            scores[backend] = blocks(run).table(column(run, "better")).mean(axis=1)
    native, chip = (mean_over_blocks(scores[name]) for name in ("native", "loihi"))
    gap = mean_over_blocks(scores["loihi"] - scores["native"])
    inside = native.low <= chip.value <= native.high
    said = f"within {native.low:.3f} to {native.high:.3f}"
    return [
        _row("reversal, learning with 8-bit weights on native, stochastic", native, "none", True, SAME),
        _row("reversal, learning with 8-bit weights on the emulator of loihi2", chip, said, inside, SAME),
        _row("reversal, 8-bit weights, loihi2 - native", gap, "none", True, SAME),
    ]


def kept(found: Comparison, name: str) -> list[Cell]:
    """Copy the table of a comparison into the documents, and return its cells."""
    shutil.copy(found.path / TABLE, _folder() / f"{name}.csv")
    return summarise(found.rows)


def _folder() -> Path:
    folder = DOCS / "quantization"
    folder.mkdir(exist_ok=True)
    return folder


def _row(name: str, interval: Interval, target: str, holds: bool, source: str) -> Row:
    value, low, high, n = interval
    return Row(f"{name} (n = {n} blocks)", value, low, high, target, bool(holds), source)
