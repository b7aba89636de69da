"""The loop over instances and steps, compiled: arrival, integration, signals, delivery, learning."""
# mypy: disable-error-code="no-untyped-def, assignment, arg-type"

from __future__ import annotations

import numpy as np

from spikerl.hardware.emulation.compiling import compiled, inlined
from spikerl.hardware.emulation.delivery import deliver, gathered, listed
from spikerl.hardware.emulation.learning import heard, learn, noted
from spikerl.hardware.emulation.memory import FREE
from spikerl.hardware.program import SIGNAL_RANGE

_WRAP, _AROUND, _LIMIT = np.int32(1 << 23), np.int32(1 << 24), np.int32((1 << 23) - 1)
_LEAST_SIGNAL, _MOST_SIGNAL = SIGNAL_RANGE


@inlined
def _leaked(value, keep):
    """``sgn(x) (|x| keep >> 12)`` of an x below 2**24 and a keep of 13 bits, in two parts that fit into 32 bits."""
    sign = np.int32(value >> np.int32(31))
    size = np.int32(np.int32(value ^ sign) - sign)
    high = np.int32(np.int32(size >> np.int32(12)) * keep)
    low = np.int32(np.int32(np.int32(size & np.int32(4095)) * keep) >> np.int32(12))
    return np.int32(np.int32(np.int32(high + low) ^ sign) - sign)


@inlined
def _current(u, arriving, keep):
    """Return the new current."""
    moved = np.int32(_leaked(u, keep) + np.int32(arriving << np.int32(6)))
    wrapped = np.int32(moved - _AROUND) if moved > _WRAP else moved
    return np.int32(moved + _AROUND) if wrapped <= -_WRAP else wrapped


@inlined
def _voltage(v, current, keep, bias):
    """Return the new voltage, before a reset."""
    new = np.int32(np.int32(_leaked(v, keep) + current) + bias)
    return min(max(new, np.int32(-_LIMIT)), _LIMIT)


@compiled
def _integrate(u, v, wait, arriving, numbers, spikes):
    """One step of LIF neurons, in 32 bits throughout, so that the loop becomes vector instructions."""
    keep_u, keep_v = np.int32(4095 - numbers[0]), np.int32(4096 - numbers[1])
    threshold, bias, refractory = np.int32(numbers[2]), np.int32(numbers[3]), np.int32(numbers[4])
    for i in range(u.size):
        u[i] = _current(u[i], arriving[i], keep_u)
        arriving[i] = np.int32(0)
        new = _voltage(v[i], u[i], keep_v, bias)
        left = wait[i]
        spike = np.int32(np.int32(new > threshold) & np.int32(left == 0))
        v[i] = np.int32(0) if np.int32(spike | left) else new
        wait[i] = refractory if spike else max(np.int32(left - np.int32(1)), np.int32(0))
        spikes[i] = np.uint8(spike)


@compiled
def _respond(u, v, offset, arriving, numbers, spikes):
    """One step of spike response neurons, which do not reset, in 32 bits throughout."""
    keep_u, keep_v, keep_b = np.int32(4095 - numbers[0]), np.int32(4096 - numbers[1]), np.int32(4096 - numbers[6])
    threshold, bias, jump = np.int32(numbers[2]), np.int32(numbers[3]), np.int32(numbers[7])
    for i in range(u.size):
        u[i] = _current(u[i], arriving[i], keep_u)
        arriving[i] = np.int32(0)
        v[i] = _voltage(v[i], u[i], keep_v, bias)
        left = _leaked(offset[i], keep_b)
        spike = np.int32(v[i] > np.int32(threshold + left))
        moved = np.int32(left + np.int32(jump * spike))
        offset[i] = min(max(moved, np.int32(-_LIMIT)), _LIMIT)
        spikes[i] = np.uint8(spike)


@compiled
def _anyone(spikes):
    """Return whether anyone spikes."""
    found = np.uint8(0)
    for i in range(spikes.size):
        found = np.uint8(found | spikes[i])
    return found != 0


