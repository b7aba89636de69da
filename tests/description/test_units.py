"""Units at the door: every unit, every way of writing it, and SI inside."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from spikerl.errors import UnitError
from spikerl.units import MOST_STEPS, Dimension, parse, steps, to_si, whole_steps

UNITS = {
    "s": (Dimension.TIME, 1), "ms": (Dimension.TIME, 1e-3), "us": (Dimension.TIME, 1e-6), "min": (Dimension.TIME, 60),
    "V": (Dimension.VOLTAGE, 1), "mV": (Dimension.VOLTAGE, 1e-3), "uV": (Dimension.VOLTAGE, 1e-6),
    "A": (Dimension.CURRENT, 1), "uA": (Dimension.CURRENT, 1e-6), "nA": (Dimension.CURRENT, 1e-9),
    "pA": (Dimension.CURRENT, 1e-12), "ohm": (Dimension.RESISTANCE, 1), "kohm": (Dimension.RESISTANCE, 1e3),
    "Mohm": (Dimension.RESISTANCE, 1e6), "Gohm": (Dimension.RESISTANCE, 1e9), "Hz": (Dimension.RATE, 1),
    "kHz": (Dimension.RATE, 1e3), "": (Dimension.NUMBER, 1),
}  # fmt: skip
NUMBERS = st.floats(-1e12, 1e12).filter(lambda x: x == 0 or abs(x) > 1e-12)


@given(NUMBERS, st.sampled_from(list(UNITS)), st.sampled_from(["", " ", "  "]))
def test_a_quantity_is_its_number_times_its_unit_however_it_is_spaced(number: float, unit: str, space: str) -> None:
    """Catches a wrong prefix, and a unit read as part of the number (``1e3ms``)."""
    dimension, scale = UNITS[unit]
    quantity = parse(f"{number!r}{space}{unit}", "x")
    assert quantity.dimension is dimension
    assert quantity.value == pytest.approx(number * scale, rel=1e-15)
    assert quantity.value / quantity.scale == pytest.approx(number, rel=1e-15)


@given(NUMBERS)
def test_writing_what_was_read_reads_the_same(number: float) -> None:
    """Round trip: the value in SI, written in SI, is the value."""
    for unit, (dimension, _) in UNITS.items():
        value = to_si(f"{number!r} {unit}", dimension, "x")
        base = {"": ""}.get(unit, next(u for u, (d, s) in UNITS.items() if d is dimension and s == 1))
        assert to_si(f"{value!r} {base}", dimension, "x") == value


@pytest.mark.parametrize(("written", "plain"), [("µs", "us"), ("μs", "us"), ("µV", "uV"), ("MΩ", "Mohm"), ("Ω", "ohm")])
def test_the_signs_of_the_trade_are_understood(written: str, plain: str) -> None:
    """Both characters that look like a micro sign, and the ohm."""
    assert parse(f"3 {written}", "x") == parse(f"3 {plain}", "x")


@pytest.mark.parametrize(
    "text", ["", "ms", "20 ms ms", "1,5 ms", "1e ms", "--1 ms", "0x10 ms", "nan ms", "inf s", "1_0 ms"]
)
def test_text_that_is_no_quantity_is_refused(text: str) -> None:
    """Catches a lenient number such as Python's own, which takes ``nan`` and ``1_0``."""
    with pytest.raises(UnitError, match="x: got"):
        parse(text, "x")


@pytest.mark.parametrize("unit", ["MS", "mv", "hz", "sec", "msec", "Volt", "mohm", "fA"])
def test_an_unknown_unit_is_refused_and_case_counts(unit: str) -> None:
    """A mohm is no Mohm: nothing is guessed."""
    with pytest.raises(UnitError, match="a unit that is known; "):
        parse(f"1 {unit}", "x")


@given(st.sampled_from(list(UNITS)), st.sampled_from(list(Dimension)))
def test_every_other_dimension_is_refused(unit: str, wanted: Dimension) -> None:
    """Each pair of dimensions, with the example of the wanted one in the message."""
    assume(UNITS[unit][0] is not wanted)
    with pytest.raises(UnitError) as caught:
        to_si(f"1 {unit}", wanted, "here")
    assert str(caught.value).startswith("here: got ") and wanted.value in str(caught.value)


@given(st.integers(0, 10**6), st.sampled_from([1e-3, 5e-4, 1e-4, 2.5e-5]))
def test_a_multiple_of_the_step_is_that_many_steps(count: int, dt: float) -> None:
    """Catches truncation: 0.3 ms of 0.1 ms is three steps, not two."""
    assert whole_steps(count * dt, dt, "x") == count
    assert steps(f"{count * dt * 1e3!r} ms", dt, "x") == count


@given(st.integers(0, 1000), st.floats(0.01, 0.99))
def test_what_falls_between_steps_is_refused(count: int, part: float) -> None:
    """Nothing is rounded to the grid in silence."""
    with pytest.raises(UnitError, match="a multiple of the step"):
        whole_steps((count + part) * 1e-3, 1e-3, "x")


def test_a_time_beyond_all_counting_is_refused() -> None:
    """Catches the overflow of a count, and a whole number too large for an array."""
    for seconds, dt in ((1e300, 1e-3), (1e10, 1e-300), (MOST_STEPS * 1.01e-3, 1e-3)):
        with pytest.raises(UnitError, match="at most"):
            whole_steps(seconds, dt, "x")
    assert math.isfinite(whole_steps(MOST_STEPS * 1e-3, 1e-3, "x"))
