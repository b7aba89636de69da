"""The back end ``norse``: Norse's cells and surrogate gradients on torch, all instances in one batch, any device."""

from spikerl.backends.norse.engine import Norse

backend = Norse()
