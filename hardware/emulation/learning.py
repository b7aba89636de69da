"""The learning engine, compiled: traces over an epoch, sums of products, rounding.

Bit for bit Lava's `LearningConnectionModelBitApproximate`, oddities included: an impulse clips a trace to 0..127 even
where the impulse is 0, so that a negative third factor vanishes for a neuron that spiked in the epoch; the
accumulator's least value is one lower than 16 bits have; products wrap at 32 bits.
"""
# mypy: disable-error-code="no-untyped-def, assignment, arg-type"

from __future__ import annotations

import numpy as np
from numba import njit

from spikerl.hardware.program import TAG_RANGE, TRACE_RANGE

OPTIONS = {"cache": True, "nogil": True, "error_model": "numpy"}
_X0, _Y0, _U = 0, 1, 2
_Y1, _W = 2, 5
_LEAST, _MOST = np.int32(-(2**15) - 1), np.int32(2**15 - 1)
_GREATEST_TRACE = TRACE_RANGE[1]
_LEAST_TAG, _MOST_TAG = np.int32(TAG_RANGE[0]), np.int32(TAG_RANGE[1])
_MIXING = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_COLUMNS_COST = 8
_STRIDE = np.uint64(0x9E3779B97F4A7C15)


@njit(inline="always", **OPTIONS)
def mixed(key, number):
    """Return 64 random bits: SplitMix64 (Steele et al. 2014) at place `number` of the stream `key`."""
    z = key + np.uint64(number) * _STRIDE
    z = (z ^ (z >> np.uint64(30))) * _MIXING[0]
    z = (z ^ (z >> np.uint64(27))) * _MIXING[1]
    return z ^ (z >> np.uint64(31))


@njit(inline="always", **OPTIONS)
def _unit(bits):
    return np.float64(bits >> np.uint64(11)) * 1.1102230246251565e-16


@njit(**OPTIONS)
def heard(network, values, g, learner, memory, b, signals, fired, count, first):
    """Set y of a three-factor rule to what it hears in this step; `fired` are its post-synaptic spikes."""
    begin, end = network.first_y[learner], network.first_y[learner + 1]
    for m in range(3):
        kind = network.heard[learner, m, 0]
        y = memory.y[b, m, begin:end]
        if kind == 0:
            keep, impulse = 4096 - values.hearing[g, learner, m, 0], values.hearing[g, learner, m, 1]
            for j in range(end - begin):
                y[j] = (y[j] * keep) >> 12
            for q in range(count):
                j = fired[q] - first
                y[j] = min(y[j] + impulse, _GREATEST_TRACE)
        else:
            value = signals[network.heard[learner, m, 1]] if kind == 1 else values.hearing[g, learner, m, 2]
            for j in range(end - begin):
                y[j] = value


@njit(**OPTIONS)
def noted(now, stamps, fired, count, first, impulses, traces, two):
    """Note when neurons spiked; one that has spiked before in the epoch has its traces jump at once."""
    for q in range(count):
        i = fired[q] - first
        if stamps[i] > 0 and two:
            for m in range(traces.shape[0]):
                traces[m, i] = min(max(traces[m, i] + impulses[m], 0), _GREATEST_TRACE)
        stamps[i] = now


@njit(**OPTIONS)
def history(traces, stamps, epoch, kept, share, impulses, shared, own, key, past):
    """Fill `past` [epoch + 1, trace, neuron] with the traces of an epoch; `shared` rounds them, or the `own` key."""
    count, size = traces.shape
    for m in range(count):
        for i in range(size):
            past[0, m, i] = traces[m, i]
        for t in range(1, epoch + 1):
            for i in range(size):
                value = past[t - 1, m, i]
                left = kept[m, value + 128]
                chance = share[m, value + 128]
                if chance > 0.0:
                    left += (_unit(mixed(key, (t * 8 + m) * size + i)) if own else shared) < chance
                if stamps[i] == t:
                    left = min(max(left + impulses[m], 0), _GREATEST_TRACE)
                past[t, m, i] = left


@njit(inline="always", **OPTIONS)
def _clipped(value, constant, width, sign):
    """Return the factor in 32 bits: wider integers would halve what one vector instruction does."""
    moved = np.int32(value + np.int32(constant))
    if sign:
        return np.int32(moved > 0) - np.int32(moved < 0)
    bound = np.int32(np.int32(1) << np.int32(width))
    return min(max(moved, np.int32(-bound)), np.int32(bound - np.int32(1)))


@njit(inline="always", **OPTIONS)
def _scaled(product, number):
    """Mantissa, right shift, left shift, each in 32 bits; then the accumulator's range."""
    value = np.int32(np.int32(product * np.int32(number[0])) >> np.int32(number[1]))
    value = np.int32(value << np.int32(number[2]))
    return min(max(value, _LEAST), _MOST)


