"""The loop over instances and steps, compiled: arrival, integration, signals, delivery, learning."""
# mypy: disable-error-code="no-untyped-def, assignment, arg-type"

from __future__ import annotations

import numpy as np
from numba import njit

from spikerl.hardware.emulation.learning import OPTIONS, heard, learn, noted
from spikerl.hardware.emulation.memory import FREE
from spikerl.hardware.program import SIGNAL_RANGE

_WRAP = 1 << 23
_LIMIT = _WRAP - 1
_LEAST_SIGNAL, _MOST_SIGNAL = SIGNAL_RANGE


@njit(inline="always", **OPTIONS)
def _leaked(value, keep):
    """``sgn(x) (|x| keep >> 12)``."""
    size = (abs(np.int64(value)) * keep) >> 12
    return np.int32(size if value >= 0 else -size)


@njit(**OPTIONS)
def _integrate(u, v, wait, arriving, numbers, spikes):
    """One step of a population; returns whether anyone spiked."""
    keep_u, keep_v = 4095 - numbers[0], 4096 - numbers[1]
    threshold, bias, refractory = np.int32(numbers[2]), np.int32(numbers[3]), np.int32(numbers[4])
    anyone = np.uint8(0)
    for i in range(u.size):
        moved = np.int32(_leaked(u[i], keep_u) + np.int32(arriving[i] << 6))
        arriving[i] = 0
        wrapped = np.int32(moved - 2 * _WRAP) if moved > _WRAP else moved
        wrapped = np.int32(moved + 2 * _WRAP) if wrapped <= -_WRAP else wrapped
        u[i] = wrapped
        new = np.int32(np.int32(_leaked(v[i], keep_v) + wrapped) + bias)
        new = np.int32(min(max(new, -_LIMIT), _LIMIT))
        waits = wait[i] > 0
        spike = np.uint8(new > threshold and not waits)
        v[i] = np.int32(0) if spike or waits else new
        wait[i] = refractory if spike else (wait[i] - 1 if waits else 0)
        spikes[i] = spike
        anyone |= spike
    return anyone


@njit(**OPTIONS)
def _add_rows(into, weight, table, first, fired, count, begin, up):
    """Add whole rows of weights, four at a time, so that the sums are read and written less often."""
    size = into.size
    up = np.int32(up)
    q = 0
    while q + 4 <= count:
        a = _row(weight, first, table, fired[q] - begin, size)
        b = _row(weight, first, table, fired[q + 1] - begin, size)
        c = _row(weight, first, table, fired[q + 2] - begin, size)
        d = _row(weight, first, table, fired[q + 3] - begin, size)
        for k in range(size):
            sums = np.int32(np.int32(a[k]) + np.int32(b[k])) + np.int32(np.int32(c[k]) + np.int32(d[k]))
            into[k] += np.int32(np.int32(sums) << up)
        q += 4
    while q < count:
        a = _row(weight, first, table, fired[q] - begin, size)
        for k in range(size):
            into[k] += np.int32(np.int32(a[k]) << up)
        q += 1


@njit(inline="always", **OPTIONS)
def _row(weight, first, table, i, size):
    """Return a row as an array of its own: an index that might be negative stands in the way of vectors."""
    at = first + table[i]
    return weight[at : at + size]


@njit(**OPTIONS)
def _deliver(network, weight, first, exponent, c, fired, messages, count, begin, arriving, step, room):
    """Add the spikes of a step to what arrives in later steps."""
    ring = arriving.shape[0]
    base = network.first_neuron[network.post[c]] - network.first_neuron[network.inputs]
    size = network.first_neuron[network.post[c] + 1] - network.first_neuron[network.post[c]]
    table = network.row[network.first_row[c] :]
    synapses = network.first_synapse[c]
    up, down = max(exponent, 0), max(-exponent, 0)
    graded = network.graded[c]
    sums = room[:, :size]
    slots = ring - 1
    if down:
        sums[:slots] = 0
    if network.full[c] and not graded:
        ahead = room[0, :size] if down else arriving[(step + 1) % ring, base : base + size]
        _add_rows(ahead, weight, table, first, fired, count, begin, up)
        count = 0
    ahead = arriving[(step + 1) % ring, base : base + size]
    for q in range(count):
        i = fired[q] - begin
        message = messages[q] if graded else np.int32(1)
        k0, k1 = table[i], table[i + 1]
        row = weight[first + k0 : first + k1]
        if network.full[c]:
            into = room[0, :size] if down else ahead
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
        for d in range(1 if network.full[c] else slots):
            into = arriving[(step + 1 + d) % ring, base : base + size]
            for k in range(size):
                into[k] += sums[d, k] >> down


@njit(**OPTIONS)
def _gathered(sent, fired, messages, begin):
    """List who sends what, without branches, which nobody can predict here; returns how many do."""
    count = 0
    for i in range(sent.size):
        fired[count] = begin + i
        messages[count] = sent[i]
        count += sent[i] != 0
    return count


