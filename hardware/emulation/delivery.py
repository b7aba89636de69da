"""Delivery, compiled: who sends, and what arrives where."""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import intrinsic

from spikerl.hardware.emulation.compiling import compiled, inlined

_ROWS = 124
"""So many weights, none beyond -256 to 255, make a sum of 16 bits; a multiple of four."""


@intrinsic
def _lowest(context, word):
    """Give the processor's instruction for the place of the lowest bit that is set, of a word that is not 0."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], context.get_constant(types.boolean, 1))

    return types.uint64(types.uint64), generate


@compiled
def listed(words, fired, begin):
    """List the neurons, from `begin` on, whose bit in `words` is set; returns how many they are."""
    count = 0
    for k in range(words.size):
        word = words[k]
        while word != 0:
            fired[count] = np.int32(begin + 64 * k + np.int64(_lowest(word)))
            word &= word - np.uint64(1)
            count += 1
    return count


@compiled
def gathered(spiked, fired, begin):
    """List the neurons, from `begin` on, that `spiked`, without branches; returns how many they are."""
    count = 0
    for i in range(spiked.size):
        fired[count] = begin + i
        count += spiked[i] != 0
    return count


@inlined
def _row(weight, first, table, i, size):
    """Return a row as an array of its own: an index that might be negative stands in the way of vectors."""
    at = first + table[i]
    return weight[at : at + size]


@compiled
def _add_rows(into, part, weight, table, first, fired, begin, up):
    """Add whole rows of weights, in 16 bits and four at a time, so that the sums are read and written less often."""
    size = into.size
    up = np.int32(up)
    for q0 in range(0, fired.size, _ROWS):
        q, end = q0, min(q0 + _ROWS, fired.size)
        for k in range(size):
            part[k] = np.int16(0)
        while q + 4 <= end:
            a = _row(weight, first, table, fired[q] - begin, size)
            b = _row(weight, first, table, fired[q + 1] - begin, size)
            c = _row(weight, first, table, fired[q + 2] - begin, size)
            d = _row(weight, first, table, fired[q + 3] - begin, size)
            for k in range(size):
                part[k] = np.int16(part[k] + a[k] + b[k] + c[k] + d[k])
            q += 4
        while q < end:
            a = _row(weight, first, table, fired[q] - begin, size)
            for k in range(size):
                part[k] = np.int16(part[k] + a[k])
            q += 1
        for k in range(size):
            into[k] = np.int32(into[k] + np.int32(np.int32(part[k]) << up))


@inlined
def deliver(network, weight, first, exponent, c, fired, messages, begin, arriving, step, sums, part):
    """Add what neurons `fired` of connection `c` send to what arrives in later steps."""
    ring = arriving.shape[0]
    base = network.first_neuron[network.post[c]] - network.first_neuron[network.inputs]
    size = network.first_neuron[network.post[c] + 1] - network.first_neuron[network.post[c]]
    table = network.row[network.first_row[c] :]
    synapses = network.first_synapse[c]
    up, down = max(exponent, 0), max(-exponent, 0)
    full, graded = network.full[c], network.graded[c]
    slots = ring - 1
    if down:
        for d in range(slots):
            for k in range(size):
                sums[d, k] = 0
    ahead = arriving[(step + 1) % ring, base : base + size]
    into = sums[0, :size] if down else ahead
    if full and not graded:
        _add_rows(into, part, weight, table, first, fired, begin, up)
    else:
        for q in range(fired.size):
            i = fired[q] - begin
            message = messages[q] if graded else np.int32(1)
            k0, k1 = table[i], table[i + 1]
            row = weight[first + k0 : first + k1]
            if full:
                for k in range(size):
                    into[k] += np.int32(row[k] * message) << up
            elif down:
                for k in range(k1 - k0):
                    sums[network.delay[synapses + k0 + k], network.target[synapses + k0 + k]] += row[k] * message
            else:
                for k in range(k1 - k0):
                    slot = (step + 1 + network.delay[synapses + k0 + k]) % ring
                    arriving[slot, base + network.target[synapses + k0 + k]] += np.int32(row[k] * message) << up
    if down:
        for d in range(1 if full else slots):
            into = arriving[(step + 1 + d) % ring, base : base + size]
            for k in range(size):
                into[k] += sums[d, k] >> down