@njit(inline="always", **OPTIONS)
def _rounded(accumulated, random):
    """``floor(a / 128)`` plus one where the remainder exceeds `random`, a number from 0 to 127."""
    part = np.int32(accumulated & np.int32(127))
    return np.int32(np.int32(accumulated >> np.int32(7)) + np.int32(part > np.int32(random)))


@njit(**OPTIONS)
def _multiply(current, wanted, size, constant, width, sign):
    """Multiply by a factor; a loop of its own, without branches, becomes vector instructions."""
    constant, bound = np.int32(constant), np.int32(np.int32(1) << np.int32(width))
    least, most = np.int32(-bound), np.int32(bound - np.int32(1))
    if sign:
        for k in range(size):
            moved = np.int32(wanted[k] + constant)
            current[k] = np.int32(current[k] * np.int32(np.int32(moved > 0) - np.int32(moved < 0)))
    else:
        for k in range(size):
            moved = np.int32(wanted[k] + constant)
            current[k] = np.int32(current[k] * min(max(moved, least), most))


@njit(**OPTIONS)
def _accumulate(sums, current, size, scalar, number):
    """Add scaled products to the accumulators."""
    mantissa, right, left = np.int32(number[0] * scalar), np.int32(number[1]), np.int32(number[2])
    for k in range(size):
        value = np.int32(np.int32(current[k] * mantissa) >> right)
        change = min(max(np.int32(value << left), _LEAST), _MOST)
        sums[k] = min(max(np.int32(sums[k] + change), _LEAST), _MOST)


@njit(**OPTIONS)
def _settle(variable, sums, size, least, most, lowest, highest, random, own, key, number):
    """Clip accumulators to the side that is allowed, round them, and clip what they become to its range."""
    if own:
        for k in range(size):
            bits = np.int32(mixed(key, number + 2 * k) >> np.uint64(57))
            variable[k] = min(max(_rounded(min(max(sums[k], least), most), bits), lowest), highest)
    else:
        bits = np.int32(random)
        for k in range(size):
            variable[k] = min(max(_rounded(min(max(sums[k], least), most), bits), lowest), highest)


@njit(**OPTIONS)
def rows(network, values, g, learner, memory, b, xp, yp, all_of_them, u, random, own, key, room):
    """Change the synapses of pre-synaptic neurons that spiked in the epoch, or of `all_of_them`."""
    c = network.learner[learner]
    begin = network.first_learned[learner]
    first = network.first_synapse[c]
    table = network.row[network.first_row[c] :]
    tx = memory.tx[b, network.first_x[learner] : network.first_x[learner + 1]]
    ty = memory.ty[b, network.first_y[learner] : network.first_y[learner + 1]]
    lowest, highest = values.limits[g, learner, 0], values.limits[g, learner, 1]
    full, epoch = network.full[c], network.epoch[learner]
    products = network.products
    anyone = False
    for j in range(ty.size):
        anyone |= ty[j] > 0
    changed = np.zeros(2, np.uint8)
    for p in range(products[learner], products[learner + 1]):
        changed[network.changes[p]] = 1
    wanted, current, sums = room[0], room[1], room[2:4]
    zero = np.int32(0)
    least, most = (_LEAST if lowest < 0 else zero), (_MOST if highest > 0 else zero)
    low = False
    for i in range(tx.size):
        if not all_of_them and tx[i] == 0:
            continue
        k0, k1 = table[i], table[i + 1]
        size = k1 - k0
        weight = memory.weight[b, begin + k0 : begin + k1]
        tag = memory.tag[b, begin + k0 : begin + k1]
        target = network.target[first + k0 : first + k1]
        sums_w, sums_t = sums[0], sums[1]
        for k in range(size):
            sums_w[k] = np.int32(weight[k] << np.int32(7))
        for k in range(size):
            sums_t[k] = max(np.int32(tag[k] << np.int32(7)), _LEAST)
        for p in range(products[learner], products[learner + 1]):
            when = network.when[p]
            if (when == _X0 and tx[i] == 0) or (when == _Y0 and not anyone) or (when == _U and not u):
                continue
            scalar = 1
            if when == _Y0 and full:
                for k in range(size):
                    current[k] = np.int32(ty[k] > 0)
            elif when == _Y0:
                for k in range(size):
                    current[k] = np.int32(ty[target[k]] > 0)
            else:
                current[:size] = np.int32(1)
            for f in range(network.factors[p], network.factors[p + 1]):
                variable, constant = network.variable[f], network.constant[f]
                width, sign = network.width[f], network.sign[f]
                if variable < _Y1:
                    if when == _Y0 and epoch > 1:
                        for k in range(size):
                            wanted[k] = xp[ty[k if full else target[k]], variable, i]
                    else:
                        moment = tx[i] if when == _X0 else epoch
                        scalar = np.int32(scalar * _clipped(xp[moment, variable, i], constant, width, sign))
                        continue
                elif variable < _W:
                    m = variable - _Y1
                    if when == _Y0:
                        for k in range(size):
                            j = k if full else target[k]
                            wanted[k] = yp[ty[j], m, j]
                    else:
                        y = yp[tx[i] if when == _X0 else epoch, m]
                        if full:
                            _multiply(current, y, size, constant, width, sign)
                            continue
                        for k in range(size):
                            wanted[k] = y[target[k]]
                else:
                    _multiply(current, weight if variable == _W else tag, size, constant, width, sign)
                    continue
                _multiply(current, wanted, size, constant, width, sign)
            if scalar == 0:
                continue
            _accumulate(sums[network.changes[p]], current, size, scalar, values.product[g, p])
        if changed[0]:
            _settle(weight, sums[0], size, least, most, np.int32(lowest), np.int32(highest), random, own, key, 2 * k0)
        if changed[1]:
            _settle(tag, sums[1], size, _LEAST, _MOST, _LEAST_TAG, _MOST_TAG, random, own, key, 2 * k0 + 1)
            for k in range(size):
                low |= tag[k] == _LEAST_TAG
    memory.low[b, learner] |= low