@inlined
def _send(network, values, g, memory, window, seen, b, within, slot, room):
    """Note who spikes in a step, inputs as they are given, other populations integrated."""
    offset = network.first_neuron[network.inputs]
    for p in range(network.first_neuron.size - 1):
        lo, hi = network.first_neuron[p], network.first_neuron[p + 1]
        fired = room.fired[lo:]
        if p < network.inputs:
            words = window.sent[within, b, network.first_word[p] : network.first_word[p + 1]]
            count = listed(words, fired, lo)
            if window.messages.shape[2]:
                for q in range(count):
                    room.messages[lo + q] = window.messages[within, b, fired[q]]
        else:
            a, z, count = lo - offset, hi - offset, 0
            spiked = room.spiked[a:z]
            arriving, numbers = memory.arriving[b, slot, a:z], values.neurons[g, p - network.inputs]
            u, v = memory.u[b, a:z], memory.v[b, a:z]
            if numbers[5]:
                _respond(u, v, memory.offset[b, a:z], arriving, numbers, spiked)
            else:
                _integrate(u, v, memory.wait[b, a:z], arriving, numbers, spiked)
            if _anyone(spiked):
                spikes = seen.spikes[within, b, a:z]
                for k in range(z - a):
                    spikes[k] = spiked[k]
                if network.sends[p]:
                    count = gathered(spiked, fired, lo)
        room.counts[p] = count


@inlined
def _signal(numbers, memory, window, seen, b, within, signals):
    """Set the signals to their values of a step."""
    for k in range(signals.size):
        held, number = window.held[within, b, k], numbers[k]
        if held == FREE:
            value = ((memory.filters[b, k] - number[2]) * number[3]) >> number[4]
            signals[k] = min(max(value, _LEAST_SIGNAL), _MOST_SIGNAL)
        else:
            signals[k] = held
            memory.filters[b, k] = number[2] + ((np.int64(held) << number[4]) // number[3])
        seen.signals[within, b, k] = signals[k]


@inlined
def _deliver(network, values, g, memory, b, step, room):
    """Send the spikes of a step through all connections."""
    for c in range(network.pre.size):
        pre, learner = network.pre[c], network.rule[c]
        lo, count = network.first_neuron[pre], room.counts[pre]
        if count == 0:
            continue
        weight = values.weight[g] if learner < 0 else memory.weight[b]
        first = network.first_synapse[c] if learner < 0 else network.first_learned[learner]
        fired, messages, arriving = room.fired[lo : lo + count], room.messages[lo:], memory.arriving[b]
        deliver(
            network, weight, first, values.exponent[g, c], c, fired, messages, lo, arriving, step, room.sums, room.part
        )


@inlined
def _learn(network, values, g, memory, window, b, within, step, room):
    """Let learning connections hear a step, and learn where it ends their epoch."""
    for learner in range(network.learner.size):
        c = network.learner[learner]
        pre, post = network.pre[c], network.post[c]
        now, two = step % network.epoch[learner] + 1, network.three[learner] == 0
        x0, x1 = network.first_x[learner], network.first_x[learner + 1]
        y0, y1 = network.first_y[learner], network.first_y[learner + 1]
        impulses = values.trace[g, learner]
        lo, x = network.first_neuron[pre], memory.x[b, :, x0:x1]
        noted(now, memory.tx[b, x0:x1], room.fired[lo:], room.counts[pre], lo, impulses[:2], x, True)
        lo, y = network.first_neuron[post], memory.y[b, :, y0:y1]
        noted(now, memory.ty[b, y0:y1], room.fired[lo:], room.counts[post], lo, impulses[2:], y, two)
        if not two:
            heard(network, values, g, learner, memory, b, room.signals, room.fired[lo:], room.counts[post], lo)
        if now == network.epoch[learner]:
            learn(network, values, g, learner, memory, b, step, window, within, room)


@compiled
def advance(network, values, which, memory, window, seen, begin, first, last, room):
    """Run the window, whose first step is `begin`, for the instances from `first` to before `last`."""
    for b in range(first, last):
        g = which[b]
        numbers = values.signal[g]
        for within in range(seen.spikes.shape[0]):
            step = begin + within
            _send(network, values, g, memory, window, seen, b, within, step % network.ring, room)
            for k in range(window.watched.size):
                seen.u[within, b, k] = memory.u[b, window.watched[k]]
                seen.v[within, b, k] = memory.v[b, window.watched[k]]
            for k in range(window.watched_offsets.size):
                seen.offset[within, b, k] = memory.offset[b, window.watched_offsets[k]]
            _signal(numbers, memory, window, seen, b, within, room.signals)
            for k in range(window.given.shape[2]):
                if window.given[within, b, k] != FREE:
                    memory.given[b, k] = window.given[within, b, k]
            _deliver(network, values, g, memory, b, step, room)
            _learn(network, values, g, memory, window, b, within, step, room)
            for k in range(numbers.shape[0]):
                source, number = network.source[k], numbers[k]
                spikes = 0 if source < 0 else room.counts[source]
                memory.filters[b, k] = ((memory.filters[b, k] * (4096 - number[0])) >> 12) + number[1] * spikes
