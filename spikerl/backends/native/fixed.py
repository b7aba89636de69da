"""The kernels that are the same for every network: input, traces, modulators, recording.

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
from spikerl.backends.native.pointers import (
    BATCH,
    OPTIONS,
    STEP,
    WITHIN,
    doubles,
    flags,
    indices,
    integers,
    lowest,
    words,
)

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


@njit(inline="always", **OPTIONS)
def lane(a, b, c, d, number):
    """Return 16 bits of the four words, the lowest of the first one first."""
    word = a if number < 4 else (b if number < 8 else (c if number < 12 else d))
    return (word >> np.uint64(16 * (number & 3))) & _LANE


@njit(inline="always", **OPTIONS)
def unit(word):
    """Return a word as a number in [0, 1)."""
    return float64(word >> np.uint64(11)) * _TO_UNIT


def poisson(p, n, r, now):
    """Draw spikes as `spikerl.poisson` says, which has the definition.

    p: fired [rows, 1 + neuron], spiked [neuron], group_top [group], group_rest [group], cumulative [group, 8],
    top [group, 8], rest [group, 8], limit [group / 4], key [2], draws [1]. n: neurons, rows.
    """
    size, rows, step = n[0], n[1], now[STEP]
    fired, spiked = indices(p[0]), flags(p[1])
    at = row(step, rows, size + 1)
    clear(fired, spiked, row(step + rows - 1, rows, size + 1))
    count = 0
    draws = integers(p[9])[0]
    if draws:
        group_top, group_rest, cumulative = indices(p[2]), doubles(p[3]), doubles(p[4])
        top, rest, limit = indices(p[5]), doubles(p[6]), words(p[7])
        k0, k1 = words(p[8])[0], words(p[8])[1]
        zero = np.uint64(0)
        groups = (size + 7) // 8
        blocks = (groups + 15) // 16
        for block in range(blocks):
            a, b, c, d = philox(np.uint64(step * blocks + block + 1), zero, zero, k0, k1)
            # Whether any of the 16 lanes is below its bound: one test for 128 neurons.
            below = (a - limit[4 * block]) & ~a | (b - limit[4 * block + 1]) & ~b
            below |= (c - limit[4 * block + 2]) & ~c | (d - limit[4 * block + 3]) & ~d
            if draws == 1 and not below & _HIGHEST_BITS:
                continue
            # Without branches, which nobody can predict here: first which groups, then which neurons.
            hits = 0
            for within in range(min(16, groups - 16 * block)):
                hits |= (lane(a, b, c, d, within) <= group_top[16 * block + within]) << within
            while hits:
                within = lowest(hits)
                hits &= hits - 1
                group = 16 * block + within
                counter = np.uint64(step * groups + group + 1)
                if lane(a, b, c, d, within) == group_top[group]:
                    more, _, _, _ = philox(counter, zero, np.uint64(2), k0, k1)
                    if unit(more) >= group_rest[group]:
                        continue
                lead, e, f, last = philox(counter, zero, np.uint64(1), k0, k1)
                place, rare = unit(lead) * cumulative[8 * group + 7], unit(last)
                leader = 0
                later = 0
                for k in range(8):
                    i = 8 * group + k
                    leader += place >= cumulative[i]
                    own = lane(e, f, zero, zero, k)
                    later |= ((own < top[i]) | ((own == top[i]) & (rare < rest[i]))) << k
                spikes = (1 << leader) | (later & (-2 << leader))
                while spikes:
                    i = 8 * group + lowest(spikes)
                    spikes &= spikes - 1
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


def noise(p, n, r, now):
    """Add the noise of this step to what arrives in it, as `spikerl.noise` says, which has the definition.

    p: arriving [slots, neuron], key [2]. n: neurons, slots. r: low, width.
    """
    size, step = n[0], now[STEP]
    arriving = reals(p[0] + row(step, n[1], size) * REAL_BYTES)
    low, width, k0, k1 = r[0], r[1], words(p[1])[0], words(p[1])[1]
    zero = np.uint64(0)
    blocks = (size + 3) // 4
    before = step * blocks + 1
    for block in range(size // 4):
        a, b, c, d = philox(np.uint64(before + block), zero, zero, k0, k1)
        arriving[4 * block] += REAL(low + width * unit(a))
        arriving[4 * block + 1] += REAL(low + width * unit(b))
        arriving[4 * block + 2] += REAL(low + width * unit(c))
        arriving[4 * block + 3] += REAL(low + width * unit(d))
    left = size % 4
    if left:
        a, b, c, d = philox(np.uint64(before + blocks - 1), zero, zero, k0, k1)
        arriving[size - left] += REAL(low + width * unit(a))
        if left > 1:
            arriving[size - left + 1] += REAL(low + width * unit(b))
        if left > 2:
            arriving[size - left + 2] += REAL(low + width * unit(c))


def record_spikes(p, n, r, now):
    """Set a bit for each spike. p: fired [rows, 1 + neuron], out [step, batch, neuron / 8]. n: neurons, rows."""
    fired = indices(p[0])
    at = row(now[STEP], n[1], n[0] + 1)
    count = fired[at]
    if count:
        out = flags(p[1] + now[WITHIN] * now[BATCH] * ((n[0] + 7) // 8))
        for q in range(count):
            i = fired[at + 1 + q]
            out[i >> 3] |= 1 << (i & 7)


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
    """Set each value: what is held, or ``gain (filtered - baseline)``, below the baseline with a gain of its own.

    p: filtered [value], value [value], held [step, batch, value] (address 0: not held), out [step, batch, value].
    n: values. r: baseline, gain, gain below.
    """
    filtered, value = doubles(p[0]), doubles(p[1])
    offset = 8 * now[WITHIN] * now[BATCH] * n[0]
    out = doubles(p[3] + offset)
    if p[2] != 0:
        held = doubles(p[2] + offset)
        for i in range(n[0]):
            filtered[i] = r[0] + held[i] / (r[2] if held[i] / r[1] < 0.0 else r[1])
            value[i] = held[i]
            out[i] = held[i]
    else:
        for i in range(n[0]):
            above = filtered[i] - r[0]
            value[i] = (r[2] if above < 0.0 else r[1]) * above
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
