"""The oracle: the step written down in plain NumPy, in the order of its definition, slow and readable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikerl.backends.base import Capabilities, Options, State, Trajectory, initial_state
from spikerl.discretise import NeuronPlan, Plan, ProjectionPlan, TermPlan
from spikerl.inputs import Window
from spikerl.plasticity.algebra import Gate

Floats = NDArray[np.float64]
Spikes = dict[str, NDArray[np.bool_]]


@dataclass(frozen=True)
class Reference:
    """The back end ``reference``; its program is the plan itself."""

    name: str = "reference"
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(summary="plain NumPy, the oracle"))

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
        self._state = initial_state(plan, options.batch)
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
        for k in range(window.steps):
            fired: Spikes = {name: given[k] for name, given in window.spikes.items()}
            for name, neurons in plan.neurons.items():
                fired[name] = self._fire(neurons, self._arrived(neurons))
                spikes[name][k] = fired[name]
            for name in voltages:
                voltages[name][k] = self._state[f"v/{name}"]
            modulators = self._modulators(window.held, k)
            self._traces(fired)
            self._plasticity(fired, modulators)
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
        return weights

    def state(self) -> State:
        """Return copies of all arrays."""
        return {name: array.copy() for name, array in self._state.items()}

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        self._state = {name: array.copy() for name, array in state.items()}

    def close(self) -> None:
        """Nothing is held outside Python's memory."""

    def _arrived(self, neurons: NeuronPlan) -> Floats:
        """``sum w s(n - d)`` over all projections onto `neurons`, [batch, neuron]."""
        total = np.zeros((self._options.batch, neurons.size))
        for name, projection in self._plan.projections.items():
            if projection.post == neurons.name and projection.weight.size:
                history = self._state[f"history/{projection.pre}"]
                arriving = history[projection.delay - 1, :, projection.pre_index]
                synapse, instance = np.nonzero(arriving)
                jump = projection.scale * self._state[f"weight/{name}"][instance, synapse]
                np.add.at(total, (instance, projection.post_index[synapse]), jump)
        return total

    def _fire(self, neurons: NeuronPlan, arrived: Floats) -> NDArray[np.bool_]:
        """Integrate with the new synaptic current, fire, reset; return the spikes."""
        name, laws = neurons.name, self._laws[neurons.name]
        held = self._state[f"refractory/{name}"] > 0
        current = neurons.decays["u"] * self._state[f"u/{name}"] + arrived
        old: dict[str, Any] = {variable: self._state[f"{variable}/{name}"] for variable in neurons.decays} | {
            "u": current
        }
        new: dict[str, Any] = {"u": current}
        for variable, _, target, stays in neurons.equations.relaxations[1:]:
            a = neurons.decays[variable]
            relaxed = a * old[variable] + (1 - a) * eval(laws[target], {}, old | neurons.constants)
            new[variable] = np.where(held, old[variable], relaxed) if stays else relaxed
        threshold = eval(laws[neurons.equations.threshold], {}, new | neurons.constants)
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
                self._state[f"modulator/{name}"] = modulator.baseline + held[name][k] / modulator.gain
                values[name] = held[name][k]
            else:
                values[name] = modulator.gain * (self._state[f"modulator/{name}"] - modulator.baseline)
        return values

    def _traces(self, fired: Spikes) -> None:
        for name, trace in self._plan.traces.items():
            self._state[f"trace/{name}"] = trace.decay * self._state[f"trace/{name}"] + fired[trace.population]
        for name, projection in self._plan.projections.items():
            for eligibility in projection.rule.eligibilities if projection.rule else ():
                self._state[f"eligibility/{name}/{eligibility.name}"] *= eligibility.decay

    def _plasticity(self, fired: Spikes, modulators: Mapping[str, Floats]) -> None:
        """Read all, then write all."""
        changes: dict[str, Any] = {}
        for name, projection in self._plan.projections.items():
            if projection.rule is None:
                continue
            changes[f"weight/{name}"] = self._change(projection, projection.rule.terms, fired, modulators)
            for eligibility in projection.rule.eligibilities:
                change = self._change(projection, eligibility.terms, fired, modulators)
                changes[f"eligibility/{name}/{eligibility.name}"] = change
        for key, change in changes.items():
            self._state[key] = self._state[key] + change
        for name, projection in self._plan.projections.items():
            if projection.rule is not None:
                self._state[f"weight/{name}"] = np.clip(self._state[f"weight/{name}"], *projection.rule.bounds)

    def _change(
        self, projection: ProjectionPlan, terms: tuple[TermPlan, ...], fired: Spikes, modulators: Mapping[str, Floats]
    ) -> Floats:
        """Return the sum of `terms` for each synapse, [batch, synapse]."""
        pre, post = projection.pre_index, projection.post_index
        gates: dict[Gate, Any] = {
            Gate.STEP: 1.0,
            Gate.PRE: fired[projection.pre][:, pre],
            Gate.POST: fired[projection.post][:, post],
        }
        total = np.zeros((self._options.batch, projection.weight.size))
        for term in terms:
            product = term.coefficient * gates[term.gate]
            for factor in term.factors:
                match factor.kind:
                    case "pre":
                        product = product * self._state[f"trace/{factor.name}"][:, pre]
                    case "post":
                        product = product * self._state[f"trace/{factor.name}"][:, post]
                    case "weight":
                        product = product * self._state[f"weight/{projection.name}"]
                    case "eligibility":
                        product = product * self._state[f"eligibility/{projection.name}/{factor.name}"]
                    case "modulator":
                        product = product * modulators[factor.name][:, None]
                    case "post_modulator":
                        product = product * modulators[factor.name][:, post]
            total = total + product
        return total

    def _follow(self, fired: Spikes, modulators: Mapping[str, Floats]) -> None:
        """Filter each modulator's source, for the next step."""
        for name, modulator in self._plan.modulators.items():
            if modulator.source is None:
                drive: Any = 0.0
            else:
                drive = fired[modulator.source].mean(axis=1) / self._plan.dt
            a = modulator.decay
            self._state[f"modulator/{name}"] = a * self._state[f"modulator/{name}"] + (1 - a) * drive
