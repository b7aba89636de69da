"""Deep continuous local learning: layers of spiking neurons, each of which learns from its own fixed random readout.

Kaiser, Mostafa and Neftci (2020), Synaptic plasticity dynamics for deep continuous local learning. What runs needs
torch and Norse, which are optional (``pip install 'spikerl[norse]'``); what describes does not, so that the names below
are loaded at first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikerl.dcll.actor_critic import ActorCritic as ActorCritic
    from spikerl.dcll.cartpole import CartPole as CartPole
    from spikerl.dcll.cartpole import CartPoleSettings as CartPoleSettings
    from spikerl.dcll.cues import CueBandit as CueBandit
    from spikerl.dcll.cues import CueSettings as CueSettings
    from spikerl.dcll.layers import Convolution as Convolution
    from spikerl.dcll.layers import Dense as Dense
    from spikerl.dcll.layers import Description as Description
    from spikerl.dcll.layers import Filters as Filters
    from spikerl.dcll.layers import Layer as Layer
    from spikerl.dcll.layers import Readout as Readout
    from spikerl.dcll.network import Network as Network
    from spikerl.dcll.population_code import PopulationCode as PopulationCode
    from spikerl.dcll.rewarded import Learning as Learning
    from spikerl.dcll.settings import Loss as Loss
    from spikerl.dcll.settings import Training as Training
    from spikerl.dcll.training import Evaluation as Evaluation
    from spikerl.dcll.training import Trainer as Trainer

_HOMES = {
    "spikerl.dcll.actor_critic": "ActorCritic",
    "spikerl.dcll.cartpole": "CartPole CartPoleSettings",
    "spikerl.dcll.cues": "CueBandit CueSettings",
    "spikerl.dcll.layers": "Convolution Dense Description Filters Layer Readout",
    "spikerl.dcll.network": "Network",
    "spikerl.dcll.population_code": "PopulationCode",
    "spikerl.dcll.rewarded": "Learning",
    "spikerl.dcll.settings": "Loss Training",
    "spikerl.dcll.training": "Evaluation Trainer",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    """Load a public name from its home."""
    if name not in _HOME:
        raise AttributeError(f"module 'spikerl.dcll' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
