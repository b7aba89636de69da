"""Two small training experiments: classes that lie in spike times, and curves to follow."""

from pathlib import Path

CLASSES = """
[data]
name = "randman"
classes = 3
channels = 12
train = 60
test = 30
window = "40 ms"

[network]
layers = [{units = 16}, {units = 12}]
tau_mem = "10 ms"
tau_syn = "4 ms"
readout = 4.0
gain = 10.0

[training]
epochs = 5
batch = 16
rate = 5e-3
every = 2
keep = 0.9
dropout = 0.1

[run]
instances = 2
seed = 3
checkpoint_every = 2

[record]
spikes = ["input", "layer_2"]
samples = 4
"""
CURVES = """
[data]
name = "fig4"
inputs = 20
window = "100 ms"

[network]
layers = [{units = 16}, {units = 12}]
readout = 1.0
gain = 5.0

[training]
epochs = 4
test_every = 2
burn_in = "5 ms"
loss = "smooth_l1"

[run]
instances = 2
"""


def written(folder: Path, text: str = CLASSES) -> Path:
    """Write an experiment to `folder`."""
    path = folder / "small.toml"
    path.write_text(text)
    return path
