"""What few bits cost: one experiment at many bit widths, roundings and methods, after learning and during it."""

from spikerl.quantizing.quantizing import Progress, quantize

__all__ = ["Progress", "quantize"]
