"""Products of a rule as text, multiplied and added in the order of the reference, so that no rounding differs.

Beside a threshold of rounding the last bit of an update decides; so where weights have few bits nothing is fused, and
nothing but what stands first in a product is multiplied once for many synapses. All is in double precision.
"""

from __future__ import annotations

from spikerl.backends.native.products import Change, Reading
from spikerl.plasticity.algebra import Gate

FLAT = frozenset({"modulator"})
ROW = FLAT | {"pre"}
COLUMN = FLAT | {"post", "post_modulator"}
"""Kinds of factors that are the same throughout a loop: over all synapses, those of neuron i, those onto neuron j."""


def product(change: Change, reading: Reading, same: frozenset[str]) -> tuple[str, str]:
    """Return the line before the innermost loop, and the product inside; names are those of `names`."""
    outside, inside = [f"coefficient_{change.number}"], [f"h{change.number}"]
    for factor in sorted(change.term.factors, key=lambda factor: factor.kind != "modulator"):
        match factor.kind:
            case "modulator":
                text = f"modulator_{reading.modulators.index(factor.name)}"
            case "post_modulator":
                text = f"modulator_{reading.modulators.index(factor.name)}[j]"
            case "pre" | "post":
                text = f"float64(trace_{reading.traces.index(factor.name)}[{'i' if factor.kind == 'pre' else 'j'}])"
            case "weight":
                text = "old"
            case _:
                text = f"c{factor.name}"
        (outside if factor.kind in same and len(inside) == 1 else inside).append(text)
    return f"h{change.number} = {' * '.join(outside)}", " * ".join(inside)


def names(found: tuple[Change, ...], reading: Reading, first_real: int, first_array: int) -> list[str]:
    """Return the lines that name coefficients, traces and modulators, of which the first stand at these places."""
    lines = [f"coefficient_{change.number} = r[{first_real + change.number}]" for change in found]
    for k in range(len(reading.traces)):
        lines.append(f"trace_{k} = reals(p[{first_array + k}])")
    for k, name in enumerate(reading.modulators):
        value = f"doubles(p[{first_array + len(reading.traces) + k}])"
        lines.append(f"modulator_{k} = {value if name in reading.shaped else f'{value}[0]'}")
    return lines


def arrays(reading: Reading) -> tuple[str, ...]:
    """Return the names of the arrays of traces and modulators."""
    return (*(f"trace/{name}" for name in reading.traces), *(f"value/{name}" for name in reading.modulators))


def apart(found: tuple[Change, ...]) -> bool:
    """Return whether what acts at every step and what acts at spikes can be done one after the other.

    So it is where weights change at every step alone, by products that need neither neuron, and eligibilities at
    spikes alone, by products that read no synapse.
    """
    for change in found:
        every_step = change.term.gate is Gate.STEP
        others = {"pre", "post", "post_modulator"} if every_step else {"weight", "eligibility"}
        if every_step != (change.target == "w") or others & set(change.kinds):
            return False
    return True
