"""The picture of the README, and how numbers are written."""

import math
from pathlib import Path

import pytest

from spikerl.analysis.intervals import Interval
from spikerl.errors import FileError
from spikerl.report import numbers, palette
from spikerl.report.drawing import Drawing, inline
from spikerl.report.picture import picture
from tests.analysis.runs import complete, learner, write


def test_the_picture_is_made_twice_alike(tmp_path: Path) -> None:
    results = complete(tmp_path / "run")
    first = picture(results, tmp_path / "a.png").read_bytes()
    assert first.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(first) > 20_000
    assert b"Software" not in first
    assert picture(results, tmp_path / "b.png").read_bytes() == first


def test_a_run_without_spikes_has_no_picture(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"record\.spikes"):
        picture(write(tmp_path / "run", learner(2)), tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [(0.8341, 3, "0.834"), (-2.374, 2, "−2.37"), (-0.001, 2, "0.00"), (math.nan, 2, "–"), (math.inf, 1, "–")],
)
def test_numbers_have_a_true_minus_and_no_negative_zero(value: float, places: int, text: str) -> None:
    assert numbers.number(value, places) == text


def test_bounds_that_are_not_there_are_a_dash() -> None:
    assert numbers.bounds(Interval(0.5, 0.25, 0.75, 3)) == "[0.25, 0.75]"
    assert numbers.bounds(Interval(0.5, math.nan, math.nan, 1)) == "–"


def test_the_words_read_out_for_a_figure_stay_an_attribute() -> None:
    """Catches a label that closes its attribute and goes on as a tag."""
    text = inline(Drawing(lambda canvas: None, 1.0), "empty", '"><script>&')
    assert 'aria-label="&quot;&gt;&lt;script&gt;&amp;"' in text


def test_no_two_things_have_one_colour() -> None:
    """Catches a colour used twice: the page could not tell which variable it stands for."""
    lights = [colour.light for colour in palette.NAMED.values()]
    assert len(lights) == len(set(lights))


def _contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours (WCAG 2, section 1.4.3)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_lines_and_text_stand_out_from_both_grounds() -> None:
    """3 to 1 for lines (WCAG 2, 1.4.11), 4.5 to 1 for text."""
    for name, colour in palette.NAMED.items():
        if name in ("line", "wash"):
            continue
        least = 4.5 if name in ("ink", "soft") else 3.0
        assert _contrast(colour.light, "#fdfdfb") >= least, name
        assert _contrast(colour.dark, "#16191d") >= least, name


def test_runs_beyond_the_colours_are_told_apart_by_dashes() -> None:
    styles = {palette.of_run(number) for number in range(3 * len(palette.RUNS))}
    assert len(styles) == 3 * len(palette.RUNS)
