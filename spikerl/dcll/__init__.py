"""Deep continuous local learning: layers of spiking neurons, each of which learns from its own fixed random readout.

Kaiser, Mostafa and Neftci (2020), Synaptic plasticity dynamics for deep continuous local learning. Loaded with torch
and Norse, which are optional: ``pip install 'spikerl[norse]'``.
"""

from spikerl.dcll.layers import Convolution, Dense, Filters, Layer, Readout
from spikerl.dcll.losses import Loss
from spikerl.dcll.network import Description, Network
from spikerl.dcll.training import Evaluation, Trainer, Training

__all__ = [
    "Convolution",
    "Dense",
    "Description",
    "Evaluation",
    "Filters",
    "Layer",
    "Loss",
    "Network",
    "Readout",
    "Trainer",
    "Training",
]
