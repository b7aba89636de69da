"""Learning by columns, compiled: the synapses of a post-synaptic neuron, one after another, where few neurons spike."""
# mypy: disable-error-code="no-untyped-def, assignment, arg-type"

from __future__ import annotations

import numpy as np

from spikerl.hardware.emulation.arithmetic import (
    LEAST,
    LEAST_TAG,
    MOST,
    MOST_TAG,
    Y0,
    Y1,
    W,
    clipped,
    mixed,
    rounded,
    scaled,
)
from spikerl.hardware.emulation.compiling import compiled


@compiled
def columns(network, values, g, learner, memory, b, xp, yp, random, own, key):
    """Change the synapses of post-synaptic neurons that spiked, but those that `rows` has changed."""
    c = network.learner[learner]
    begin = network.first_learned[learner]
    first = network.first_synapse[c]
    table = network.column[network.first_column[c] :]
    tx = memory.tx[b, network.first_x[learner] : network.first_x[learner + 1]]
    ty = memory.ty[b, network.first_y[learner] : network.first_y[learner + 1]]
    lowest, highest = values.limits[g, learner, 0], values.limits[g, learner, 1]
    products = network.products
    changed_w = changed_t = False
    for p in range(products[learner], products[learner + 1]):
        if network.changes[p]:
            changed_t = True
        else:
            changed_w = True
    low = False
    for j in range(ty.size):
        if ty[j] == 0:
            continue
        for s in range(first + table[j], first + table[j + 1]):
            i = network.origin[s]
            if tx[i] > 0:
                continue
            k = network.synapse[s]
            w, t = np.int32(memory.weight[b, begin + k]), np.int32(memory.tag[b, begin + k])
            sum_w = np.int32(w << 7)
            sum_t = np.int32(t << 7)
            for p in range(products[learner], products[learner + 1]):
                if network.when[p] != Y0:
                    continue
                current = np.int32(1)
                for f in range(network.factors[p], network.factors[p + 1]):
                    variable = network.variable[f]
                    if variable < Y1:
                        value = xp[ty[j], variable, i]
                    elif variable < W:
                        value = yp[ty[j], variable - Y1, j]
                    else:
                        value = w if variable == W else t
                    current = np.int32(current * clipped(value, network.constant[f], network.width[f], network.sign[f]))
                number = values.product[g, p]
                change = scaled(current, np.int32(number[0]), np.int32(number[1]), np.int32(number[2]))
                if network.changes[p]:
                    sum_t = min(max(sum_t + change, LEAST), MOST)
                else:
                    sum_w = min(max(sum_w + change, LEAST), MOST)
            if changed_w:
                sum_w = max(sum_w, 0) if lowest == 0 else (min(sum_w, 0) if highest == 0 else sum_w)
                r = np.int32(mixed(key, 2 * k) >> np.uint64(57)) if own else random
                memory.weight[b, begin + k] = min(max(rounded(sum_w, r), lowest), highest)
            if changed_t:
                r = np.int32(mixed(key, 2 * k + 1) >> np.uint64(57)) if own else random
                new = min(max(rounded(sum_t, r), LEAST_TAG), MOST_TAG)
                memory.tag[b, begin + k] = new
                low |= new == LEAST_TAG
    return low
