"""Closed forms of the quantiser: range, grid, idempotence, unbiasedness, and an oracle in exact fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import spikerl as sp
from spikerl import splitmix
from spikerl.errors import DescriptionError
from spikerl.hardware.quantize import ROUNDINGS

quantizers = st.builds(sp.Quantizer, st.integers(1, 16), st.sampled_from(ROUNDINGS), st.booleans())
scales = st.floats(1e-6, 1e6)
shares = st.floats(-3.0, 3.0)


def levels(quantizer: sp.Quantizer, scale: Fraction) -> tuple[Fraction, Fraction, int, int]:
    """Return origin, step, lowest and highest code, from the words of the documentation."""
    if not quantizer.signed:
        return Fraction(0), scale / (2**quantizer.bits - 1), 0, 2**quantizer.bits - 1
    if quantizer.bits == 1:
        return -scale, 2 * scale, 0, 1
    most = 2 ** (quantizer.bits - 1) - 1
    return Fraction(0), scale / most, -most, most


@given(quantizers, scales, st.lists(shares, min_size=1, max_size=20), st.integers(0, 2**32))
def test_values_lie_on_the_grid_within_its_ends_and_stay_where_they_are(quantizer, scale, values, seed):
    """Catches a grid with a level too many, ends that are passed, a second rounding that moves what the first left."""
    u = np.random.default_rng(seed).random(len(values))
    found = quantizer(np.array(values) * scale, scale, u)
    origin, step, lowest, highest = levels(quantizer, Fraction(scale))
    codes = (found - float(origin)) / float(step)
    assert np.allclose(codes, np.rint(codes), atol=1e-9 * max(1, highest))
    assert (np.rint(codes) >= lowest).all() and (np.rint(codes) <= highest).all()
    again = quantizer(found, scale, np.random.default_rng(seed + 1).random(len(values)))
    assert (again == found).all()


@given(quantizers, scales, shares, st.floats(0, 1, exclude_max=True))
@example(sp.Quantizer(3, "nearest", True), 3.0, 0.5, 0.0)  # a tie: 1.5 steps
@example(sp.Quantizer(2, "nearest"), 3.0, 0.5, 0.0)
@example(sp.Quantizer(4, "zero", True), 7.0, -0.93, 0.0)
def test_equals_exact_fractions(quantizer, scale, share, u):
    """Catches a tie that goes up, floor that goes toward zero, a negative number cut upward."""
    x = share * scale
    origin, step, lowest, highest = levels(quantizer, Fraction(scale))
    t = (Fraction(x) - origin) / step
    if abs(t - round(t)) < Fraction(2, 10**9) and t != round(t):
        return  # within what is taken for whole
    code = {
        "nearest": lambda: round(t),  # of Fraction: ties to even
        "floor": lambda: math.floor(t),
        "zero": lambda: math.trunc(t),
        "stochastic": lambda: math.floor(t + Fraction(u)),
        "dither": lambda: math.floor(t + Fraction(u)),
    }[quantizer.rounding]()
    near_tie = quantizer.rounding == "nearest" and abs(abs(t - math.floor(t)) - Fraction(1, 2)) < Fraction(1, 10**9)
    near_edge = quantizer.rounding in ("stochastic", "dither") and abs(t + Fraction(u) - round(t + Fraction(u))) < 1e-9
    wanted = float(origin + step * min(max(code, lowest), highest))
    found = float(quantizer(x, scale, u))
    slack = float(step) * (1 + 1e-9) if near_tie or near_edge else 1e-9 * scale
    assert abs(found - wanted) <= slack


@pytest.mark.parametrize("tie,wanted", [(0.5, 0), (1.5, 2), (2.5, 2), (-0.5, 0), (-1.5, -2), (-2.5, -2)])
def test_ties_go_to_the_even_level(tie, wanted):
    """Catches rounding half up, or half away from zero."""
    assert sp.Quantizer(4, "nearest", True)(tie, 7.0) == wanted


@given(quantizers, scales, shares)
def test_the_error_is_below_a_step_and_half_a_step_for_nearest(quantizer, scale, share):
    """Catches a step of the wrong size."""
    origin, step, lowest, highest = levels(quantizer, Fraction(scale))
    x = min(max(share * scale, float(origin + lowest * step)), float(origin + highest * step))
    error = abs(float(quantizer(x, scale, 0.5)) - x)
    assert error <= float(step) * (0.5 if quantizer.rounding == "nearest" else 1.0) * (1 + 1e-9)


@given(quantizers.filter(lambda q: q.rounding not in ("stochastic", "dither")), st.lists(shares, min_size=2))
def test_deterministic_rounding_keeps_the_order(quantizer, values):
    """Catches a rounding that is not monotone."""
    assert (np.diff(quantizer(np.sort(values))) >= 0).all()


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [1, 2, 3, 4, 8, 16])
@pytest.mark.parametrize("share", [0.0137, 0.31, 0.47, 0.77, 0.9999])
def test_stochastic_rounding_is_right_in_the_mean(bits, signed, share):
    """A million draws of the streams that synapses use: the mean is within 4 standard errors of the number."""
    x = share if not signed else 2 * share - 1
    place = np.arange(10**6, dtype=np.uint64)
    u = splitmix.unit(splitmix.mixed(np.full(1, 77, dtype=np.uint64), place))
    drawn = sp.Quantizer(bits, "stochastic", signed)(np.full(10**6, x), 1.0, u)
    assert len(np.unique(drawn)) == 2
    assert abs(drawn.mean() - x) < 4 * drawn.std() / 1000


def test_splitmix_gives_the_published_numbers():
    """The first outputs of the stream that begins at 1234567, as they are widely reproduced."""
    found = splitmix.mixed(np.full(1, 1234567, dtype=np.uint64), np.arange(1, 6, dtype=np.uint64))
    wanted = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    assert found.tolist() == wanted


def test_a_grid_for_each_scale():
    """Catches scales that are not laid along the last axis."""
    found = sp.Quantizer(2)(np.array([[0.4, 4.0], [0.9, 9.0]]), np.array([1.0, 10.0]))
    assert np.allclose(found, [[1 / 3, 10 / 3], [1.0, 10.0]])


@pytest.mark.parametrize(
    "call,said",
    [
        (lambda: sp.Quantizer(0), "Quantizer.bits: got 0; allowed: a whole number from 1 to 16"),
        (lambda: sp.Quantizer(17), "from 1 to 16"),
        (lambda: sp.Quantizer(4, "neerest"), "did you mean 'nearest'"),
        (lambda: sp.Quantizer(4, signed=1), "True or False"),
        (lambda: sp.Quantizer(4)([float("nan")]), "finite numbers"),
        (lambda: sp.Quantizer(4)(1.0, 0.0), "finite numbers above 0"),
        (lambda: sp.Quantizer(4, "stochastic")(1.0), "give uniforms"),
        (lambda: sp.Levels(4, -1.0), "a number above 0"),
        (lambda: sp.Levels(4, 1.0, "dither"), "take 'stochastic'"),
        (lambda: sp.Quantization(bits=17), "from 1 to 16, or 32 for floating point"),
        (lambda: sp.Quantization(bits=True), "from 1 to 16, or 32 for floating point"),
        (lambda: sp.Quantization(bits=4, rounding="floo"), "did you mean 'floor'"),
        (lambda: sp.Quantization(bits=32, hidden_bits=4), "0 at 32 bits"),
        (lambda: sp.Quantization(bits=4, stickiness=0), "above 0, at most 1"),
        (lambda: sp.Quantization(bits=4, scale="neurons"), "did you mean 'neuron'"),
        (lambda: sp.Quantization(bit=4), "did you mean 'bits'"),
        (lambda: sp.Device(dead=1.5), "Device.dead: got 1.5; allowed: 0 to 1"),
        (lambda: sp.Device(endurance=-1), "Device.endurance"),
    ],
)
def test_bad_values_are_refused(call, said):
    """Catches a value that passes, and a message that does not say what is allowed."""
    with pytest.raises(DescriptionError) as caught:
        call()
    assert said in str(caught.value)
