"""Learning in 16 bits is learning in 32 bits wherever it says that it is: rows drawn up to the ends of every range."""

import numpy as np

from spikerl.hardware.emulation import narrow, rows
from spikerl.hardware.emulation.packing import layout
from spikerl.hardware.emulation.room import room
from tests.hardware.circuits import recurrent

WEIGHTS = ((-256, 255), (0, 255), (-255, 0))
TAGS = (-257, 255)
DRAWN = 6000
LEAST_NARROW = 1000


def test_sixteen_bits_are_thirty_two_wherever_they_fit() -> None:
    """Catches a sum that wraps, a product that does, and a check of the room that is too loose by one."""
    made, rng = room(layout(recurrent())), np.random.default_rng(0)
    taken = near = 0
    for _ in range(DRAWN):
        at = int(rng.integers(0, 2))  # 0: weights, 1: tags
        low, high = TAGS if at else WEIGHTS[rng.integers(0, 3)]
        size, count = int(rng.integers(1, 9)), int(rng.integers(1, 4))
        ends = rng.choice([low, low + 1, low + 2, high - 1, high, 0], size)
        before = np.where(rng.random(size) < 0.5, ends, rng.integers(low, high + 1, size)).astype(np.int16)
        tight = rng.random() < 0.5
        count = 1 if tight else count
        made.reach[at] = 0
        for term in range(count):
            # As much room as the lowest value leaves, and a little less or more; or anything.
            left_over = max(1, narrow.LARGEST + 128 * int(before.min()) + int(rng.integers(-3, 3)))
            most = left_over if tight else int(rng.choice([1, 20, 127, 257, 2000, 40000]))
            vector = rng.integers(-most, most + 1, size)
            vector[0] = -most
            mantissa = int(rng.choice([1, -1, 7, -8, 127, 889]))
            right, left = int(rng.choice([0, 0, 3, 5, 12, 17])), int(rng.choice([0, 0, 1, 7, 11]))
            if tight:
                mantissa, right, left = int(rng.choice([1, -1])), 0, 0
            made.vectors[term, 1, :size] = vector
            if most <= narrow.LARGEST:
                made.narrow[term, 1, :size] = vector
            made.term[at, term] = term, 1, mantissa, right, left
            made.reach[at] += narrow.reach(np.int64(most), np.int32(mantissa), np.int32(right), np.int32(left))
        ends_of = (rows.LEAST if low < 0 else np.int32(0), rows.MOST if high > 0 else np.int32(0))
        limits = (*ends_of, np.int32(low), np.int32(high))
        random = np.int32(rng.choice([0, 1, 64, 126, 127]))
        wide, small = before.copy(), before.copy()
        rows._settle(wide, count, made, at, limits, random)
        rows._settle_narrow(small, count, made, at, limits[2], limits[3], random)
        if narrow.fits(narrow.least_of(before), made.reach[at]):
            taken += 1
            near += 128 * int(before.min()) - int(made.reach[at]) < -narrow.LARGEST + 8
            np.testing.assert_array_equal(small, wide)
    assert taken > LEAST_NARROW and near > 20, (taken, near)
