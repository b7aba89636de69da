"""Deployment: an experiment on the fixed point of a chip, with an account of how it lies there and what it costs."""

from spikerl.deploy.deployed import Deployed as Deployed
from spikerl.deploy.deploying import deploy as deploy

__all__ = ["Deployed", "deploy"]
