"""The kernels that are the same for every network: input, delivery, traces, modulators, recording.

Functions of `SIGNATURE`, compiled by `spikerl.backends.native.compiling`. A docstring says what `p` points to, and what
the integers `n` and the reals `r` are, in order. Spikes of a step are a count and that many neurons, `fired`, one row
for each of the last steps; `spiked` is the same as flags.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import numpy as np
from numba import float64, njit

from spikerl.backends.native.double import REAL, REAL_BYTES, reals
from spikerl.backends.native.philox import philox
from spikerl.backends.native.pointers import BATCH, OPTIONS, STEP, WITHIN, doubles, flags, indices, integers, words

_HIGHEST_BITS = np.uint64(0x8000800080008000)
_LANE = np.uint64(0xFFFF)
_TO_UNIT = 1.0 / 9007199254740992.0  # 2**-53


@njit(inline="always", **OPTIONS)
def row(step, rows, length):
    """Return where the row of `step` begins in a ring of `rows` rows; most rings have one."""
    return 0 if rows == 1 else (step % rows) * length


@njit(inline="always", **OPTIONS)
def clear(fired, spiked, before):
    """Take back the flags of the spikes of the step before."""
    for q in range(fired[before]):
        spiked[fired[before + 1 + q]] = 0


def poisson(p, n, r, now):
    """Draw spikes as `spikerl.poisson` says: a lane of 16 bits below `top` is one; at `top`, `rest` decides.

    p: fired [rows, 1 + neuron], spiked [neuron], top [neuron], rest [neuron], limit [neuron / 4], key [2], draws [1].
    n: neurons, rows.
    """
    size, rows, step = n[0], n[1], now[STEP]
    fired, spiked = indices(p[0]), flags(p[1])
    at = row(step, rows, size + 1)
    clear(fired, spiked, row(step + rows - 1, rows, size + 1))
    count = 0
    draws = integers(p[6])[0]
    if draws:
        top, rest, limit = indices(p[2]), doubles(p[3]), words(p[4])
        k0, k1 = words(p[5])[0], words(p[5])[1]
        blocks = (size + 15) // 16
        for block in range(blocks):
            a, b, c, d = philox(np.uint64(step * blocks + block + 1), np.uint64(0), np.uint64(0), k0, k1)
            # Whether any of the 16 lanes is below its bound: one test for all of them.
            below = (a - limit[4 * block]) & ~a | (b - limit[4 * block + 1]) & ~b
            below |= (c - limit[4 * block + 2]) & ~c | (d - limit[4 * block + 3]) & ~d
            if draws == 1 and not below & _HIGHEST_BITS:
                continue
            for q in range(4):
                word = a if q == 0 else (b if q == 1 else (c if q == 2 else d))
                for within in range(4):
                    i = 16 * block + 4 * q + within
                    lane = (word >> np.uint64(16 * within)) & _LANE
                    if i < size and lane <= top[i]:
                        spike = lane < top[i]
                        if not spike:
                            second = philox(np.uint64(step + 1), np.uint64(i), np.uint64(1), k0, k1)
                            spike = float64(second[0] >> np.uint64(11)) * _TO_UNIT < rest[i]
                        if spike:
                            count += 1
                            fired[at + count] = i
                            spiked[i] = 1
    fired[at] = count


def given(p, n, r, now):
    """Take spikes that were given.

    p: fired [rows, 1 + neuron], spiked [neuron], given [step, batch, neuron]. n: neurons, rows.
    """
    size, rows, step = n[0], n[1], now[STEP]
    fired, spiked = indices(p[0]), flags(p[1])
    at = row(step, rows, size + 1)
    clear(fired, spiked, row(step + rows - 1, rows, size + 1))
    heard = flags(p[2] + now[WITHIN] * now[BATCH] * size)
    count = 0
    for i in range(size):
        if heard[i]:
            count += 1
            fired[at + count] = i
            spiked[i] = 1
    fired[at] = count


def record_spikes(p, n, r, now):
    """p: fired [rows, 1 + neuron], out [step, batch, neuron]. n: neurons, rows."""
    size = n[0]
    fired = indices(p[0])
    at = row(now[STEP], n[1], size + 1)
    count = fired[at]
    if count:
        out = flags(p[1] + now[WITHIN] * now[BATCH] * size)
        for q in range(count):
            out[fired[at + 1 + q]] = 1


def record_voltages(p, n, r, now):
    """p: values [neuron], out [step, batch, neuron] in double precision. n: neurons."""
    values = reals(p[0])
    out = doubles(p[1] + 8 * now[WITHIN] * now[BATCH] * n[0])
    for i in range(n[0]):
        out[i] = values[i]


def trace(p, n, r, now):
    """``x <- decay x``, then ``+ 1`` where it spikes; x is ``scale * values``, so that one number decays for all.

    p: fired [rows, 1 + neuron], values [neuron], scale [1].
    n: neurons, rows. r: decay, the scale below which values are scaled anew.
    """
    fired, values, scale = indices(p[0]), reals(p[1]), doubles(p[2])
    share = scale[0] * r[0]
    if share < r[1]:
        for i in range(n[0]):
            values[i] *= REAL(share)
        share = 1.0
    scale[0] = share
    at = row(now[STEP], n[1], n[0] + 1)
    jump = REAL(1.0 / share)
    for q in range(fired[at]):
        values[fired[at + 1 + q]] += jump


def modulate(p, n, r, now):
    """Set each value: what is held, or ``gain (filtered - baseline)``.

    p: filtered [value], value [value], held [step, batch, value] (address 0: not held), out [step, batch, value].
    n: values. r: baseline, gain.
    """
    filtered, value = doubles(p[0]), doubles(p[1])
    offset = 8 * now[WITHIN] * now[BATCH] * n[0]
    out = doubles(p[3] + offset)
    if p[2] != 0:
        held = doubles(p[2] + offset)
        for i in range(n[0]):
            filtered[i] = r[0] + held[i] / r[1]
            value[i] = held[i]
            out[i] = held[i]
    else:
        for i in range(n[0]):
            value[i] = r[1] * (filtered[i] - r[0])
            out[i] = value[i]


def decay(p, n, r, now):
    """``r <- decay r`` for the filter of a modulator without a source. p: filtered [value]. n: values. r: decay."""
    filtered = doubles(p[0])
    for i in range(n[0]):
        filtered[i] *= r[0]


def follow(p, n, r, now):
    """``r <- decay r + (1 - decay) rate`` with the mean rate of the source in this step.

    p: filtered [1], fired [rows, 1 + neuron]. n: neurons, rows. r: decay, dt.
    """
    count = indices(p[1])[row(now[STEP], n[1], n[0] + 1)]
    filtered = doubles(p[0])
    filtered[0] = r[0] * filtered[0] + (1.0 - r[0]) * (count / n[0] / r[1])


def deliver(p, n, r, now):
    """Add the spikes of this step to what arrives `delay` steps later, for weights that do not change.

    p: fired [rows, 1 + pre], arriving [slots, post], weight [synapse], first [pre + 1], post [synapse].
    n: pre, rows, post, slots, delay. r: scale.
    """
    fired, weight, first, post = indices(p[0]), reals(p[2]), indices(p[3]), indices(p[4])
    step, scale = now[STEP], REAL(r[0])
    arriving = reals(p[1] + row(step + n[4], n[3], n[2]) * REAL_BYTES)
    at = row(step, n[1], n[0] + 1)
    for q in range(fired[at]):
        i = fired[at + 1 + q]
        for k in range(first[i], first[i + 1]):
            arriving[post[k]] += scale * weight[k]


def deliver_delayed(p, n, r, now):
    """Do what `deliver` does for synapses with delays of their own.

    p: as in `deliver`, then delay [synapse]. n: pre, rows, post, slots. r: scale.
    """
    fired, weight, first, post, delay = indices(p[0]), reals(p[2]), indices(p[3]), indices(p[4]), indices(p[5])
    step, scale = now[STEP], REAL(r[0])
    arriving = reals(p[1])
    at = row(step, n[1], n[0] + 1)
    for q in range(fired[at]):
        i = fired[at + 1 + q]
        for k in range(first[i], first[i + 1]):
            arriving[(step + delay[k]) % n[3] * n[2] + post[k]] += scale * weight[k]
