"""What single precision costs ``native`` in exactness: the large circuit for a second, against double precision.

``python benchmarks/native_single.py``.
"""

from __future__ import annotations

import numpy as np
from networks import DOPAMINE, large
from rows import Row, table

import spikerl as sp

SHARED, DEVIATION = 0.9, 0.01


def rows() -> list[Row]:
    """Return the share of spikes that both precisions have, and how far weights are apart, over their mean."""
    spikes, weights = {}, {}
    for precision in ("float64", "float32"):
        seen = sp.Record(spikes=("cells",), weights=("cells_to_cells",))
        with sp.open(large(), "native", seed=1, precision=precision, threads=1, record=seen) as session:
            window = session.step("1 s", modulators={"dopamine": DOPAMINE})
        spikes[precision], weights[precision] = window.spikes["cells"], window.weights["cells_to_cells"]
    both = (spikes["float64"] & spikes["float32"]).sum() / (spikes["float64"] | spikes["float32"]).sum()
    apart = np.abs(weights["float32"] - weights["float64"]) / weights["float64"].mean()
    low, typical, high = (float(q) for q in np.percentile(apart, (25, 50, 75)))
    first = np.flatnonzero((spikes["float64"] != spikes["float32"]).any(axis=(1, 2)))
    since = f"the first spike that differs is in step {first[0]}" if first.size else "no spike differs"
    note = f"1 s of the large circuit; {since}; largest deviation of a weight {apart.max():.2g} of the mean"
    shared, name = float(both), "native, float32 beside float64"
    return [
        Row(f"{name}: share of spikes in both", shared, shared, shared, f">= {SHARED}", shared >= SHARED, note),
        Row(f"{name}: deviation of weights", typical, low, high, f"<= {DEVIATION}", typical <= DEVIATION, note),
    ]


if __name__ == "__main__":
    found = rows()
    print(table(found))
    print(found[0].source)
