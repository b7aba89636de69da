"""docs/quantization.md: the tables of docs/quantization/ to be read, made by ``python benchmarks/readme.py``."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from spikerl.analysis.intervals import Interval, mean_over_blocks

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "quantization"
WAYS = (("nearest", "after"), ("stochastic", "after"), ("nearest", "during"), ("stochastic", "during"))
PLAIN, FLOAT = "plain", 32


class Line(NamedTuple):
    """A cell: what it is, its score, what it has more than floating point, in points, and updates lost, a share."""

    bits: int
    rounding: str
    when: str
    method: str
    hidden: int
    score: Interval
    points: Interval
    lost: float


def page() -> str:
    """Return the document."""
    parts = [INTRODUCTION]
    reversal = _cells("reversal")
    parts.append(f"## The reversal circuit\n\n{REVERSAL}\n\n{_matrix(reversal)}\n\n{_losses(reversal)}")
    ways = _cells("reversal-methods")
    parts.append(f"## Methods, in the reversal circuit\n\n{METHODS}\n\n{_methods(ways)}")
    for name, title, words in LAYERS:
        found = _layers(name)
        plain = [line for line in found if line.method == PLAIN]
        parts.append(f"## {title}\n\n{words}\n\n{_matrix(plain)}\n\n{_losses(plain)}\n\nMethods:\n\n{_methods(found)}")
    parts.append(f"## Mismatch\n\n{MISMATCH}\n\n{_mismatch()}")
    return "\n\n".join(parts) + "\n"


def _cells(name: str) -> list[Line]:
    """Return the cells of a table that `spikerl quantize` wrote."""
    found = []
    for row in _read(name):
        n = int(row["n"])
        score = Interval(*(float(row[key]) for key in ("measure", "low", "high")), n)
        points = Interval(*(100 * float(row[f"difference{end}"]) for end in ("", "_low", "_high")), n)
        found.append(Line(*_key(row), score, points, float(row["lost"] or "nan")))
    return found


def _layers(name: str) -> list[Line]:
    """Return the cells of a table with a row for each cell and network, paired with floating point."""
    grouped: dict[tuple[str, ...], list[Mapping[str, str]]] = {}
    for row in _read(name):
        grouped.setdefault(tuple(row[key] for key in (*KEYS, "headroom")), []).append(row)
    floating = {row["instance"]: float(row["test"]) for row in next(iter(grouped.values()))}
    found = []
    for rows in grouped.values():
        scores = [float(row["test"]) for row in rows]
        gaps = [100 * (score - floating[row["instance"]]) for score, row in zip(scores, rows, strict=True)]
        updates = sum(int(row["updates"]) for row in rows)
        lost = 1 - sum(int(row["stored"]) for row in rows) / updates if updates else float("nan")
        found.append(Line(*_key(rows[0]), mean_over_blocks(scores), mean_over_blocks(gaps), lost))
    return found


KEYS = ("bits", "rounding", "when", "method", "hidden_bits")


def _key(row: Mapping[str, str]) -> tuple[int, str, str, str, int]:
    return int(row["bits"]), row["rounding"], row["when"], row["method"], int(row["hidden_bits"])


def _read(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _matrix(cells: Sequence[Line]) -> str:
    """Return what each way costs over bits, in points, with floating point above."""
    (floating,) = [cell for cell in cells if cell.bits == FLOAT]
    score = floating.score
    lines = [
        f"Floating point: {100 * score.value:.1f} [{100 * score.low:.1f}, {100 * score.high:.1f}], n = {score.n}. "
        "Points more than that, with 95 % intervals of the paired difference:",
        "",
        "| bits | " + " | ".join(f"{rounding}, {when}" for rounding, when in WAYS) + " |",
        "|---|" + "---|" * len(WAYS),
    ]
    for bits in sorted({cell.bits for cell in cells if cell.bits != FLOAT}):
        mine = {(c.rounding, c.when): c for c in cells if c.bits == bits and c.method == PLAIN}
        lines.append(f"| {bits} | " + " | ".join(_points(mine[way].points) for way in WAYS) + " |")
    return "\n".join(lines)


def _losses(cells: Sequence[Line]) -> str:
    """Return the share of updates that changed nothing, over bits."""
    during = [way for way in WAYS if way[1] == "during"]
    lines = [
        "Share of updates that changed nothing of what is stored:",
        "",
        "| bits | " + " | ".join(rounding for rounding, _ in during) + " |",
        "|---|" + "---|" * len(during),
    ]
    for bits in sorted({cell.bits for cell in cells if cell.bits != FLOAT}):
        mine = {(c.rounding, c.when): c for c in cells if c.bits == bits and c.method == PLAIN}
        lines.append(f"| {bits} | " + " | ".join(f"{100 * mine[way].lost:.2f} %" for way in during) + " |")
    return "\n".join(lines)


def _methods(cells: Sequence[Line]) -> str:
    lines = ["| bits seen | method | rounding | bits stored | points | updates lost |", "|---|---|---|---|---|---|"]
    mine = [cell for cell in cells if cell.bits <= 4 and cell.when == "during"]
    for cell in sorted(mine, key=lambda cell: (-cell.bits, -cell.points.value)):
        stored, lost = cell.bits + cell.hidden, f"{100 * cell.lost:.2f} %"
        lines.append(f"| {cell.bits} | {cell.method} | {cell.rounding} | {stored} | {_points(cell.points)} | {lost} |")
    return "\n".join(lines)


def _mismatch() -> str:
    heading = "| spread | learned elsewhere | half of it here | learned here | dopamine at the cue, Hz |"
    lines = [heading, "|---|---|---|---|---|"]
    rows, rates = _read("mismatch"), {row["cv"]: row for row in _read("tonic")}
    for spread in dict.fromkeys(row["cv"] for row in rows):
        mine = {row["when"]: row for row in rows if row["cv"] == spread}
        both = " | ".join(
            f"{100 * float(mine[when]['test']):.1f} [{100 * float(mine[when]['low']):.1f}, "
            f"{100 * float(mine[when]['high']):.1f}]"
            for when in ("learned", "tuned", "scratch")
        )
        value, low, high = (float(rates[spread][key]) for key in ("rate", "low", "high"))
        lines.append(f"| {100 * float(spread):.0f} % | {both} | {value:.1f} [{low:.1f}, {high:.1f}] |")
    return "\n".join(lines)


def _points(points: Interval) -> str:
    return f"{points.value:+.1f} [{points.low:+.1f}, {points.high:+.1f}]"


INTRODUCTION = """# Few bits

