"""Learning by rows, compiled: all synapses of a pre-synaptic neuron at once.

Loops without branches, whose numbers all have 32 bits, or 16 where these will do (`narrow`), become vector
instructions.
"""
# mypy: disable-error-code="no-untyped-def, assignment, arg-type"

from __future__ import annotations

import numpy as np

from spikerl.hardware.emulation import narrow
from spikerl.hardware.emulation.arithmetic import LEAST, LEAST_TAG, MOST, MOST_TAG, mixed, rounded, scaled
from spikerl.hardware.emulation.compiling import compiled, inlined
from spikerl.hardware.emulation.terms import narrow_of, terms, vector_of


@compiled
def _copy(before, before_narrow, variable):
    """Keep a row of weights or tags as it was."""
    for k in range(variable.size):
        before[k] = np.int32(variable[k])
        before_narrow[k] = variable[k]


@inlined
def _opened(value):
    """Return the accumulator of a weight or a tag."""
    return max(np.int32(np.int32(value) << np.int32(7)), LEAST)


@compiled
def _begin(sums, variable, vector, mantissa, right, left):
    """Begin the accumulators with the first term."""
    for k in range(variable.size):
        added = np.int32(_opened(variable[k]) + scaled(vector[k], mantissa, right, left))
        sums[k] = min(max(added, LEAST), MOST)


@compiled
def _add(sums, size, vector, mantissa, right, left):
    """Add a term to the accumulators."""
    for k in range(size):
        sums[k] = min(max(np.int32(sums[k] + scaled(vector[k], mantissa, right, left)), LEAST), MOST)


@compiled
def _end(variable, sums, vector, mantissa, right, left, lowest, highest, bits):
    """Add the last term, round by `bits`, the same for all, and clip."""
    for k in range(variable.size):
        added = np.int32(sums[k] + scaled(vector[k], mantissa, right, left))
        variable[k] = np.int16(min(max(rounded(added, bits), lowest), highest))


@compiled
def _change(variable, vector, mantissa, right, left, lowest, highest, bits):
    """Begin and end with one term."""
    for k in range(variable.size):
        added = np.int32(_opened(variable[k]) + scaled(vector[k], mantissa, right, left))
        variable[k] = np.int16(min(max(rounded(added, bits), lowest), highest))


@compiled
def _end_own(variable, sums, least, most, lowest, highest, key, number):
    """Clip to the side that is allowed, round each synapse by a random number of its own, and clip."""
    for k in range(variable.size):
        bits = np.int32(mixed(key, number + 2 * k) >> np.uint64(57))
        variable[k] = np.int16(min(max(rounded(min(max(sums[k], least), most), bits), lowest), highest))


@compiled
def _is_low(tag):
    """Return whether a tag lies below the accumulator's range."""
    least = np.int16(0)
    for k in range(tag.size):
        least = min(least, tag[k])
    return least == LEAST_TAG


@compiled
def _settle_narrow(variable, count, room, at, lowest, highest, random):
    """Add the terms to a row of weights or tags (`at` 0 or 1), round and clip, all in 16 bits."""
    sums, less, seven = room.accumulators_narrow, np.int16(127 - random), np.int16(7)
    lowest, highest = np.int16(lowest), np.int16(highest)
    for q in range(count):
        term = room.term[at, q]
        vector, mantissa = narrow_of(term, room), np.int16(term[2])
        right, left = np.int16(min(term[3], 15)), np.int16(term[4])
        if count == 1:
            narrow.change(variable, vector, mantissa, right, left, lowest, highest, less, seven)
        elif q == 0:
            narrow.begin(sums, variable, vector, mantissa, right, left)
        elif q < count - 1:
            narrow.add(sums, variable.size, vector, mantissa, right, left)
        else:
            narrow.end(variable, sums, vector, mantissa, right, left, lowest, highest, less, seven)


