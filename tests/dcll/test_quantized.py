"""Layers whose weights are stored in few bits: codes, counts and random numbers equal to those of a slow oracle.

Catches: a grid with a wrong end or step, a rounding that is another's, random numbers that slip by a row or an update,
visible levels of hidden codes, gradients taken in parts that differ, biases rounded too, a test after learning that
changes what learns, a state that leaves something out, a table of 32 bits that changes a bit.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("norse", reason="norse is not installed")

from spikerl.dcll import Convolution, Dense, Description, Network, Trainer, Training, stored, storing  # noqa: E402
from spikerl.dcll.adamax import Adamax  # noqa: E402
from spikerl.dcll.stored import After, Move, StoredWeights  # noqa: E402
from spikerl.errors import DescriptionError, UnsupportedError  # noqa: E402
from spikerl.hardware.quantize import FAR  # noqa: E402
from spikerl.quantization import Device, Quantization  # noqa: E402
from spikerl.seeding import generator, key  # noqa: E402

SEED, LAYER, RATE, STEPS = 11, 2, 0.02, 6
ASKED = [
    Quantization(bits=4, headroom=3.0),
    Quantization(bits=3, rounding="floor", headroom=3.0),
    Quantization(bits=6, rounding="zero", headroom=3.0, rate=4.0),
    Quantization(bits=3, rounding="stochastic", headroom=3.0),
    Quantization(bits=2, rounding="stochastic", headroom=2.0, hidden_bits=5, rate=2.0),
    Quantization(bits=1, rounding="nearest", headroom=1.0, hidden_bits=4, scale="neuron"),
    Quantization(bits=4, rounding="stochastic", headroom=3.0, hidden_bits=4, stickiness=0.8, scale="neuron"),
    Quantization(bits=16, rounding="stochastic", hidden_bits=16, top=1.5),
    Quantization(bits=8, rounding="nearest", top=0.25),
]
WAYS = ["adamax", "plain"]


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.tensor(generator(seed, "test").normal(size=shape), dtype=dtype)


def uniform(number: int) -> float:
    """SplitMix64 in whole numbers of any size."""
    most = 2**64 - 1
    z = (int(key(SEED, "dcll quantization", LAYER)[0]) + number * 0x9E3779B97F4A7C15) & most
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & most
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & most
    return ((z ^ (z >> 31)) >> 11) / 2**53


class Oracle:
    """One synapse after the other, from what the documents say of grids and hidden states."""

    def __init__(self, weight: np.ndarray, asked: Quantization) -> None:
        self.asked, self.changes = asked, 0
        ratio = self.ratio = 2**asked.hidden_bits
        rows = weight.reshape(len(weight), -1).astype(np.float64)
        greatest = np.abs(rows).max(axis=1) if asked.scale == "neuron" else np.full(len(rows), np.abs(rows).max())
        top = np.full(len(rows), asked.top) if asked.top else asked.headroom * greatest
        one = asked.bits == 1
        self.ends = (0, 1) if one else (1 - 2 ** (asked.bits - 1), 2 ** (asked.bits - 1) - 1)
        self.step = 2 * top / ratio if one else top / self.ends[1] / ratio
        self.origin = -top if one else 0 * top
        self.codes = np.zeros(rows.shape, dtype=np.int64)
        self.largest = np.zeros(rows.shape, dtype=weight.dtype)
        self.counts = [0, 0, 0]
        for place in np.ndindex(rows.shape):
            self.codes[place] = self.rounded((rows[place] - self.origin[place[0]]) / self.step[place[0]], place)

    def rounded(self, t: float, place: tuple[int, ...]) -> int:
        if abs(t - round(t)) < 1e-9:
            t = round(t)
        number = self.changes * self.codes.size + place[0] * self.codes.shape[1] + place[1]
        way = {"nearest": round, "floor": math.floor, "zero": math.trunc}.get(self.asked.rounding)
        found = way(t) if way else math.floor(t + uniform(number))
        return min(max(found, self.ends[0] * self.ratio), self.ends[1] * self.ratio)

    def level(self, code: int) -> int:
        return (2 * code + self.ratio) // (2 * self.ratio)

    def depth(self, code: int) -> float:
        inside = code - (self.level(code) * self.ratio - self.ratio / 2)
        below = inside if self.level(code) > self.ends[0] else FAR
        above = self.ratio - 1 - inside if self.level(code) < self.ends[1] else FAR
        return max(min(below, above), 0)

    def follow(self, gradient: np.ndarray, way: str) -> None:
        self.changes += 1
        own = self.largest.dtype.type
        gradient = gradient.reshape(self.codes.shape)
        for place in np.ndindex(self.codes.shape):
            g = gradient[place]
            if way == "adamax":
                self.largest[place] = max(own(0.95) * self.largest[place] + own(0.05 * 1e-8), abs(g))
                g = g / self.largest[place]
            change = -float(own(RATE) * g)
            if change == 0:
                continue
            code = int(self.codes[place])
            sticks = self.asked.stickiness ** self.depth(code) if self.asked.stickiness < 1 else 1.0
            t = code + self.asked.rate * sticks * change / self.step[place[0]]
            self.codes[place] = self.rounded(t, place)
            self.counts = [
                self.counts[0] + 1,
                self.counts[1] + (abs(t - code) < 0.5),
                self.counts[2] + (self.codes[place] != code),
            ]

    def seen(self) -> np.ndarray:
        levels = (2 * self.codes + self.ratio) // (2 * self.ratio)
        return self.origin[:, None] + levels * self.ratio * self.step[:, None]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("asked", ASKED, ids=repr)
def test_codes_and_counts_are_those_of_the_oracle(asked, dtype, way, monkeypatch):
    """In parts of 2 rows."""
    monkeypatch.setattr(stored, "_HELD", 14)
    weight = 0.1 * drawn(7, 6, dtype=dtype)
    oracle, biased = Oracle(weight.numpy().copy(), asked), weight.clone()
    kept = StoredWeights(weight, asked, SEED, LAYER)
    assert not torch.equal(weight, biased)
    np.testing.assert_array_equal(kept.state()["codes"], oracle.codes)
    optimiser = Adamax([weight], RATE)
    for step in range(STEPS):
        gradient = drawn(7, 6, seed=step + 1, dtype=dtype) * 0.5**step
        gradient[step] = 0
        move = Move(*optimiser.how(weight)) if way == "adamax" else Move(RATE)
        kept.follow(gradient, move)
        oracle.follow(gradient.numpy(), way)
        np.testing.assert_array_equal(kept.state()["codes"], oracle.codes)
        np.testing.assert_allclose(weight.double(), oracle.seen(), rtol=1e-6, atol=1e-9)
    assert list(kept.counts) == oracle.counts and oracle.counts[0] == (42 - 6) * STEPS


@pytest.mark.parametrize("asked", ASKED, ids=repr)
@pytest.mark.parametrize("way", WAYS)
def test_several_passes_are_the_loop(asked, way):
    """What other devices compute, computed here."""
    codes = torch.tensor(generator(3, "codes").integers(-40, 40, (5, 8)), dtype=torch.int32)
    kept = StoredWeights(0.1 * drawn(5, 8), asked, SEED, LAYER)
    grid = kept.grid
    codes = codes.clamp(int(grid.lowest * grid.ratio), int(grid.highest * grid.ratio))
    seen, largest = drawn(5, 8, seed=5), drawn(5, 8, seed=6).abs()
    gradient = drawn(5, 8, seed=7)
    gradient[2] = 0
    passes = [each.clone() for each in (codes, seen, gradient, largest)]
    optimiser = np.float32(0.2), np.float32(0.95), np.float32(1e-9)
    by_largest = way == "adamax"
    ends = grid.lowest * grid.ratio, grid.highest * grid.ratio
    counted = storing.kernel(asked.rounding, asked.stickiness != 1, by_largest)(
        *(each.numpy() for each in (codes, seen, gradient, largest)),
        *optimiser,
        grid.step,
        grid.origin,
        grid.lowest,
        grid.highest,
        *ends,
        grid.ratio,
        asked.rate,
        asked.stickiness,
        key(SEED, "dcll quantization", LAYER)[0],
        np.uint64(120),
    )
    u = torch.tensor(
        [[uniform(120 + row * 8 + column) for column in range(8)] for row in range(5)], dtype=torch.float64
    )
    numbers = {name: getattr(grid, name) for name in ("lowest", "highest", "ratio")} | {"far": FAR, "u": u}
    numbers |= {"step": torch.tensor(grid.step)[:, None], "origin": torch.tensor(grid.origin)[:, None]}
    numbers |= {"rate": asked.rate, "stickiness": asked.stickiness}
    again = storing.in_passes(
        asked.rounding, *passes[:3], passes[3] if by_largest else None, (0.2, 0.95, 1e-9), numbers
    )
    np.testing.assert_array_equal(counted, again)
    assert counted[2] > 0
    for one, other in zip((codes, seen, largest), (passes[0], passes[1], passes[3]), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("asked", ASKED, ids=repr)
def test_factors_are_their_product(asked, monkeypatch):
    monkeypatch.setattr(stored, "_HELD", 10)
    whole, parts = drawn(7, 5, dtype=torch.float64), drawn(7, 5, dtype=torch.float64)
    by_product, by_factors = (StoredWeights(each, asked, SEED, LAYER) for each in (whole, parts))
    for step in range(3):
        m, p = drawn(3, 7, seed=step + 1, dtype=torch.float64), drawn(3, 5, seed=step + 9, dtype=torch.float64)
        by_product.follow(m.t() @ p, Move(RATE))
        by_factors.follow(m.t(), Move(RATE), p)
    assert torch.equal(whole, parts) and by_product.counts == by_factors.counts


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("rounding", ["nearest", "floor", "zero", "stochastic"])
@pytest.mark.parametrize("bits", [1, 2, 5, 16])
def test_what_is_on_the_grid_stays(bits, rounding, dtype):
    """In single precision too, where a level is not exactly at its place."""
    asked = Quantization(bits=bits, rounding=rounding, top=0.23)
    weight = 0.1 * drawn(40, 30, dtype=dtype)
    rounded = After(weight, asked, SEED, LAYER).laid().to(dtype)
    assert bits == 1 or len(rounded.unique()) > 1
    weight.copy_(rounded)
    assert torch.equal(After(weight, asked, SEED, LAYER).laid().to(dtype), rounded)
    StoredWeights(weight, asked, SEED, LAYER)
    assert torch.equal(weight, rounded)


class Drawn:
    """Samples of noise."""

    labels = np.arange(24) % 3

    def spikes(self, index: np.ndarray, epoch: int = 0) -> np.ndarray:
        return np.stack([generator(5, "s", int(k), epoch).random((12, 2, 6, 6)) < 0.3 for k in index], axis=1)


def trainer(asked: Quantization | None, when: str = "during", **settings: object) -> Trainer:
    layers = Convolution(4, 3, pool=2), Dense(10)
    network = Network(Description((2, 6, 6), layers, 3), 7)
    return Trainer(network, Training(batch=8, burn_in=2, rate=0.02, keep=0.7, **settings), 7, asked, when)


def assert_same(one: Trainer, other: Trainer) -> None:
    first, second = one.state(), other.state()
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name], err_msg=name)


LEARNING = [
    {},
    {"schedule": "chunks", "every": 3},
    {"optimiser": "sgd"},
    {"gradient": "autograd"},
    {"precision": "bfloat16"},
]


@pytest.mark.parametrize("settings", LEARNING, ids=str)
def test_32_bits_are_no_table(settings):
    plain, asked = trainer(None, **settings), trainer(Quantization(), **settings)
    plain.train(Drawn()), asked.train(Drawn())
    assert_same(plain, asked)
    assert asked.counts == []


@pytest.mark.parametrize("settings", LEARNING, ids=str)
def test_weights_are_on_the_grid_biases_are_not_and_states_go_on(settings):
    asked = Quantization(bits=3, rounding="stochastic", headroom=2.0, hidden_bits=3)
    whole, parts = trainer(asked, **settings), trainer(asked, **settings)
    tops = [2.0 * float(own.weight.abs().max()) for own in trainer(None).network.parameters]
    for _ in range(3):
        whole.train(Drawn())
    parts.train(Drawn())
    later = trainer(asked, **settings)
    later.restore(parts.state())
    later.train(Drawn()), later.train(Drawn())
    assert_same(whole, later)
    assert whole.counts == later.counts and all(counts.stored > 0 for counts in whole.counts)
    for own, top in zip(whole.network.parameters, tops, strict=True):
        levels = own.weight.double() / (top / 3)
        torch.testing.assert_close(levels, levels.round(), rtol=0, atol=1e-5)
        assert len(levels.round().unique()) > 2
        assert len(own.bias.unique()) > 3


def test_random_numbers_do_not_depend_on_what_is_asked():
    """The u of 4 and of 8 bits are the same: a weight's place within its step decides in both."""
    weight, places = 0.3 * drawn(20, 10), []
    for bits in (4, 8):
        own = weight.clone()
        kept = StoredWeights(own, Quantization(bits=bits, rounding="stochastic", top=1.0), SEED, LAYER)
        t = weight.double().numpy() / kept.grid.step[:, None]
        places.append((kept.state()["codes"] > np.floor(t), t - np.floor(t)))
    u = np.array([[uniform(row * 10 + column) for column in range(10)] for row in range(20)])
    for up, share in places:
        np.testing.assert_array_equal(up, share + u >= 1)


