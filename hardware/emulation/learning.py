"""The learning engine, compiled: traces over an epoch, and what its end changes.

Bit for bit Lava's `LearningConnectionModelBitApproximate`, oddities included: an impulse clips a trace to 0..127 even
where the impulse is 0, so that a negative third factor vanishes for a neuron that spiked in the epoch.
"""
# mypy: disable-error-code="no-untyped-def, assignment, arg-type"

from __future__ import annotations

import numpy as np

from spikerl.hardware.emulation.arithmetic import Y0, U, mixed, unit
from spikerl.hardware.emulation.columns import columns
from spikerl.hardware.emulation.compiling import compiled
from spikerl.hardware.emulation.rows import rows
from spikerl.hardware.emulation.terms import prepare
from spikerl.hardware.program import TRACE_RANGE

_GREATEST_TRACE = TRACE_RANGE[1]
_COLUMNS_COST = 8


@compiled
def heard(network, values, g, learner, memory, b, signals, fired, count, first):
    """Set y of a three-factor rule to what it hears in this step; `fired` are its post-synaptic spikes."""
    begin, end = network.first_y[learner], network.first_y[learner + 1]
    for m in range(3):
        kind = network.heard[learner, m, 0]
        y = memory.y[b, m, begin:end]
        if kind == 0:
            fine, parts = memory.fine[b, m, begin:end], values.hearing[g, learner, m, 3]
            keep, impulse = 4096 - values.hearing[g, learner, m, 0], values.hearing[g, learner, m, 1] << parts
            half = (1 << parts) >> 1
            for j in range(end - begin):
                fine[j] = (fine[j] * keep) >> 12
            for q in range(count):
                j = fired[q] - first
                fine[j] = min(fine[j] + impulse, ((_GREATEST_TRACE + 1) << parts) - 1)
            for j in range(end - begin):
                y[j] = min((fine[j] + half) >> parts, _GREATEST_TRACE)
        elif kind == 3:
            first_given = network.heard[learner, m, 1]
            for j in range(end - begin):
                y[j] = memory.given[b, first_given + j]
        else:
            value = signals[network.heard[learner, m, 1]] if kind == 1 else values.hearing[g, learner, m, 2]
            for j in range(end - begin):
                y[j] = value


@compiled
def noted(now, stamps, fired, count, first, impulses, traces, two):
    """Note when neurons spiked; one that has spiked before in the epoch has its traces jump at once."""
    for q in range(count):
        i = fired[q] - first
        if stamps[i] > 0 and two:
            for m in range(traces.shape[0]):
                traces[m, i] = min(max(traces[m, i] + impulses[m], 0), _GREATEST_TRACE)
        stamps[i] = now


@compiled
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
                    left += (unit(mixed(key, (t * 8 + m) * size + i)) if own else shared) < chance
                if stamps[i] == t:
                    left = min(max(left + impulses[m], 0), _GREATEST_TRACE)
                past[t, m, i] = left


@compiled
def learn(network, values, g, learner, memory, b, step, heard_window, within, room):
    """End an epoch: traces, then weights and tags from the old values, then the spikes of the epoch are forgotten."""
    x = memory.x[b, :, network.first_x[learner] : network.first_x[learner + 1]]
    y = memory.y[b, :, network.first_y[learner] : network.first_y[learner + 1]]
    tx = memory.tx[b, network.first_x[learner] : network.first_x[learner + 1]]
    ty = memory.ty[b, network.first_y[learner] : network.first_y[learner + 1]]
    epoch, own, xp, yp = network.epoch[learner], heard_window.own, room.past_x, room.past_y
    random = heard_window.random[learner, :, within]
    key = mixed(mixed(heard_window.keys[b], learner), step)
    kept, share, impulses = values.kept[g, learner], values.share[g, learner], values.trace[g, learner]
    history(x, tx, epoch, kept[:2], share[:2], impulses[:2], random[0], own, mixed(key, 1), xp)
    history(y, ty, epoch, kept[2:], share[2:], impulses[2:], random[1], own, mixed(key, 2), yp)
    number = (step + 1) // epoch
    u = at_post = False
    for p in range(network.products[learner], network.products[learner + 1]):
        u |= network.when[p] == U
        at_post |= network.when[p] == Y0
    u = u and number % (1 << network.decimate[learner]) == 0
    was_low = memory.low[b, learner] == 1
    last = np.int32(np.floor(random[2] * 128.0))
    spiking = 0
    for j in range(ty.size):
        spiking += ty[j] > 0
    # A synapse of a row takes a fraction of the time that one of a column does.
    everywhere = u or was_low or (at_post and _COLUMNS_COST * spiking > ty.size)
    key = mixed(key, 3)
    prepare(network, learner, ty, yp, u, room)
    low = rows(network, values, g, learner, memory, b, xp, everywhere, was_low, last, own, key, room)
    if at_post and not everywhere:
        low |= columns(network, values, g, learner, memory, b, xp, yp, last, own, key)
    memory.low[b, learner] = low
    for i in range(tx.size):
        x[0, i], x[1, i] = xp[epoch, 0, i], xp[epoch, 1, i]
        tx[i] = 0
    for j in range(ty.size):
        if not network.three[learner]:
            for m in range(3):
                y[m, j] = yp[epoch, m, j]
        ty[j] = 0
