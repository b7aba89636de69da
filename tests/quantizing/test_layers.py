"""Layers in a comparison: the cells reach the training, and groups of instances are the whole."""

import pytest

import spikerl as sp
from spikerl.errors import DescriptionError, UnsupportedError
from spikerl.experiment import read
from spikerl.quantizing.cells import cells
from spikerl.quantizing.layers import train
from spikerl.quantizing.parts import joined

pytest.importorskip("torch", reason="torch is not installed: pip install 'spikerl[norse]'")

LAYERS = """
[data]
name = "randman"
classes = 4
channels = 12
train = 48
test = 40
window = "30 ms"

[network]
layers = [{units = 16}]

[training]
epochs = 2
rate = 0.01
batch = 16

[run]
instances = 2
"""
ASKED = (3, ("nearest", "stochastic"), ("after", "during"), ("plain", "hidden"))


def layers(folder, text=LAYERS):
    path = folder / "layers.toml"
    path.write_text(text)
    return path


def test_layers_are_compared_as_circuits_are(tmp_path):
    """Catches a cell that is not trained as it asks, a float that is not `run`, and networks that are not counted."""
    seen = []
    found = sp.quantize(layers(tmp_path), *ASKED, out=tmp_path / "out", progress=seen.append)
    done = sp.run(layers(tmp_path), out=tmp_path / "run")
    last = done.trials["block"] == 2
    right = [done.trials["better"][last & (done.trials["instance"] == k)].mean() for k in range(2)]
    asked = cells(*ASKED)
    assert [row.test for row in found.rows[:2]] == pytest.approx(right, abs=1e-12)
    assert [(row[:4], row.instance) for row in found.rows] == [(cell.key, k) for cell in asked for k in range(2)]
    assert [at.done for at in seen] == list(range(1, 15)) and {(at.total, at.unit) for at in seen} == {(14, "network")}
    hidden = [row for row in found.rows if row.method == "hidden"]
    assert len(hidden) == 4 and all(row.memory_bits == 11 and row.updates > row.stored > 0 for row in hidden)
    assert found.facts.test == 0 and len({bar.projection for bar in found.bars}) == 1


def test_groups_of_networks_are_the_whole(tmp_path):
    """Catches a network that takes its seed from its place in a group."""
    experiment, asked = read(layers(tmp_path)), cells(3, "stochastic", "during", "plain")
    whole = train(experiment, asked, 0, 2, None)
    parts = joined([train(experiment, asked, k, 1, None) for k in range(2)])
    assert str(parts.rows) == str(whole.rows)
    assert [sum(bar.weights for bar in one.bars) for one in (parts, whole)] == [2 * 4 * 12 * 16] * 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rounding": "dither"}, "rounding: got 'dither'; allowed: another one, where layers learn"),
        ({"method": "dither"}, "rounding: got 'dither'"),
        ({"settings": {"quantization.bits": 4}}, "quantization.bits: got 4; allowed: 32 in quantize"),
        ({"backend": "native"}, "native"),
    ],
)
def test_what_layers_cannot_is_refused(tmp_path, given, said):
    """Catches a cell that is trained in another way than it says, and a directory that is left of a mistake."""
    with pytest.raises((DescriptionError, UnsupportedError), match=said):
        sp.quantize(layers(tmp_path), 4, out=tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


def test_curves_are_refused(tmp_path):
    """Catches a correlation that is taken for the share of samples that are right."""
    text = '[data]\nname = "fig4"\n[network]' + LAYERS.partition("[network]")[2]
    path = layers(tmp_path, text.replace("epochs", 'loss = "smooth_l1"\nepochs'))
    with pytest.raises(UnsupportedError, match="classes"):
        sp.quantize(path, 4, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
