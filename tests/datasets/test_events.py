"""Events and their bins: every event is a spike, or is counted where it went."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikerl.datasets import Events, bin_events
from spikerl.errors import DescriptionError, UnitError
from tests.datasets.recordings import drawn_events, some_events


def made(x, y, polarity, time, sensor=(4, 6)):
    return Events(*(np.array(values, dtype=np.int64) for values in (x, y, polarity, time)), sensor)


def test_a_spike_is_at_the_step_polarity_row_and_column_of_its_event():
    """Catches x and y or the polarities swapped, a step that is rounded instead of cut, and a wrong end."""
    events = made([5, 0, 5, 2, 1], [0, 3, 0, 1, 1], [1, 0, 1, 0, 1], [0, 999, 999, 1000, 2000])
    spikes, cut = bin_events(events, "1 ms", "2 ms")
    assert spikes.shape == (2, 2, 4, 6) and spikes.dtype == bool
    assert np.argwhere(spikes).tolist() == [[0, 0, 3, 0], [0, 1, 0, 5], [1, 0, 1, 2]]
    assert cut == (5, 1, 0, 1) and cut.spikes == 3


def test_the_middle_of_the_sensor_is_kept():
    """Catches a crop at a corner and events beyond the edge that wrap around to the other side."""
    events = made([0, 1, 4, 5, 2], [1, 1, 2, 2, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 5000])
    spikes, cut = bin_events(events, "1 ms", "1 ms", (2, 4))
    assert np.argwhere(spikes).tolist() == [[0, 0, 0, 0], [0, 0, 1, 3]]
    assert cut == (5, 1, 2, 0)


@given(drawn_events(most_time=20_000), st.integers(1, 3000), st.integers(1, 9), st.data())
def test_nothing_is_lost_in_silence(events, microseconds, steps, data):
    """Catches events that are neither spikes nor counted, against a count by hand in a set of bins."""
    height, width = (data.draw(st.integers(1, side)) for side in events.sensor)
    spikes, cut = bin_events(events, f"{microseconds} us", f"{microseconds * steps} us", (height, width))
    top, left = (events.sensor[0] - height) // 2, (events.sensor[1] - width) // 2
    bins, late, outside = [], 0, 0
    for x, y, polarity, time in zip(events.x, events.y, events.polarity, events.time, strict=True):
        if time >= microseconds * steps:
            late += 1
        elif not (top <= y < top + height and left <= x < left + width):
            outside += 1
        else:
            bins.append((time // microseconds, polarity, y - top, x - left))
    assert sorted(set(bins)) == [tuple(place) for place in np.argwhere(spikes).tolist()]
    assert cut == (len(events), late, outside, len(bins) - len(set(bins)))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"x": [0, 6]}, r"event 1, x: got 6; allowed: 0 to 5"),
        ({"x": [-1, 0]}, r"event 0, x: got -1"),
        ({"y": [0, 4]}, r"event 1, y: got 4; allowed: 0 to 3"),
        ({"polarity": [2, 0]}, r"event 0, polarity: got 2; allowed: 0 to 1"),
        ({"time": [5, 4]}, r"event 1, time: got 4; allowed: at least 5 us"),
        ({"time": [-1, 4]}, r"event 0, time: got -1"),
        ({"time": [0]}, r"Events.time"),
        ({"sensor": (0, 6)}, r"Events.sensor\[0\]"),
        ({"sensor": [4, 6]}, r"Events.sensor"),
        ({"sensor": (4, 4097)}, r"Events.sensor\[1\]"),
    ],
)
def test_wrong_events_are_refused_by_number(changes, text):
    """Catches events that would be written over others in an array of spikes, or before its beginning."""
    right = {"x": [0, 1], "y": [0, 1], "polarity": [0, 1], "time": [0, 1], "sensor": (4, 6)}
    with pytest.raises(DescriptionError, match=text):
        made(**right | changes)


def test_arrays_of_other_numbers_are_refused():
    """Catches fractions that are cut, and 64-bit numbers without sign that wrap."""
    whole = np.zeros(1, dtype=np.int64)
    with pytest.raises(DescriptionError, match="Events.x"):
        Events(np.array([0.5]), whole, whole, whole, (4, 6))
    with pytest.raises(DescriptionError, match="Events.time: got 18446744073709551615"):
        Events(whole, whole, whole, np.array([2**64 - 1], dtype=np.uint64), (4, 6))


def test_events_are_copies_that_cannot_be_written():
    """Catches events that change when their source does."""
    x = np.zeros(1, dtype=np.int64)
    events = Events(x, x, x, x, (4, 6))
    x[0] = 5
    assert events.x[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        events.time[0] = 1


@pytest.mark.parametrize("dt", ["0.5 us", "1.5 us", "0 ms", "1 mV"])
def test_a_step_is_a_whole_number_of_microseconds(dt):
    """Catches steps that drift against the times."""
    with pytest.raises(UnitError):
        bin_events(some_events(0), dt, "300 ms")


def test_a_window_is_whole_steps_and_a_size_fits():
    """Catches a window that is rounded and a crop that is larger than the sensor."""
    with pytest.raises(UnitError, match="multiple"):
        bin_events(some_events(0), "7 ms", "300 ms")
    with pytest.raises(DescriptionError, match="sensor"):
        bin_events(some_events(0), "1 ms", "300 ms", (35, 34))
