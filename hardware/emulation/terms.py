"""What a learning rule adds to a row of synapses, compiled: terms, each a number times a vector over the row.

What post-synaptic neurons bring to a product, their spikes and traces, does not depend on the row and is made once an
epoch. Where all of them bring the same, the row's own weights or tags stand for the vector as they are.
"""
# mypy: disable-error-code="no-untyped-def, assignment, arg-type"

from __future__ import annotations

import numpy as np

from spikerl.hardware.emulation.arithmetic import X0, Y0, Y1, U, W, clipped
from spikerl.hardware.emulation.compiling import compiled, inlined
from spikerl.hardware.emulation.narrow import BEYOND, LARGEST, reach
from spikerl.hardware.emulation.packing import TRACES
from spikerl.hardware.program import TAG_RANGE, WEIGHT_RANGE

_LARGEST_OWN = max(-TAG_RANGE[0], -WEIGHT_RANGE["mixed"][0])
"""No weight and no tag is larger."""
_MIXTURE = 0
"""The moment of `Room.vectors` that holds what was multiplied out for one row."""


@compiled
def _multiply(vector, values, size, constant, width, sign):
    """Multiply by a factor; a loop of its own, without branches, becomes vector instructions."""
    constant, bound = np.int32(constant), np.int32(np.int32(1) << np.int32(width))
    least, most = np.int32(-bound), np.int32(bound - np.int32(1))
    if sign:
        for k in range(size):
            moved = np.int32(values[k] + constant)
            vector[k] = np.int32(vector[k] * np.int32(np.int32(moved > 0) - np.int32(moved < 0)))
    else:
        for k in range(size):
            moved = np.int32(values[k] + constant)
            vector[k] = np.int32(vector[k] * min(max(moved, least), most))


@compiled
def _extremes(vector, size):
    """Return the least and the greatest number."""
    least = most = vector[0]
    for k in range(size):
        least, most = min(least, vector[k]), max(most, vector[k])
    return least, most


@compiled
def prepare(network, learner, ty, yp, u, room):
    """Fill `room.vectors` with what post-synaptic neurons bring to each product: 0 where it does not count."""
    epoch, size = network.epoch[learner], ty.size
    for p in range(network.products[learner], network.products[learner + 1]):
        when, place = network.when[p], p - network.products[learner]
        for moment in range(1 if when == X0 else epoch, epoch + 1):
            vector = room.vectors[place, moment]
            if when == Y0:
                for j in range(size):
                    vector[j] = np.int32(ty[j] > 0)
            else:
                counts = np.int32(when != U or u)
                for j in range(size):
                    vector[j] = counts
            for f in range(network.factors[p], network.factors[p + 1]):
                if Y1 <= network.variable[f] < W:
                    y = yp[moment, network.variable[f] - Y1]
                    if when == Y0 and epoch > 1:
                        for j in range(size):
                            room.other[j] = yp[ty[j], network.variable[f] - Y1, j]
                        y = room.other
                    _multiply(vector, y, size, network.constant[f], network.width[f], network.sign[f])
            least, most = _extremes(vector, size)
            room.alike[place, moment] = least == most
            room.largest[place, moment] = max(abs(np.int64(least)), abs(np.int64(most)))
            if room.largest[place, moment] <= LARGEST:
                narrow = room.narrow[place, moment]
                for j in range(size):
                    narrow[j] = np.int16(vector[j])


@compiled
def _of_row(network, p, moment, xp, i):
    """Return what pre-synaptic neuron `i` brings to product `p`."""
    factor = np.int32(1)
    for f in range(network.factors[p], network.factors[p + 1]):
        if network.variable[f] < Y1:
            value = xp[moment, network.variable[f], i]
            factor = np.int32(factor * clipped(value, network.constant[f], network.width[f], network.sign[f]))
    return factor


@compiled
def _mix(network, p, vector, late, full, i, xp, ty, target, room, mixture):
    """Multiply `vector` by what each synapse of row `i` brings to product `p`; `late`: x at each spike it heard."""
    size = target.size
    for k in range(size):
        mixture[k] = vector[k if full else target[k]]
    for f in range(network.factors[p], network.factors[p + 1]):
        variable = network.variable[f]
        if variable >= W:
            values = room.before[variable - W]
        elif variable < Y1 and late:
            values = room.other
            for k in range(size):
                values[k] = xp[ty[target[k]], variable, i]
        else:
            continue
        _multiply(mixture, values, size, network.constant[f], network.width[f], network.sign[f])


@compiled
def terms(network, values, g, learner, i, spike, xp, ty, full, target, room):
    """List in `room.term` what changes row `i`, whose neuron spiked at moment `spike`, or 0.

    Returns how many terms change the weight, and how many the tag.
    """
    epoch, first = network.epoch[learner], network.products[learner]
    of_weight = of_tag = 0
    room.reach[0] = room.reach[1] = 0
    for p in range(first, network.products[learner + 1]):
        when, place, own = network.when[p], p - first, network.own[p]
        moment = spike if when == X0 else epoch
        if moment == 0:
            continue
        vector, alike = room.vectors[place, moment], room.alike[place, moment]
        if alike and vector[0] == 0:
            continue
        late = when == Y0 and epoch > 1
        factor = np.int32(1) if late else _of_row(network, p, moment, xp, i)
        if factor == 0:
            continue
        what, largest = place, room.largest[place, moment]
        if alike and own >= W:
            what, largest = W - own - 1, np.int64(_LARGEST_OWN)
            factor = np.int32(factor * vector[0])
        elif own != TRACES or not (full or alike):
            _mix(network, p, vector, late, full, i, xp, ty, target, room, room.vectors[place, _MIXTURE])
            moment, largest = _MIXTURE, BEYOND
        at = network.changes[p]
        term = room.term[at, of_tag if at else of_weight]
        if at:
            of_tag += 1
        else:
            of_weight += 1
        number = values.product[g, p]
        term[0], term[1], term[2] = what, moment, np.int32(factor * np.int32(number[0]))
        term[3], term[4] = number[1], number[2]
        room.reach[at] += reach(largest, term[2], number[1], number[2])
    return of_weight, of_tag


@inlined
def narrow_of(term, room):
    """Return the vector of a term in 16 bits."""
    return room.before_narrow[-term[0] - 1] if term[0] < 0 else room.narrow[term[0], term[1]]


@inlined
def vector_of(term, room):
    """Return the vector of a term."""
    return room.before[-term[0] - 1] if term[0] < 0 else room.vectors[term[0], term[1]]
