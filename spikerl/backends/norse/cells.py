"""Neurons on torch: Norse's own cell where one has the same equations, else code derived from the equations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from norse.torch.functional.lif_box import LIFBoxFeedForwardState, LIFBoxParameters, lif_box_feed_forward_step
from norse.torch.functional.reset import reset_value
from norse.torch.functional.threshold import threshold
from torch import Tensor

from spikerl.backends.norse.keeping import Keeper
from spikerl.backends.norse.laws import Law, law, margin
from spikerl.discretise import NeuronPlan
from spikerl.errors import DescriptionError, message, nearest
from spikerl.neurons import MEMBRANE, SYNAPTIC_CURRENT, Equations

SURROGATES = ("heaviside", "super", "triangle", "tanh", "circ", "heavi_erfc")

NORSE_CELLS = {
    Equations((SYNAPTIC_CURRENT, MEMBRANE), "v > threshold", (("v", "reset"),)): "lif_box",
}
"""The translation table: equations on the left, the Norse cell that computes them on the right."""


@dataclass(frozen=True)
class Surrogate:
    """Norse's spike function: a step forwards, and backwards the derivative that `method` and `alpha` give it.

    `method`: one of `SURROGATES`; "heaviside" (the default) has no gradient and is the fastest. `alpha`: steepness in
    the inverse unit of the voltage, default 1. Norse's "super" has the derivative ``1/(1 + |x|)^2`` whatever the
    `alpha`, so it suits dimensionless voltages (Zenke and Ganguli 2018). Norse resets with the spike itself, not
    detached: the surrogate acts on the gradient of `v` too, even where nothing spikes. Raises `DescriptionError`.
    """

    method: str = "heaviside"
    alpha: float = 1.0

    def __post_init__(self) -> None:
        """Check the method."""
        if self.method not in SURROGATES:
            remedy = nearest(str(self.method), SURROGATES)
            raise DescriptionError(message("Surrogate.method", self.method, ", ".join(SURROGATES), remedy))


@dataclass(frozen=True, eq=False)
class Cell:
    """Populations of one `equations`, side by side on one axis of `size` neurons.

    `kind`: the Norse cell, or "derived". `decays` a, `gains` 1 - a, `constants`: by name, [neuron];
    `refractory`: steps, [neuron]. `box`: the parameters of Norse's cell, None if derived. `targets` (of the
    relaxations), `updates` (of those that are made after), `margin` and `reset`: the compiled equations. `thresholds`
    [batch, neuron], where devices differ in them, None where not; `keeper` of the membranes, where they have few bits.
    """

    populations: tuple[str, ...]
    size: int
    kind: str
    equations: Equations
    dt: float
    decays: dict[str, Tensor]
    gains: dict[str, Tensor]
    constants: dict[str, Tensor]
    refractory: Tensor
    surrogate: Surrogate
    alpha: Tensor
    box: LIFBoxParameters | None
    targets: tuple[Law, ...]
    updates: tuple[Law, ...]
    margin: Law
    reset: dict[str, Law]
    thresholds: Tensor | None = None
    keeper: Keeper | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the state variables, in the order of the equations."""
        return self.equations.variables


class CellState(NamedTuple):
    """`variables` in the order of the equations and `refractory`, the steps left, all [batch, neuron].

    `refractory` is None where no neuron ever is refractory.
    """

    variables: tuple[Tensor, ...]
    refractory: Tensor | None