def test_after_learning_tests_are_of_rounded_weights_and_learning_of_others():
    asked = Quantization(bits=2, headroom=2.0)
    plain, after = trainer(None), trainer(asked, "after")
    for one in (plain, after):
        one.train(Drawn())
    seen = after.evaluate(Drawn()).votes
    assert not np.array_equal(seen, plain.evaluate(Drawn()).votes)
    assert_same(plain, after)
    after.train(Drawn()), plain.train(Drawn())
    assert_same(plain, after)
    spikes = Drawn().spikes(np.arange(4))
    found = after.evaluate(Drawn()).votes, after.readouts(spikes), after.spikes(spikes)[-1]
    after.lay()
    assert all(len(own.weight.unique()) <= 3 for own in after.network.parameters)
    assert 0 < min(after.clipped) and max(after.clipped) <= 1
    plain.network.parameters[:] = after.network.parameters
    again = plain.evaluate(Drawn()).votes, plain.readouts(spikes), plain.spikes(spikes)[-1]
    for one, other in zip(found, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_updates_below_half_a_step_are_lost_by_nearest_and_not_by_chance():
    lost, kept = (
        trainer(Quantization(bits=3, rounding=rounding, headroom=16.0)) for rounding in ("nearest", "stochastic")
    )
    for one in (lost, kept):
        one.train(Drawn())
    assert all(each.below == each.updates > 0 and each.stored == 0 for each in lost.counts)
    assert all(each.stored > 0 for each in kept.counts)


@pytest.mark.parametrize(
    ("asked", "kind", "said"),
    [
        (Quantization(bits=4, rounding="dither"), DescriptionError, "eligibilities"),
        (Quantization(rate=2.0), DescriptionError, "rate"),
        (Quantization(bits=4, device=Device(dead=0.1)), UnsupportedError, "device"),
    ],
    ids=["dither", "rate", "device"],
)
def test_what_layers_do_not_have_is_refused(asked, kind, said):
    with pytest.raises(kind, match=said):
        trainer(asked)


def test_first_weights_of_zero_have_no_grid():
    with pytest.raises(DescriptionError, match="give top"):
        StoredWeights(torch.zeros(3, 2), Quantization(bits=4), SEED, LAYER)
