"""The figures of the hardware part and its numbers: where cores lie, how long bars are, how digits are cut."""

import math

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from spikerl.report import chip_figure, limits_figure, numbers
from spikerl.report.palette import D1, DOPAMINE, INK, NAMED, RUNS, of_chip
from spikerl.results import deployment as model
from tests.files.deployments import example


def test_cores_lie_where_messages_hop() -> None:
    """Catches columns taken for rows: core n is in tile n // 4, column tile % 8, row tile // 8."""
    chip = model.Chip(name="chip", summary="", file=None, cores=128, mesh=(8, 4), tile_cores=4)
    where = chip_figure.floor(chip, ())
    assert (where.columns, where.rows, where.along, where.down, where.known) == (8, 4, 2, 2, True)
    tile = 2 * where.square + where.gap
    for number in range(128):
        x, y = where.place(number)
        assert (int(x / tile), int(y / tile)) == (number // 4 % 8, number // 4 // 8)
        inside = (x % tile - where.gap / 2) / where.square, (y % tile - where.gap / 2) / where.square
        assert np.allclose(inside, (number % 2, number % 4 // 2))


def test_a_core_is_shared_by_neurons_in_the_colours_of_its_populations() -> None:
    """Catches a core in the colour of one population alone, and a core drawn in the place of another."""
    found = example("0" * 64, 1)
    where = chip_figure.floor(found.chip, found.cores)
    colours = {name: NAMED[variable] for name, variable in of_chip(("d1", "striosome", "dopamine")).items()}
    assert colours == {"d1": D1, "striosome": RUNS[1], "dopamine": DOPAMINE}
    figure = Figure(figsize=(7.4, 3.0))
    chip_figure.chip(figure, where, found.cores, colours)
    drawn = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    inside = [patch for patch in drawn if patch.get_x() < where.size[0] and patch.get_facecolor()[3] > 0]
    assert [to_hex(patch.get_facecolor()) for patch in inside] == [
        colours[name].light for name in ("d1", "striosome", "dopamine", "dopamine")
    ]
    assert inside[1].get_width() / inside[2].get_width() == pytest.approx(20 / 13)
    assert inside[1].get_width() + inside[2].get_width() == pytest.approx(inside[0].get_width())
    inset = 0.08 * where.square
    for patch, number in zip((inside[0], inside[1], inside[3]), (0, 1, 6), strict=True):
        assert (patch.get_x() - inset, patch.get_y() - inset) == pytest.approx(where.place(number))
    names = [text.get_text() for text in figure.axes[0].texts]
    assert names == [
        "d1", "32 neurons, core 0", "striosome", "20 neurons, core 1", "dopamine", "40 neurons, 2 cores from 1",
    ]  # fmt: skip


def test_bars_are_as_long_as_what_is_used() -> None:
    """Catches a bar of another limit, one of an unknown limit, and one that leaves the axes."""

    def limit(used: int, most: int | None, unlimited: bool = False) -> model.Limit:
        return model.Limit(key="core.input_axons", used=used, limit=most, unlimited=unlimited, source="")

    shown = [limit(1, 4), limit(9, 3), limit(5, None), limit(6, None, True), limit(0, 0), limit(2, 0)]
    figure = Figure(figsize=(7.4, 3.0))
    limits_figure.limits(figure, shown)
    bars = [patch for patch in figure.axes[0].patches if to_hex(patch.get_facecolor()) in (INK.light, "#c95000")]
    assert [(round(bar.get_y() + bar.get_height() / 2), bar.get_width()) for bar in bars if bar.get_fill()] == [
        (0, 0.25), (1, 1.0), (4, 0.0), (5, 1.0),
    ]  # fmt: skip
    dashed = [round(bar.get_y() + bar.get_height() / 2) for bar in figure.axes[0].patches if not bar.get_fill()]
    assert dashed == [2], "unknown, not unlimited"
    texts = [text.get_text().replace("\u00a0", " ") for text in figure.axes[0].texts]
    assert texts == ["1 of 4 (25 %)", "9 of 3 (300 %)", "5, limit unknown", "6, unlimited", "0 of 0", "2 of 0"]
    assert limits_figure.words("core.input_axons") == "input axons of a core"
    assert limits_figure.words("core.new_thing") == "core: new thing"


def test_populations_beyond_the_colours_begin_again() -> None:
    given = list(of_chip(["D1", "d2", *"abcdefgh"]).values())
    assert given[:2] == ["d1", "d2"]
    assert len(set(given)) == len(given) - 1
    assert given[-1] == given[2] == "run-1"
    assert set(given) <= set(NAMED) - {"run-0", "ink"}, "an outline is ink"


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.0, 4, "0"),
        (-0.0019836, 4, "−0.001984"),
        (9.99996, 4, "10"),
        (1_234_567.0, 4, "1,234,567"),
        (0.15000083, 6, "0.150001"),
        (1.5e-7, 4, "1.5 × 10⁻⁷"),
        (-2.5e20, 4, "−2.5 × 10²⁰"),
        (math.nan, 4, "–"),
        (None, 4, "–"),
        (100.0, 3, "100"),
    ],
)
def test_numbers_have_their_digits(value: float | None, digits: int, text: str) -> None:
    """Catches zeros cut from the end of a whole number, and a true minus that is none."""
    assert numbers.significant(value, digits) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0 J"), (2.495e-5, "24.95 µJ"), (9.99996e-7, "1 µJ"), (3e-20, "3 × 10⁻⁵ fJ"), (1234.0, "1.234 kJ")],
)
def test_energies_have_the_prefix_that_suits_them(value: float, text: str) -> None:
    """Catches 1000 nJ, which is 1 µJ."""
    assert numbers.prefixed(value, "J").replace("\u00a0", " ") == text