@njit(**OPTIONS)
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
            w, t = memory.weight[b, begin + k], memory.tag[b, begin + k]
            sum_w = np.int32(w << 7)
            sum_t = np.int32(t << 7)
            for p in range(products[learner], products[learner + 1]):
                if network.when[p] != _Y0:
                    continue
                current = np.int32(1)
                for f in range(network.factors[p], network.factors[p + 1]):
                    variable = network.variable[f]
                    if variable < _Y1:
                        value = xp[ty[j], variable, i]
                    elif variable < _W:
                        value = yp[ty[j], variable - _Y1, j]
                    else:
                        value = w if variable == _W else t
                    current = np.int32(
                        current * _clipped(value, network.constant[f], network.width[f], network.sign[f])
                    )
                change = _scaled(current, values.product[g, p])
                if network.changes[p]:
                    sum_t = min(max(sum_t + change, _LEAST), _MOST)
                else:
                    sum_w = min(max(sum_w + change, _LEAST), _MOST)
            if changed_w:
                sum_w = max(sum_w, 0) if lowest == 0 else (min(sum_w, 0) if highest == 0 else sum_w)
                r = np.int32(mixed(key, 2 * k) >> np.uint64(57)) if own else random
                memory.weight[b, begin + k] = min(max(_rounded(sum_w, r), lowest), highest)
            if changed_t:
                r = np.int32(mixed(key, 2 * k + 1) >> np.uint64(57)) if own else random
                new = min(max(_rounded(sum_t, r), _LEAST_TAG), _MOST_TAG)
                memory.tag[b, begin + k] = new
                low |= new == _LEAST_TAG
    memory.low[b, learner] |= low


@njit(**OPTIONS)
def learn(network, values, g, learner, memory, b, step, heard_window, within, xp, yp, room):
    """End an epoch: traces, then weights and tags from the old values, then the spikes of the epoch are forgotten."""
    x = memory.x[b, :, network.first_x[learner] : network.first_x[learner + 1]]
    y = memory.y[b, :, network.first_y[learner] : network.first_y[learner + 1]]
    tx = memory.tx[b, network.first_x[learner] : network.first_x[learner + 1]]
    ty = memory.ty[b, network.first_y[learner] : network.first_y[learner + 1]]
    epoch, own = network.epoch[learner], heard_window.own
    random = heard_window.random[learner, :, within]
    key = mixed(mixed(heard_window.keys[b], learner), step)
    kept, share, impulses = values.kept[g, learner], values.share[g, learner], values.trace[g, learner]
    history(x, tx, epoch, kept[:2], share[:2], impulses[:2], random[0], own, mixed(key, 1), xp)
    history(y, ty, epoch, kept[2:], share[2:], impulses[2:], random[1], own, mixed(key, 2), yp)
    number = (step + 1) // epoch
    u = at_post = False
    for p in range(network.products[learner], network.products[learner + 1]):
        u |= network.when[p] == _U
        at_post |= network.when[p] == _Y0
    u = u and number % (1 << network.decimate[learner]) == 0
    low = memory.low[b, learner] == 1
    memory.low[b, learner] = 0
    last = np.int32(np.floor(random[2] * 128.0))
    spiking = 0
    for j in range(ty.size):
        spiking += ty[j] > 0
    # A synapse of a row takes a fraction of the time that one of a column does.
    everywhere = u or low or (at_post and _COLUMNS_COST * spiking > ty.size)
    rows(network, values, g, learner, memory, b, xp, yp, everywhere, u, last, own, mixed(key, 3), room)
    if at_post and not everywhere:
        columns(network, values, g, learner, memory, b, xp, yp, last, own, mixed(key, 3))
    for i in range(tx.size):
        x[0, i], x[1, i] = xp[epoch, 0, i], xp[epoch, 1, i]
        tx[i] = 0
    for j in range(ty.size):
        if not network.three[learner]:
            for m in range(3):
                y[m, j] = yp[epoch, m, j]
        ty[j] = 0
