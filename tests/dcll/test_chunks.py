"""A chunk of fixed weights is its steps one by one: the same spikes, filters, gradients and losses.

Catches: a filter coefficient, a chunk's or a block's boundary that is a step off, what a chunk began from left out of
its gradient, a burn-in that ends inside a chunk, an error through the wrong neuron of a pooled square, a mean over the
wrong number of steps, and sparse products that are not the dense ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("norse", reason="norse is not installed")

from spikerl.dcll import (  # noqa: E402
    Convolution,
    Dense,
    Description,
    Filters,
    Loss,
    Network,
    Readout,
    Trainer,
    Training,
    chunks,
    products,
)
from spikerl.dcll.dynamics import said  # noqa: E402
from spikerl.dcll.gradients import Factors, Gradient, by_hand  # noqa: E402
from spikerl.dcll.losses import value  # noqa: E402
from spikerl.dcll.schedules import step_by_step  # noqa: E402
from spikerl.errors import DescriptionError  # noqa: E402

STEPS, BATCH, OUTPUTS = 41, 3, 4
STACKS = {
    "dense": ((11,), (Dense(9), Dense(7))),
    "convolution": ((2, 7, 6), (Convolution(4, 3, pool=2), Convolution(3, 3), Dense(6))),
}
FILTERS = {"usual": Filters(), "equal": Filters("6 ms", "6 ms", "2 ms")}
_MOVED = 0.005
"""So little that rounding does not grow from change to change, as it does in chaos."""
Found = tuple[list[tuple[int, Gradient]], float, list[np.ndarray]]


def network(stack: str, filters: str = "usual", dtype: torch.dtype = torch.float64) -> Network:
    """Return layers that fire, whose readouts err by more and by less than 1."""
    inputs, layers = STACKS[stack]
    return Network(Description(inputs, layers, OUTPUTS, FILTERS[filters], Readout(6.0), gain=3.0), seed=2, dtype=dtype)


def given(made: Network, share: float = 0.3) -> tuple[torch.Tensor, torch.Tensor]:
    """Return spikes and targets that change with time; they sum to 1 over outputs, as classes do."""
    draw = torch.Generator().manual_seed(1)
    like = made.parameters[0].weight
    spikes = torch.rand((STEPS, BATCH, *made.description.inputs), generator=draw) < share
    return spikes, torch.softmax(4 * torch.rand((STEPS, BATCH, OUTPUTS), generator=draw).to(like), 2)


def moved(made: Network, place: int, gradient: Gradient) -> None:
    """Change a layer, so that a later chunk has other weights."""
    made.parameters[place].weight.sub_(gradient.weight, alpha=_MOVED)
    made.parameters[place].bias.sub_(gradient.bias, alpha=_MOVED)


@torch.no_grad()
def by_steps(made: Network, spikes: torch.Tensor, targets: torch.Tensor, training: Training) -> Found:
    """Return the changes, loss and spikes of a run whose gradients are taken step by step and then averaged."""
    states, layers = made.silent(BATCH), made.description.layers
    changes: list[tuple[int, Gradient]] = []
    outs: list[list[np.ndarray]] = [[] for _ in layers]
    losses = []
    for first in range(0, STEPS, training.every):
        sums = [[torch.zeros_like(own.weight), torch.zeros_like(own.bias)] for own in made.parameters]
        counted = 0
        for step in range(first, min(first + training.every, STEPS)):
            seen = made.advance(states, spikes[step].to(targets.dtype))
            for out, each in zip(outs, seen, strict=True):
                out.append(each.out.numpy().copy())
            if step < training.burn_in:
                continue
            counted += 1
            losses.append(value(training.loss, said(made.parameters[-1], seen[-1].out), targets[step]).item())
            for layer, own, state, each, kept in zip(layers, made.parameters, states, seen, sums, strict=True):
                found = by_hand(layer, own, state, each, targets[step], training.loss)
                for total, one in zip(kept, found, strict=True):
                    total += one
        for place, (weight, bias) in enumerate(sums if counted else []):
            changes.append((place, Gradient(weight / counted, bias / counted)))
            moved(made, *changes[-1])
    return changes, float(np.mean(losses)) if losses else 0.0, [np.stack(out) for out in outs]


@torch.no_grad()
def by_chunks(
    made: Network, spikes: torch.Tensor, targets: torch.Tensor, training: Training, patch: pytest.MonkeyPatch
) -> Found:
    """Return the same of the schedule of chunks."""
    changes: list[tuple[int, Gradient]] = []
    outs: list[list[np.ndarray]] = [[] for _ in made.parameters]
    run = chunks._forward

    def forward(layer: object, parameters: object, *rest: object) -> object:
        seen = run(layer, parameters, *rest)  # type: ignore[arg-type]
        place = next(k for k, own in enumerate(made.parameters) if own is parameters)
        outs[place] += [each.numpy().copy() for each in seen.out]
        return seen

    def change(place: int, gradient: Gradient) -> None:
        changes.append((place, gradient))
        moved(made, place, gradient)

    patch.setattr(chunks, "_forward", forward)
    loss = chunks.Chunks()(
        made, spikes, targets, change, loss=training.loss, every=training.every, burn_in=training.burn_in
    )
    return changes, float(loss), [np.stack(out) for out in outs]


def assert_the_same(ours: Found, theirs: Found, allowed: float = 1e-9) -> None:
    """Gradients of every change, loss, and spikes of every layer and step."""
    assert [place for place, _ in ours[0]] == [place for place, _ in theirs[0]]
    for (_, mine), (_, its) in zip(ours[0], theirs[0], strict=True):
        for one, other in zip(mine, its, strict=True):
            assert float((one - other).norm()) <= allowed * float(other.norm())
    assert ours[1] == pytest.approx(theirs[1], rel=allowed)
    for mine, its in zip(ours[2], theirs[2], strict=True):
        np.testing.assert_array_equal(mine, its)
        assert 0.02 < its.mean() < 0.9


CASES = [
    Training(loss, every=every, burn_in=burn_in)
    for loss in Loss
    for every, burn_in in ((1, 0), (2, 5), (7, 0), (7, 10), (20, 27), (STEPS, 4), (100, 0))
]


@pytest.mark.parametrize("training", CASES, ids=lambda t: f"{t.loss.value}-{t.every}-{t.burn_in}")
@pytest.mark.parametrize("stack", STACKS)
def test_a_chunk_is_its_steps(stack: str, training: Training, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks that divide the time and that do not, burn-ins at boundaries, within a chunk, and over whole ones."""
    ours, theirs = network(stack), network(stack)
    found = by_chunks(ours, *given(ours), training, monkeypatch)
    assert_the_same(found, by_steps(theirs, *given(theirs), training))


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("at_once", [1, 3, 8])
def test_blocks_of_a_chunk_leave_no_seam(stack: str, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 16 steps in blocks, the burn-in within one of them; time constants that are the same too."""
    monkeypatch.setattr(chunks, "_steps_at_once", lambda network, batch: at_once)
    training = Training(every=16, burn_in=5)
    ours, theirs = network(stack, "equal"), network(stack, "equal")
    found = by_chunks(ours, *given(ours), training, monkeypatch)
    assert_the_same(found, by_steps(theirs, *given(theirs), training))


def test_blocks_are_as_long_as_the_widest_layer_allows() -> None:
    """Catches memory that grows with the chunk: 64 samples of 784 numbers, 62 steps; of 8 maps of 28 x 28, 7."""
    for inputs, layers, steps in (((784,), (Dense(512),), 62), ((1, 28, 28), (Convolution(8, pool=4),), 7)):
        made = Network(Description(inputs, layers, OUTPUTS))
        assert chunks._steps_at_once(made, 64) == steps


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5])
@pytest.mark.parametrize("inputs", [5, 300])
def test_few_spikes_are_the_whole(share: float, inputs: int) -> None:
    """Currents, gradient and filters through the places of spikes, more columns than are taken at once."""
    draw = torch.Generator().manual_seed(3)
    made = Network(Description((inputs,), (Dense(300),), OUTPUTS), dtype=torch.float64)
    (layer,), (own,) = made.description.layers, made.parameters
    spikes = torch.rand((6, 4, inputs), generator=draw) < share
    factor = torch.rand((6, 4, 300), generator=draw, dtype=torch.float64)
    found: list[list[torch.Tensor]] = []
    for kind in (products.Few(spikes.numpy(), torch.float64), products.Whole(layer, spikes.double(), None)):
        (state,) = made.silent(4)
        state.q.fill_(0.3), state.p.fill_(0.2)
        products.end_filters(state, kind, 6, made.constants)
        kind.currents(own.weight, currents := factor.new_empty(factor.shape))
        found.append([currents, kind.gradient(factor, own.weight.shape), state.q, state.p])
    for mine, its in zip(*found, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-12, atol=1e-12)


def test_products_are_chosen_by_the_share_of_spikes() -> None:
    """Few on a processor, whole for many, for convolutions, and in bfloat16."""
    like = torch.zeros(1)
    few, many = (torch.rand((3, 2, 400), generator=torch.Generator().manual_seed(1)) < share for share in (0.05, 0.4))
    assert isinstance(products.heard(Dense(2), few, like, None), products.Few)
    assert isinstance(products.heard(Dense(2), few.float(), like, None), products.Few)
    assert isinstance(products.heard(Dense(2), many, like, None), products.Whole)
    assert isinstance(products.heard(Dense(2), few, like, torch.bfloat16), products.Whole)
    assert isinstance(products.heard(Convolution(2), few.view(3, 2, 1, 20, 20), like, None), products.Whole)


def test_the_trainer_takes_the_schedule_it_is_told() -> None:
    """Chunks of 7 steps with plain gradient descent: the weights are those of the steps' averaged gradients."""
    ours, theirs = network("dense"), network("dense")
    training = Training(Loss.SMOOTH_L1, "sgd", rate=_MOVED, every=7, burn_in=3, schedule="chunks")
    spikes, targets = given(ours)
    Trainer(ours, training).follow(spikes.numpy(), targets[:, 0].numpy())
    by_steps(theirs, spikes, targets[:, :1].expand(-1, BATCH, -1), training)
    for mine, its in zip(ours.parameters, theirs.parameters, strict=True):
        torch.testing.assert_close(mine.weight, its.weight, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(mine.bias, its.bias, rtol=1e-9, atol=1e-12)


def test_chunks_of_one_step_are_steps() -> None:
    """The other schedule, through the trainer, with its optimiser; catches a trainer that takes the wrong one."""
    found = {}
    for name in ("steps", "chunks"):
        made = network("dense")
        spikes, targets = given(made)
        training = Training(Loss.SMOOTH_L1, "sgd", rate=0.02, burn_in=3, schedule=name)
        loss = Trainer(made, training).follow(spikes.numpy(), targets[:, 0].numpy())
        found[name] = [loss, *(own.weight.numpy() for own in made.parameters)]
    for mine, its in zip(found["chunks"], found["steps"], strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-9)


@pytest.mark.parametrize("run", [step_by_step, chunks.Chunks()], ids=["steps", "chunks"])
@pytest.mark.parametrize("stack", STACKS)
def test_products_in_bfloat16_are_near(stack: str, run: Callable[..., torch.Tensor]) -> None:
    """First gradients, in float32 and with products in bfloat16: not the same, and within its 8 bits; weights stay."""
    found: list[list[torch.Tensor]] = []
    for product in (None, torch.bfloat16):
        made = network(stack, dtype=torch.float32)
        spikes, targets = given(made)
        seen: list[torch.Tensor] = []

        def change(place: int, gradient: Gradient | Factors, seen: list[torch.Tensor] = seen) -> None:
            seen.append((gradient.gradient() if isinstance(gradient, Factors) else gradient).weight)

        run(made, spikes[:6], targets[:6], change, loss=Loss.SMOOTH_L1, every=6, burn_in=5, gradient="hand",
            product=product)  # fmt: skip
        assert all(gradient.dtype is torch.float32 for gradient in seen) and len(seen) == len(made.parameters)
        found.append(seen)
    differences = []
    for exact, near in zip(*found, strict=True):
        differences.append(float((near - exact).norm() / exact.norm().clamp_min(1e-30)))
    assert 0 < max(differences) < 0.1, differences


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("schedule", "chunk", "did you mean 'chunks'"),
        ("precision", "float16", "full or bfloat16"),
        ("gradient", "autograd", "hand, with a schedule of chunks"),
    ],
)
def test_schedules_that_cannot_be_are_refused(field: str, value: object, told: str) -> None:
    with pytest.raises(DescriptionError, match=told):
        replace(Training(schedule="chunks"), **{field: value})


def test_autograd_has_no_other_precision() -> None:
    with pytest.raises(DescriptionError, match="hand, with a schedule of chunks or a precision of bfloat16"):
        Training(gradient="autograd", precision="bfloat16")