@njit(**OPTIONS)
def advance(network, values, which, memory, window, seen, begin, first, last):
    """Run the window, whose first step is `begin`, for the instances from `first` to before `last`."""
    steps = seen.spikes.shape[0]
    offset = network.first_neuron[network.inputs]
    everyone = network.first_neuron[-1]
    populations = network.first_neuron.size - 1
    fired = np.zeros(everyone + 1, np.int32)
    messages = np.ones(everyone + 1, np.int32)
    counts = np.zeros(populations, np.int64)
    signals = np.zeros(network.source.size, np.int64)
    longest = np.int64(1)
    for p in range(populations):
        longest = max(longest, network.first_neuron[p + 1] - network.first_neuron[p])
    epoch = np.int64(1)
    for learner in range(network.learner.size):
        epoch = max(epoch, network.epoch[learner])
    sums = np.zeros((network.ring, longest), np.int32)
    room = np.zeros((4, longest), np.int32)
    spiked = np.zeros(max(everyone - offset, 1), np.uint8)
    past_x = np.zeros((network.learner.size, epoch + 1, 2, longest), np.int32)
    past_y = np.zeros((network.learner.size, epoch + 1, 3, longest), np.int32)
    for b in range(first, last):
        g = which[b]
        lif, exponents, numbers = values.lif[g], values.exponent[g], values.signal[g]
        arriving = memory.arriving[b]
        for within in range(steps):
            step = begin + within
            slot = step % network.ring
            for p in range(populations):
                lo, hi = network.first_neuron[p], network.first_neuron[p + 1]
                count = 0
                if p < network.inputs:
                    count = _gathered(window.messages[within, b, lo:hi], fired[lo:], messages[lo:], lo)
                else:
                    a, z = lo - offset, hi - offset
                    if _integrate(
                        memory.u[b, a:z],
                        memory.v[b, a:z],
                        memory.wait[b, a:z],
                        memory.arriving[b, slot, a:z],
                        lif[p - network.inputs],
                        spiked[a:z],
                    ):
                        count = _gathered(spiked[a:z], fired[lo:], messages[lo:], lo)
                        seen.spikes[within, b, a:z] = spiked[a:z]
                counts[p] = count
            for k in range(window.watched.size):
                seen.u[within, b, k] = memory.u[b, window.watched[k]]
                seen.v[within, b, k] = memory.v[b, window.watched[k]]
            for k in range(signals.size):
                held, number = window.held[within, b, k], numbers[k]
                if held == FREE:
                    value = ((memory.filters[b, k] - number[2]) * number[3]) >> number[4]
                    signals[k] = min(max(value, _LEAST_SIGNAL), _MOST_SIGNAL)
                else:
                    signals[k] = held
                    memory.filters[b, k] = number[2] + ((np.int64(held) << number[4]) // number[3])
                seen.signals[within, b, k] = signals[k]
            for c in range(network.pre.size):
                pre = network.pre[c]
                count = counts[pre]
                if count == 0:
                    continue
                lo = network.first_neuron[pre]
                learner = network.rule[c]
                mine, what, exponent = fired[lo:], messages[lo:], exponents[c]
                if learner < 0:
                    weight, at = values.weight[g], network.first_synapse[c]
                    _deliver(network, weight, at, exponent, c, mine, what, count, lo, arriving, step, sums)
                else:
                    learned, at = memory.weight[b], network.first_learned[learner]
                    _deliver(network, learned, at, exponent, c, mine, what, count, lo, arriving, step, sums)
            for learner in range(network.learner.size):
                c = network.learner[learner]
                pre, post = network.pre[c], network.post[c]
                now = step % network.epoch[learner] + 1
                x0, x1 = network.first_x[learner], network.first_x[learner + 1]
                y0, y1 = network.first_y[learner], network.first_y[learner + 1]
                lo, impulses = network.first_neuron[pre], values.trace[g, learner]
                noted(now, memory.tx[b, x0:x1], fired[lo:], counts[pre], lo, impulses[:2], memory.x[b, :, x0:x1], True)
                lo, two = network.first_neuron[post], network.three[learner] == 0
                noted(now, memory.ty[b, y0:y1], fired[lo:], counts[post], lo, impulses[2:], memory.y[b, :, y0:y1], two)
                if not two:
                    heard(network, values, g, learner, memory, b, signals, fired[lo:], counts[post], lo)
                if now == network.epoch[learner]:
                    learn(
                        network,
                        values,
                        g,
                        learner,
                        memory,
                        b,
                        step,
                        window,
                        within,
                        past_x[learner],
                        past_y[learner],
                        room,
                    )
            for k in range(signals.size):
                source, number = network.source[k], numbers[k]
                heard_now = 0 if source < 0 else counts[source]
                memory.filters[b, k] = ((memory.filters[b, k] * (4096 - number[0])) >> 12) + number[1] * heard_now