What it costs to store weights in 1 to 16 bits, after learning and at every update during it, by the way of rounding.
`make evidence` measures it (parts whose names begin with quantization), `spikerl quantize` does the same for any
experiment. All cells of a table share their instances, input and luck, so that differences to floating point are
paired. The tables as CSV are in [docs/quantization](quantization).

Nearest rounding during learning stalls where updates are below half a step: they lead back to where they came from,
however many there are. Rules act at every step of 1 ms, and so their updates are small; the tables give the share that
is lost. Stochastic rounding loses as many, but stores the others as whole steps, with the probability that makes their
mean right."""

REVERSAL = """Experiment `reversal`: P(better option) at 80/20 while learning (during), and in 40 more trials with
weights held (after). ![P(better) over bits, after learning and during it](quantization.svg)"""

METHODS = """Options of every local rule (`spikerl.quantizing.methods`): hidden has 8 bits finer than those that are
seen, metaplastic 4 whose states are the less likely to be left the deeper they lie, with stochastic rounding; dither
takes digits of the eligibility for random numbers; scaled makes updates larger as the step grows. Bits stored are
bits seen and hidden ones."""

LAYERS = (
    (
        "layers-digits",
        "Digits",
        "Two dense layers of 256 and 128 units that learn digits for 6 epochs by local errors; accuracy in the test.",
    ),
    (
        "layers-nmnist",
        "N-MNIST, subset",
        "Two dense layers of 128 and 64 units, 4 epochs, 1,000 training and 100 test recordings; accuracy in the test.",
    ),
)

MISMATCH = """The reversal circuit on devices whose transmitted weights and thresholds differ from synapse to synapse
and from neuron to neuron (log-normal), P(better option), in percent, in 40 trials with weights held, after 160 trials
of learning. Learned elsewhere: in floating point on an ideal device, then put on this one in 16 bits. Half of it here:
80 trials elsewhere and 80 on this device, in 16 bits and 8 hidden ones. Learned here: all on this device.

Thresholds that differ raise the tonic rate of the dopamine neurons. A rule that counts errors from the rate that it was
told takes every step for a reward, and stays at chance. So these circuits rest for 5 s before they learn on a device
(`circuit.rest`), where the tonic rate is measured, and errors count from there.

Then a circuit learns on the device about as well as elsewhere, but does not win back half of what mismatch costs. What
is left has another cause: a choice that never falls on the better option. Where the neurons of one action are so
excitable that it is always taken, nothing is learned of the other, and its worth fades to that of an option that was
never tried; what is taken is worth a little more than that, however little it pays."""
