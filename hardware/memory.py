"""How many bits the synapses of an axon take in a core's memory: an estimate, in the format that a target describes.

The synapses that one source has on a core lie in lists of at most L, each after a header of h bits, rounded up to a
word of W bits: ``bits(n) = sum over lists of W ceil((m (weight + index + delay + tag) + h) / W)``, m of them in a list.
This is the formula of NengoLoihi 1.1 (block.py, `bits_per_axon`). Where an axon reaches all neurons of a core, the
list is dense and needs no index.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikerl.hardware.program import Connection
from spikerl.hardware.target import Target

TAG_BITS = 9


@dataclass(frozen=True)
class Format:
    """The format of a connection's synapses: `synapse` bits without index, and that of the memory."""

    synapse: int
    indices: tuple[int, ...] | None
    word: int
    longest: int | None
    header: int

    def bits(self, synapses: NDArray[np.int64], neurons: int) -> int:
        """Return the bits of axons with so many `synapses` [axon] on a core piece of so many `neurons`."""
        if not synapses.size:
            return 0
        dense = bool((synapses == neurons).all())
        each = self.synapse + (0 if dense else self._index(neurons))
        longest = self.longest or int(synapses.max())
        full, rest = np.divmod(synapses, longest)
        total = int(full.sum()) * self._words(longest * each)
        return total + int(sum(self._words(int(m) * each) * int(n) for m, n in _counted(rest[rest > 0])))

    def _index(self, neurons: int) -> int:
        needed = (neurons - 1).bit_length()
        choice = [bits for bits in self.indices or (needed,) if bits >= needed]
        return choice[0] if choice else needed

    def _words(self, bits: int) -> int:
        return -(-(bits + self.header) // self.word) * self.word


def synapse_format(connection: Connection, target: Target) -> Format:
    """Return the format of `connection` on `target`; what is unknown takes the bits that are needed, and no more."""
    memory = target.memory
    bits = connection.bits
    longest = int(connection.delay.max(initial=0))
    if longest:
        bits += longest.bit_length() if memory.delay_bits.value is None else memory.delay_bits.value
    if connection.rule is not None and any(product.target == "t" for product in connection.rule.products):
        bits += TAG_BITS if memory.tag_bits.value is None else memory.tag_bits.value
    return Format(
        synapse=bits,
        indices=memory.index_bits.value,
        word=memory.word.value or 1,
        longest=memory.list_synapses.value,
        header=memory.list_header.value or 0,
    )


def _counted(values: NDArray[np.int64]) -> list[tuple[np.int64, np.int64]]:
    return list(zip(*np.unique(values, return_counts=True), strict=True))
