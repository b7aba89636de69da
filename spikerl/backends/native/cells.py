"""The kernel of a population that integrates, derived from its neuron's equations.

Neurons are updated in a loop without branches, which the compiler turns into vector instructions; then the flags of
spikes, padded to whole words of bits, are gathered 64 at a time and looked through.
"""

from __future__ import annotations

from dataclasses import dataclass

from spikerl.backends.native.texts import HEADER, function, indented, renamed
from spikerl.discretise import NeuronPlan


@dataclass(frozen=True)
class CellKernel:
    """The kernel's `text`; the `variables` whose arrays follow fired, spiked, arriving (and held); its `reals`.

    Where neurons have thresholds of their own, an array of these follows.
    """

    text: str
    variables: tuple[str, ...]
    reals: tuple[float, ...]
    waits: bool


def cell_kernel(neurons: NeuronPlan, mismatched: bool = False) -> CellKernel:
    """Return the kernel ``integrate`` for neurons of this law; the numbers are kept apart, so that laws share it.

    `mismatched`: neurons have thresholds of their own.
    """
    equations, waits = neurons.equations, neurons.refractory > 0
    variables, relaxing = equations.variables, tuple(neurons.decays)
    numbers = {f"decay_{name}": neurons.decays[name] for name in relaxing} | {
        f"k_{name}": neurons.constants[name] for name in sorted(neurons.constants)
    }
    constants = {name: f"k_{name}" for name in neurons.constants}
    old = constants | {name: f"old_{name}" for name in variables} | {"u": "new_u"}
    new = constants | {name: f"new_{name}" for name in variables}
    own = {"threshold": "own_threshold"} if mismatched else {}
    spike = f"1 if {renamed(equations.threshold, new | own)} else 0"
    update = [f"old_{name} = all_{name}[i]" for name in variables]
    update += ["new_u = decay_u * old_u + arriving[i]", "arriving[i] = REAL(0)"]
    for variable, _, target, held in equations.relaxations[1:]:
        relaxed = f"decay_{variable} * old_{variable} + rise_{variable} * {renamed(target, old)}"
        update.append(
            f"new_{variable} = {f'old_{variable} if held[i] > 0 else {relaxed}' if held and waits else relaxed}"
        )
    update += [f"new_{name} = old_{name}" for name in variables if name not in relaxing]
    for variable, value, held in equations.updates:
        updated = renamed(value, new)
        stays = f"new_{variable} if held[i] > 0 else {updated}"
        update.append(f"new_{variable} = {stays if held and waits else updated}")
    update += ["own_threshold = thresholds[i]"] if mismatched else []
    update.append(f"spike = {f'0 if held[i] > 0 else ({spike})' if waits else spike}")
    if waits:
        update.append("held[i] = held[i] - 1 if held[i] > 0 else 0")
    update += [f"all_{name}[i] = new_{name}" for name in variables]
    update += ["spiked[i] = spike", "hits |= spike"]
    reset = [f"new_{name} = all_{name}[i]" for name in variables]
    reset += [f"after_{name} = {renamed(text, new)}" for name, text in equations.reset]
    reset += [f"all_{name}[i] = after_{name}" for name, _ in equations.reset]
    reset += ["held[i] = n[3]"] if waits else []
    reset += ["count += 1", "fired[at + count] = i"]
    pointers = [f"all_{name} = reals(p[{3 + waits + k}])" for k, name in enumerate(variables)]
    body = [
        "size, step = n[0], now[STEP]",
        "fired, spiked = indices(p[0]), flags(p[1])",
        "arriving = reals(p[2] + row(step, n[2], size) * REAL_BYTES)",
        *(["held = integers(p[3])"] if waits else []),
        *pointers,
        *([f"thresholds = reals(p[{3 + waits + len(variables)}])"] if mismatched else []),
        *(f"{name} = REAL(r[{k}])" for k, name in enumerate(numbers)),
        *(f"rise_{name} = REAL(1) - decay_{name}" for name in relaxing[1:]),
        "at = row(step, n[1], size + 1)",
        "count = 0",
        "hits = 0",
        "for i in range(size):",
        indented(update),
        "if hits:",
        "    eight = words(p[1])",
        "    for first in range(0, size, 64):",
        "        mask = np.uint64(0)",
        "        for q in range(8):",
        "            mask |= ((eight[(first >> 3) + q] * BYTES_TO_BITS) >> np.uint64(56)) << np.uint64(8 * q)",
        "        while mask != 0:",
        "            i = first + lowest(mask)",
        "            mask &= mask - np.uint64(1)",
        indented(reset, 3),
        "fired[at] = count",
    ]
    return CellKernel(HEADER + function("integrate", *body), variables, tuple(numbers.values()), waits)