@compiled
def _settle(variable, count, room, at, limits, random):
    """Do as `_settle_narrow` does, in 32 bits.

    Rounding keeps the order, so that the clip before it, to the side that is allowed, is one with the clip after it, to
    what its bounds become.
    """
    least, most, lowest, highest = limits
    sums = room.accumulators
    low, high = max(rounded(least, random), lowest), min(rounded(most, random), highest)
    for q in range(count):
        term = room.term[at, q]
        vector, mantissa, right, left = vector_of(term, room), term[2], term[3], term[4]
        if count == 1:
            _change(variable, vector, mantissa, right, left, low, high, random)
        elif q == 0:
            _begin(sums, variable, vector, mantissa, right, left)
        elif q < count - 1:
            _add(sums, variable.size, vector, mantissa, right, left)
        else:
            _end(variable, sums, vector, mantissa, right, left, low, high, random)


@compiled
def _settle_own(variable, count, room, at, limits, key, number):
    """Do as `_settle` does, each synapse rounded by a random number of its own."""
    least, most, lowest, highest = limits
    sums = room.accumulators
    for q in range(count):
        term = room.term[at, q]
        vector, mantissa, right, left = vector_of(term, room), term[2], term[3], term[4]
        if q == 0:
            _begin(sums, variable, vector, mantissa, right, left)
        else:
            _add(sums, variable.size, vector, mantissa, right, left)
    _end_own(variable, sums, least, most, lowest, highest, key, number)


@inlined
def _change_row(variable, count, room, at, limits, own, random, key, number):
    """Add the terms to a row of weights or tags (`at` 0 or 1), by the quickest way that loses nothing."""
    if own:
        _settle_own(variable, count, room, at, limits, key, number)
    elif narrow.fits(narrow.least_of(variable), room.reach[at]):
        _settle_narrow(variable, count, room, at, limits[2], limits[3], random)
    else:
        _settle(variable, count, room, at, limits, random)


@compiled
def rows(network, values, g, learner, memory, b, xp, all_of_them, was_low, random, own, key, room):
    """Change the synapses of pre-synaptic neurons that spiked in the epoch, or of `all_of_them`.

    A weight or a tag to which nothing is added stays as it is, unless it lies below its range (`was_low`).
    """
    c, begin = network.learner[learner], network.first_learned[learner]
    first, full = network.first_synapse[c], network.full[c] == 1
    table = network.row[network.first_row[c] :]
    tx = memory.tx[b, network.first_x[learner] : network.first_x[learner + 1]]
    ty = memory.ty[b, network.first_y[learner] : network.first_y[learner + 1]]
    lowest, highest = np.int32(values.limits[g, learner, 0]), np.int32(values.limits[g, learner, 1])
    of_weight = (LEAST if lowest < 0 else np.int32(0)), (MOST if highest > 0 else np.int32(0)), lowest, highest
    of_tag = LEAST, MOST, LEAST_TAG, MOST_TAG
    low = False
    for i in range(tx.size):
        if not all_of_them and tx[i] == 0:
            continue
        k0, k1 = table[i], table[i + 1]
        weight, tag = memory.weight[b, begin + k0 : begin + k1], memory.tag[b, begin + k0 : begin + k1]
        target = network.target[first + k0 : first + k1]
        if network.reads[learner, 0]:
            _copy(room.before[0], room.before_narrow[0], weight)
        if network.reads[learner, 1]:
            _copy(room.before[1], room.before_narrow[1], tag)
        weights, tags = terms(network, values, g, learner, i, tx[i], xp, ty, full, target, room)
        if weights:
            _change_row(weight, weights, room, 0, of_weight, own, random, key, 2 * k0)
        if tags == 0 and was_low:
            term, tags = room.term[1, 0], 1
            term[0], term[1], term[2] = 0, 0, 0
        if tags:
            _change_row(tag, tags, room, 1, of_tag, own, random, key, 2 * k0 + 1)
            if own or random == 127:
                low |= _is_low(tag)
    return low
