"""The oracle: the step written down in plain NumPy, in the order of its definition, slow and readable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikerl.backends.base import Capabilities, Options, State, Trajectory, initial_state
from spikerl.backends.fanout import Fanout, Indices
from spikerl.discretise import FactorPlan, NeuronPlan, Plan, ProjectionPlan, TermPlan
from spikerl.inputs import Window
from spikerl.plasticity.algebra import Gate
from spikerl.quantized import kept, of_projections, thresholds

Floats = NDArray[np.float64]
Spikes = dict[str, NDArray[np.bool_]]
Room = Floats | None
Where = tuple[slice, slice] | tuple[Indices, Indices]
"""Instances and synapses: all of them, or one pair for each synapse that a spike reaches."""


@dataclass(frozen=True)
class Reference:
    """The back end ``reference``; its program is the plan itself."""

    name: str = "reference"
    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities(
            updates=True, noise=True, quantization=True, summary="plain NumPy, the oracle"
        )
    )

    def lower(self, plan: Plan) -> Plan:
        """Return `plan`: the reference interprets it."""
        return plan

    def open(self, plan: Plan, options: Options) -> ReferenceEngine:
        """Start an engine at step 0."""
        return ReferenceEngine(plan, options)


backend = Reference()


class ReferenceEngine:
    """Steps through a window, reading the definition of the step from top to bottom."""

    def __init__(self, plan: Plan, options: Options) -> None:
        self._plan = plan
        self._options = options
        self._of_pre = {name: Fanout(p.pre_index, plan.size(p.pre)) for name, p in plan.projections.items()}
        self._of_post = {name: Fanout(p.post_index, plan.size(p.post)) for name, p in plan.projections.items()}
        self._delayed = {
            name: {
                int(d): Fanout(p.pre_index, plan.size(p.pre), np.flatnonzero(p.delay == d)) for d in np.unique(p.delay)
            }
            for name, p in plan.projections.items()
        }
        self._quantized = of_projections(plan, options.quantization, options.seed, options.instances)
        self._kept = kept(plan, options.quantization, options.seed, options.instances)
        self._thresholds = self._mismatched()
        self._state = self._laid(initial_state(plan, options.batch, self._quantized))
        self._changes = {
            name: [(key, term, self._room(p, term)) for key, term in _terms(p)] for name, p in plan.projections.items()
        }
        self._laws = {
            name: {text: compile(text, f"<{name}: {text}>", "eval") for text in neurons.equations.texts()}
            for name, neurons in plan.neurons.items()
        }

    def advance(self, window: Window) -> Trajectory:
        """Run the window."""
        plan, batch = self._plan, self._options.batch
        spikes = {name: np.zeros((window.steps, batch, p.size), dtype=bool) for name, p in plan.neurons.items()}
        voltages = {name: np.zeros(spikes[name].shape) for name in self._options.voltages}
        values: dict[str, list[Floats]] = {name: [] for name in plan.modulators}
        noise = {name: heard.each(window.first, window.steps) for name, heard in window.noise.items()}
        for k in range(window.steps):
            step = window.first + k
            fired: Spikes = {name: given[k] for name, given in window.spikes.items()}
            for name, neurons in plan.neurons.items():
                arrived = self._arrived(neurons, step)
                fired[name] = self._fire(neurons, arrived + next(noise[name]) if name in noise else arrived)
                spikes[name][k] = fired[name]
            self._keep("v", step)
            for name in voltages:
                voltages[name][k] = self._state[f"v/{name}"]
            modulators = self._modulators(window.held, k)
            self._traces(fired)
            self._keep("trace", step)
            self._plasticity(fired, modulators, step)
            self._keep("eligibility", step)
            self._follow(fired, modulators)
            for name in values:
                values[name].append(modulators[name])
            for name in plan.history:
                history = self._state[f"history/{name}"]
                history[1:] = history[:-1].copy()
                history[0] = fired[name]
        self._state["step"] = np.array(self._state["step"] + window.steps)  # the sum of 0-d arrays is no array
        return Trajectory(spikes, voltages, {name: np.stack(value) for name, value in values.items()})

    def weights(self, projection: str) -> Floats:
        """Return the present weights, [batch, synapse]."""
        weights: Floats = self._state[f"weight/{projection}"].copy()
        quantized = self._quantized.get(projection)
        return weights if quantized is None else quantized.visible(weights)

    def state(self) -> State:
        """Return copies of all arrays."""
        return {name: array.copy() for name, array in self._state.items()}

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        self._state = self._laid({name: array.copy() for name, array in state.items()})

    def close(self) -> None:
        """Nothing is held outside Python's memory."""

    def _mismatched(self) -> dict[str, Floats]:
        """Return the thresholds of each population, [batch, neuron], where they differ from neuron to neuron."""
        asked, found = self._options.quantization, {}
        if any(one.device.threshold_mismatch for one in asked):
            for name, neurons in self._plan.neurons.items():
                k = neurons.constants
                factors = thresholds(asked, name, neurons.size, self._options.seed, self._options.instances)
                found[name] = k["rest"] + factors * (k["threshold"] - k["rest"])
        return found

    def _keep(self, kind: str, step: int) -> None:
        """Round the states of a kind that are kept in few bits."""
        for name, levels in self._kept.items():
            if name.startswith(f"{kind}/"):
                rest = self._plan.neurons[name[2:]].constants["rest"] if kind == "v" else 0.0
                self._state[name] = rest + levels.rounded(self._state[name] - rest, step)

    def _laid(self, state: State) -> State:
        """Return `state` with the weights that are quantised on their grids."""
        for name, quantized in self._quantized.items():
            state[f"weight/{name}"] = quantized.laid(state[f"weight/{name}"])
        return state

    def _room(self, projection: ProjectionPlan, term: TermPlan) -> Room:
        """Return memory for a product at all synapses, kept because asking for it anew costs more than the product."""
        return np.empty((self._options.batch, projection.weight.size)) if term.gate is Gate.STEP else None

    def _arrived(self, neurons: NeuronPlan, step: int) -> Floats:
        """``sum w s(n - d)`` over all projections onto `neurons`, [batch, neuron]."""
        total = np.zeros((self._options.batch, neurons.size))
        for name, projection in self._plan.projections.items():
            if projection.post != neurons.name:
                continue
            weight, quantized = self._state[f"weight/{name}"], self._quantized.get(name)
            weight = weight if quantized is None else quantized.transmitted(weight, step)
            for delay, fanout in self._delayed[name].items():
                instance, synapse = fanout.reached(self._state[f"history/{projection.pre}"][delay - 1])
                jump = projection.scale * weight[instance, synapse]
                np.add.at(total, (instance, projection.post_index[synapse]), jump)
        return total

    def _fire(self, neurons: NeuronPlan, arrived: Floats) -> NDArray[np.bool_]:
        """Integrate with the new synaptic current, fire, reset; return the spikes."""
        name, laws = neurons.name, self._laws[neurons.name]
        held = self._state[f"refractory/{name}"] > 0
        current = neurons.decays["u"] * self._state[f"u/{name}"] + arrived
        variables = neurons.equations.variables
        old: dict[str, Any] = {variable: self._state[f"{variable}/{name}"] for variable in variables} | {"u": current}
        new: dict[str, Any] = dict(old)
        for variable, _, target, stays in neurons.equations.relaxations[1:]:
            a = neurons.decays[variable]
            relaxed = a * old[variable] + (1 - a) * eval(laws[target], {}, old | neurons.constants)
            new[variable] = np.where(held, old[variable], relaxed) if stays else relaxed
        for variable, value, stays in neurons.equations.updates:
            updated = eval(laws[value], {}, new | neurons.constants)
            new[variable] = np.where(held, new[variable], updated) if stays else updated
        own = {"threshold": self._thresholds[name]} if name in self._thresholds else {}
        threshold = eval(laws[neurons.equations.threshold], {}, new | neurons.constants | own)
        spikes: NDArray[np.bool_] = threshold & ~held
        reset = neurons.equations.reset
        after = {variable: eval(laws[text], {}, new | neurons.constants) for variable, text in reset}
        for variable, value in new.items():
            self._state[f"{variable}/{name}"] = np.where(spikes, after.get(variable, value), value)
        waiting = np.maximum(self._state[f"refractory/{name}"] - 1, 0)
        self._state[f"refractory/{name}"] = np.where(spikes, neurons.refractory, waiting)
        return spikes

    def _modulators(self, held: Mapping[str, Floats], k: int) -> dict[str, Floats]:
        """Return the value of each modulator in this step, putting the filters of held ones where they belong."""
        values = {}
        for name, modulator in self._plan.modulators.items():
            if name in held:
                values[name] = held[name][k]
                gain = np.where(values[name] / modulator.gain < 0, modulator.gain_below, modulator.gain)
                self._state[f"modulator/{name}"] = modulator.baseline + values[name] / gain
            else:
                above = self._state[f"modulator/{name}"] - modulator.baseline
                values[name] = np.where(above < 0, modulator.gain_below, modulator.gain) * above
        return values

    def _traces(self, fired: Spikes) -> None:
        for name, trace in self._plan.traces.items():
            self._state[f"trace/{name}"] = trace.decay * self._state[f"trace/{name}"] + fired[trace.population]
        for name, projection in self._plan.projections.items():
            for eligibility in projection.rule.eligibilities if projection.rule else ():
                self._state[f"eligibility/{name}/{eligibility.name}"] *= eligibility.decay

    def _plasticity(self, fired: Spikes, modulators: Mapping[str, Floats], step: int) -> None:
        """Of each projection read all, then write all; no rule reads the synapses of another projection."""
        for name, projection in self._plan.projections.items():
            rule = projection.rule
            if rule is None:
                continue
            where: dict[Gate, Where] = {
                Gate.STEP: (slice(None), slice(None)),
                Gate.PRE: self._of_pre[name].reached(fired[projection.pre]),
                Gate.POST: self._of_post[name].reached(fired[projection.post]),
            }
            changes = [
                (key, where[term.gate], self._product(projection, term, where[term.gate], modulators, room))
                for key, term, room in self._changes[name]
            ]
            weight, quantized = self._state[f"weight/{name}"], self._quantized.get(name)
            old = weight if quantized is None else weight.copy()
            c = self._eligible(projection) if quantized else None
            for key, synapses, change in changes:
                self._state[key][synapses] += change
            np.clip(weight, *rule.bounds, out=weight)
            if quantized:
                stored = quantized.store(old, weight, c, step, self._state[f"writes/{name}"])
                self._state[f"weight/{name}"] = stored.weight
                self._state[f"updates/{name}"] += stored.updates

    def _eligible(self, projection: ProjectionPlan) -> Floats | None:
        """Return a copy of the first eligibility of the rule, [batch, synapse], where it has one."""
        assert projection.rule is not None
        if not projection.rule.eligibilities:
            return None
        found: Floats = self._state[f"eligibility/{projection.name}/0"].copy()
        return found

    def _product(
        self, projection: ProjectionPlan, term: TermPlan, where: Where, modulators: Mapping[str, Floats], room: Room
    ) -> Floats | float:
        """Return the product of `term` at the synapses `where`: at all, in `room`, or at those that spikes reach."""
        instance, synapse = where
        product: Any = term.coefficient
        for factor in sorted(term.factors, key=_width):
            match factor.kind:
                case "modulator":
                    value = modulators[factor.name][instance]
                    product = product * (value[:, None] if isinstance(synapse, slice) else value)
                    continue
                case "post_modulator":
                    value = modulators[factor.name][instance, projection.post_index[synapse]]
                case "pre":
                    value = self._state[f"trace/{factor.name}"][instance, projection.pre_index[synapse]]
                case "post":
                    value = self._state[f"trace/{factor.name}"][instance, projection.post_index[synapse]]
                case "weight":
                    value = self._state[f"weight/{projection.name}"][where]
                case "eligibility":
                    value = self._state[f"eligibility/{projection.name}/{factor.name}"][where]
            product = np.multiply(product, value, out=room)
        return product

    def _follow(self, fired: Spikes, modulators: Mapping[str, Floats]) -> None:
        """Filter each modulator's source, for the next step."""
        for name, modulator in self._plan.modulators.items():
            if modulator.source is None:
                drive: Any = 0.0
            else:
                drive = fired[modulator.source].mean(axis=1) / self._plan.dt
            a = modulator.decay
            self._state[f"modulator/{name}"] = a * self._state[f"modulator/{name}"] + (1 - a) * drive


def _terms(projection: ProjectionPlan) -> list[tuple[str, TermPlan]]:
    """Return each term of the rule and its eligibilities with the key of the state that it changes."""
    rule = projection.rule
    if rule is None:
        return []
    found = [(f"weight/{projection.name}", term) for term in rule.terms]
    for eligibility in rule.eligibilities:
        found.extend((f"eligibility/{projection.name}/{eligibility.name}", term) for term in eligibility.terms)
    return found


def _width(factor: FactorPlan) -> bool:
    """Sort one number an instance before one number a synapse, which are many."""
    return factor.kind != "modulator"