def make_cell(
    plans: Sequence[NeuronPlan], dt: float, surrogate: Surrogate, dtype: torch.dtype, device: torch.device
) -> Cell:
    """Return the cell of all `plans`, which share their equations."""
    equations = plans[0].equations
    names = (*equations.variables, *plans[0].constants)

    def each(values: Sequence[float]) -> Tensor:
        sizes = torch.tensor([plan.size for plan in plans])
        return torch.tensor(values, dtype=dtype).repeat_interleave(sizes).to(device)

    kind = NORSE_CELLS.get(equations, "derived")
    constants = {name: each([plan.constants[name] for plan in plans]) for name in plans[0].constants}
    alpha = torch.tensor(surrogate.alpha, dtype=dtype, device=device)
    box = None
    if kind == "lif_box":
        box = LIFBoxParameters(
            tau_mem_inv=each([(1 - plan.decays["v"]) / dt for plan in plans]),
            v_leak=constants["rest"],
            v_th=constants["threshold"],
            v_reset=constants["reset"],
            method=surrogate.method,
            alpha=alpha,
        )
    return Cell(
        populations=tuple(plan.name for plan in plans),
        size=sum(plan.size for plan in plans),
        kind=kind,
        equations=equations,
        dt=dt,
        decays={name: each([plan.decays[name] for plan in plans]) for name in plans[0].decays},
        gains={name: each([1 - plan.decays[name] for plan in plans]) for name in plans[0].decays},
        constants=constants,
        refractory=each([plan.refractory for plan in plans]),
        surrogate=surrogate,
        alpha=alpha,
        box=box,
        targets=tuple(law(relaxation.target, names) for relaxation in equations.relaxations),
        updates=tuple(law(update.value, names) for update in equations.updates),
        margin=margin(equations.threshold, names),
        reset={variable: law(text, names) for variable, text in equations.reset},
    )


def fire(cell: Cell, state: CellState, arrived: Tensor) -> tuple[Tensor, CellState]:
    """Integrate with the current that `arrived`, fire, reset; return the spikes (0 or 1) and the new state.

    `arrived`, spikes: [batch, neuron].
    """
    held = None if state.refractory is None else state.refractory > 0
    current = torch.addcmul(arrived, state.variables[0], cell.decays["u"])
    advance = _derived if cell.box is None else _lif_box
    spikes, variables = advance(cell, state.variables, current, held)
    if state.refractory is None:
        return spikes, CellState(variables, None)
    # A neuron that spikes has no steps left, so one maximum both counts down and starts anew.
    waiting = torch.maximum(state.refractory - 1, spikes.detach() * cell.refractory)
    return spikes, CellState(variables, waiting)


def _lif_box(
    cell: Cell, variables: tuple[Tensor, ...], current: Tensor, held: Tensor | None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Norse's cell; its Euler step with ``tau_mem_inv = (1 - a)/dt`` is the exact relaxation."""
    potential = variables[1]
    drive = torch.addcmul(cell.constants["bias"], current, cell.constants["resistance"])
    spikes, after = lif_box_feed_forward_step(drive, LIFBoxFeedForwardState(potential), cell.box, cell.dt)
    if held is None:
        return spikes, (current, after.v)
    return spikes.masked_fill(held, 0.0), (current, torch.where(held, potential, after.v))


def _derived(
    cell: Cell, variables: tuple[Tensor, ...], current: Tensor, held: Tensor | None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """``x <- a x + (1 - a) target`` for each relaxation, then the updates in order, the spikes and the reset.

    Spikes are Norse's function of the margin.
    """
    old = {**cell.constants, **dict(zip(cell.variables, variables, strict=True)), "u": current}
    new = dict(old)
    for relaxation, target in zip(cell.equations.relaxations[1:], cell.targets[1:], strict=True):
        a, rest, before = cell.decays[relaxation.variable], cell.gains[relaxation.variable], old[relaxation.variable]
        relaxed = a * before + rest * target.evaluate(old)
        keep = held is not None and relaxation.held
        new[relaxation.variable] = torch.where(held, before, relaxed) if keep else relaxed
    for update, value in zip(cell.equations.updates, cell.updates, strict=True):
        updated = value.evaluate(new)
        keep = held is not None and update.held
        new[update.variable] = torch.where(held, new[update.variable], updated) if keep else updated
    own = new if cell.thresholds is None else new | {"threshold": cell.thresholds}
    spikes = threshold(cell.margin.evaluate(own), cell.surrogate.method, cell.alpha)
    if held is not None:
        spikes = spikes.masked_fill(held, 0.0)
    after = {
        variable: reset_value(spikes, new[variable], value.evaluate(new), cell.alpha)  # the last is not read
        for variable, value in cell.reset.items()
    }
    return spikes, tuple(after.get(variable, new[variable]) for variable in cell.variables)
