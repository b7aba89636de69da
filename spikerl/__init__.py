"""Describe a spiking circuit and its plasticity once; simulate, train and deploy it anywhere.

The names below are the public surface. They are loaded at first use, so that the command line starts at once.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikerl.backends.base import Hardware as Hardware
    from spikerl.connectivity import AllToAll as AllToAll
    from spikerl.connectivity import Blocks as Blocks
    from spikerl.connectivity import Explicit as Explicit
    from spikerl.connectivity import InDegree as InDegree
    from spikerl.connectivity import Normal as Normal
    from spikerl.connectivity import OneToOne as OneToOne
    from spikerl.connectivity import Probability as Probability
    from spikerl.connectivity import Uniform as Uniform
    from spikerl.connectivity import Values as Values
    from spikerl.deploy import deploy as deploy
    from spikerl.fitting.fitting import fit as fit
    from spikerl.hardware.quantize import Levels as Levels
    from spikerl.hardware.quantize import Quantizer as Quantizer
    from spikerl.izhikevich import Izhikevich as Izhikevich
    from spikerl.network import Network as Network
    from spikerl.network import Projection as Projection
    from spikerl.neurons import LIF as LIF
    from spikerl.neurons import AdaptiveLIF as AdaptiveLIF
    from spikerl.neurons import Poisson as Poisson
    from spikerl.neurons import SpikeResponse as SpikeResponse
    from spikerl.neurons import SpikeSource as SpikeSource
    from spikerl.noise import UniformNoise as UniformNoise
    from spikerl.plasticity.algebra import Modulator as Modulator
    from spikerl.plasticity.algebra import Rule as Rule
    from spikerl.plasticity.algebra import eligibility as eligibility
    from spikerl.plasticity.algebra import every_step as every_step
    from spikerl.plasticity.algebra import on_post as on_post
    from spikerl.plasticity.algebra import on_pre as on_pre
    from spikerl.plasticity.algebra import post_trace as post_trace
    from spikerl.plasticity.algebra import pre_trace as pre_trace
    from spikerl.plasticity.algebra import weight as weight
    from spikerl.plasticity.dcll import dcll as dcll
    from spikerl.plasticity.dopamine import dopamine_stdp as dopamine_stdp
    from spikerl.plasticity.outstar import outstar as outstar
    from spikerl.plasticity.stdp import pair_stdp as pair_stdp
    from spikerl.population import Population as Population
    from spikerl.quantization import Device as Device
    from spikerl.quantization import Quantization as Quantization
    from spikerl.quantizing import quantize as quantize
    from spikerl.report.page import report as report
    from spikerl.results import Results as Results
    from spikerl.run import run as run
    from spikerl.session import Observation as Observation
    from spikerl.session import Record as Record
    from spikerl.session import Session as Session
    from spikerl.session import open as open
    from spikerl.sweep import Sweep as Sweep
    from spikerl.sweep import sweep as sweep

__version__ = "0.1.0"

# In a checkout, models/, hardware/ and data/ stand beside this folder; found there, the checkout works by itself,
# also where the working folder hides an installed spikerl.
_CHECKOUT = Path(__file__).resolve().parent.parent
if (_CHECKOUT / "pyproject.toml").is_file() and (_CHECKOUT / "models").is_dir():
    __path__.append(str(_CHECKOUT))

_HOMES = {
    "spikerl.backends.base": "Hardware",
    "spikerl.connectivity": "AllToAll Blocks Explicit InDegree Normal OneToOne Probability Uniform Values",
    "spikerl.deploy": "deploy",
    "spikerl.fitting.fitting": "fit",
    "spikerl.hardware.quantize": "Levels Quantizer",
    "spikerl.izhikevich": "Izhikevich",
    "spikerl.network": "Network Projection",
    "spikerl.neurons": "LIF AdaptiveLIF Poisson SpikeResponse SpikeSource",
    "spikerl.noise": "UniformNoise",
    "spikerl.plasticity.algebra": (
        "Modulator Rule eligibility every_step on_post on_pre post_trace pre_trace weight"
    ),
    "spikerl.plasticity.dcll": "dcll",
    "spikerl.plasticity.dopamine": "dopamine_stdp",
    "spikerl.plasticity.outstar": "outstar",
    "spikerl.plasticity.stdp": "pair_stdp",
    "spikerl.population": "Population",
    "spikerl.quantization": "Device Quantization",
    "spikerl.quantizing": "quantize",
    "spikerl.report.page": "report",
    "spikerl.results": "Results",
    "spikerl.run": "run",
    "spikerl.session": "Observation Record Session open",
    "spikerl.sweep": "Sweep sweep",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME)  # noqa: PLE0605


class _Surface(ModuleType):
    """The package, of which ``run``, ``report``, ``sweep`` stay functions when modules of those names are imported."""

    def __setattr__(self, name: str, value: object) -> None:
        """Leave out a module that would stand where a public name is."""
        if name not in _HOME or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Surface


def __getattr__(name: str) -> Any:
    """Load a public name from its home."""
    if name not in _HOME:
        raise AttributeError(f"module 'spikerl' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
