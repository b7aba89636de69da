"""From modulators to statements: ``r <- a r + (1 - a) drive`` and the value ``gain (r - baseline)``, or a held one.

Where rises and dips have different gains, one of two factors, each 0 or 1, says which of them counts.
"""

from __future__ import annotations

from spikerl.backends.brian2.program import Constants, ModulatorProgram
from spikerl.discretise import ModulatorPlan, Plan


def lower_modulators(plan: Plan) -> ModulatorProgram | None:
    """Return the program of all global modulators, or None where there are none."""
    modulators = [modulator for modulator in plan.modulators.values() if modulator.target is None]
    if not modulators:
        return None
    before: list[str] = []
    after: list[str] = []
    variables: list[str] = []
    shared: dict[str, float] = {"step_length": plan.dt}
    for m in modulators:
        variables.extend(_variables(m))
        before.extend(_value(m))
        shared |= {f"decay_filter_{m.name}": m.decay, f"gain_{m.name}": m.gain, f"baseline_{m.name}": m.baseline}
        shared |= {f"gain_below_{m.name}": m.gain_below} if m.bent else {}
        if m.source is None:  # nothing to wait for: without a source the filter decays to 0
            before.append(_filter(m, ""))
        else:
            variables.append(f"count_{m.name}")
            after.append(_filter(m, f"count_{m.name}/source_size_{m.name}/step_length"))
            after.append(f"count_{m.name} = 0")
            shared[f"source_size_{m.name}"] = float(plan.size(m.source))
    names = tuple(m.name for m in modulators)
    return ModulatorProgram(names, tuple(variables), tuple(before), tuple(after), Constants(shared, {}))


def post_shaped(modulator: ModulatorPlan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return variables and statements of a modulator with one value for each neuron, within its group's update."""
    return _variables(modulator), (*_value(modulator), _filter(modulator, ""))


def _variables(m: ModulatorPlan) -> tuple[str, ...]:
    return f"modulator_{m.name}", f"filter_{m.name}", f"given_{m.name}", f"held_{m.name}"


def _value(m: ModulatorPlan) -> tuple[str, str]:
    """Return the statements of this step's value; a held one puts the filter where it belongs."""
    name, held, free = m.name, f"int(held_{m.name} > 0)", f"int(held_{m.name} <= 0)"
    given, above = f"given_{name}/gain_{name}", f"(filter_{name} - baseline_{name})"
    value = f"gain_{name}*{above}"
    if m.bent:
        given = f"int({given} >= 0)*{given} + int({given} < 0)*given_{name}/gain_below_{name}"
        value = f"(int({above} >= 0)*{value} + int({above} < 0)*gain_below_{name}*{above})"
    return (
        f"filter_{name} = {held}*(baseline_{name} + {given}) + {free}*filter_{name}",
        f"modulator_{name} = {held}*given_{name} + {free}*{value}",
    )


def _filter(m: ModulatorPlan, drive: str) -> str:
    fades = f"filter_{m.name} = decay_filter_{m.name}*filter_{m.name}"
    return f"{fades} + (1 - decay_filter_{m.name})*({drive})" if drive else fades
