"""Which cells there are, and what their methods say."""

import pytest

from spikerl.errors import DescriptionError
from spikerl.quantization import Quantization
from spikerl.quantizing.cells import FLOATING, cells


def test_floating_point_is_there_once_whatever_is_asked():
    """Catches a float cell for each rounding, and one that is missing where 32 is not among the bits."""
    for bits in ((4, 32), (4,), 4):
        found = cells(bits, ("nearest", "stochastic"), ("after", "during"), "plain")
        assert found[0] == FLOATING and len(found) == 5
        assert [cell.bits for cell in found[1:]] == [4] * 4


def test_what_is_rounded_after_learning_has_no_method():
    """Catches hidden bits of weights that no longer learn, and a random method that comes once for each rounding."""
    found = cells((2, 4), ("nearest", "stochastic"), ("after", "during"), ("plain", "hidden", "metaplastic", "dither"))
    assert {cell.method for cell in found if cell.when == "after"} == {"plain"}
    assert len(set(found)) == len(found)
    assert {cell.rounding for cell in found if cell.method == "metaplastic"} == {"stochastic"}
    assert {cell.rounding for cell in found if cell.method == "dither"} == {"dither"}
    assert len([cell for cell in found if cell.method == "metaplastic"]) == 2


@pytest.mark.parametrize(
    ("method", "bits", "hidden", "stickiness", "rate"),
    [
        ("plain", 4, 0, 1.0, 1.0),
        ("hidden", 4, 8, 1.0, 1.0),
        ("metaplastic", 2, 4, 0.8, 1.0),
        ("scaled", 4, 0, 1.0, 17.0),  # 255 / 15
        ("scaled", 8, 0, 1.0, 1.0),
        ("scaled", 12, 0, 1.0, 1.0),  # a finer step slows nothing down
        ("hidden+scaled", 2, 8, 1.0, 1.0),
        ("scaled+metaplastic", 1, 4, 0.8, 255 / 31),
    ],
)
def test_methods_say_what_they_are_documented_to(method, bits, hidden, stickiness, rate):
    """Catches a rate by the step that is seen, not the one that is stored, and hidden bits that memory forgets."""
    (_, cell) = cells(bits, "stochastic", "during", method)
    assert (cell.hidden_bits, cell.stickiness, cell.rate) == (hidden, stickiness, rate)
    assert cell.memory_bits == bits + hidden
    asked = cell.asked(Quantization(rate=2.0, headroom=3.0))
    assert (asked.bits, asked.memory, asked.rate, asked.headroom) == (bits, bits + hidden, 2 * rate, 3.0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"bits": (0,)}, "bits: got 0; allowed: whole numbers from 1 to 16, or 32"),
        ({"bits": (17,)}, "bits: got 17"),
        ({"bits": (True,)}, "bits: got True"),
        ({"bits": ("4",)}, "bits: got '4'"),
        ({"bits": ()}, "bits: got \\(\\); allowed: one or more"),
        ({"bits": (4, 4)}, "each one once"),
        ({"bits": (32,)}, "one width from 1 to 16"),
        ({"rounding": "neerest"}, "did you mean 'nearest'"),
        ({"when": "later"}, "allowed: after or during"),
        ({"method": "hiden"}, "did you mean 'hidden'"),
        ({"method": "hidden+hidden"}, "each name once"),
        ({"method": "plain+hidden"}, "plain alone"),
        ({"method": "hidden+metaplastic"}, "one of hidden and metaplastic"),
        ({"method": ("hidden+scaled", "scaled+hidden")}, "each one once"),
        ({"method": "hidden", "when": "after"}, "add during"),
    ],
)
def test_what_is_no_cell_is_refused(given, said):
    """Catches a typing mistake that is found out after hours, or never."""
    with pytest.raises(DescriptionError, match=said):
        cells(**({"bits": (4,), "rounding": "nearest", "when": "during", "method": "plain"} | given))
