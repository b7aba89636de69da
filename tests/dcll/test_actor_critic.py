"""An actor and a critic on local layers: the change is the gradient through each layer's own readout, and it learns.

Catches: an error that reaches another layer, a surrogate or a step left out, a sign, a trace that does not fade or that
outlives its episode, learning without dopamine, an instance that takes another's dopamine, a state that is not whole.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("norse", reason="norse is not installed")

from norse.torch.functional.threshold import threshold  # noqa: E402

from spikerl.dcll import Convolution, Dense, Description, Filters, Network, Readout  # noqa: E402
from spikerl.dcll.actor_critic import ActorCritic  # noqa: E402
from spikerl.dcll.dynamics import membrane, pooled, said  # noqa: E402
from spikerl.dcll.rewarded import Learning  # noqa: E402
from spikerl.errors import DescriptionError  # noqa: E402
from spikerl.plasticity.surrogate import SLOPE  # noqa: E402
from spikerl.seeding import generator  # noqa: E402

BATCH, STEPS, ACTIONS, RATE = 3, 6, 3, 0.5
LEARNING = Learning(discount=0.9, trace=0.8, critic=0.7, rate=RATE, optimiser="sgd")
DENSE = Description((5,), (Dense(7), Dense(6)), ACTIONS + 1, Filters("4 ms", "2 ms", "2 ms"), Readout(3.0), gain=2.0)
IMAGES = replace(DENSE, inputs=(2, 5, 4), layers=(Convolution(4, 3, 2), Convolution(3, 2), Dense(6)))
BEGINS = np.ones(BATCH, dtype=bool)


def shown(description: Description, number: int = 0) -> NDArray[np.bool_]:
    return generator(7, "shown", number).random((STEPS, BATCH, *description.inputs)) < 0.5


def network(description: Description) -> Network:
    return Network(description, seed=2, dtype=torch.float64)


def weights(made: Network) -> list[NDArray[np.float64]]:
    return [part.numpy().copy() for own in made.parameters for part in (own.weight, own.bias)]


def by_autograd(made: Network, spikes: NDArray[np.bool_], choice: NDArray[np.int64], weigh: NDArray) -> list:
    """Return the gradients of ``mean weigh (log pi(choice) + c V)``, the path between layers and steps being cut."""
    states, leaves = made.silent(BATCH), []
    for own in made.parameters:
        leaves.append([part.clone().requires_grad_() for part in own[:2]])
    total = torch.zeros((BATCH, ACTIONS + 1), dtype=torch.float64)
    for now in torch.as_tensor(spikes):
        made.advance(states, now.double())
        for layer, own, state, leaf in zip(made.description.layers, made.parameters, states, leaves, strict=True):
            held = own._replace(weight=leaf[0], bias=leaf[1])
            u = membrane(layer, held, state.p.clone()) + state.r.clone()
            spiked = threshold(SLOPE * u.detach() + (u - u.detach()), "super", 1.0)
            total = total + said(own, pooled(layer, spiked))
    y = total / (STEPS * len(leaves))
    logs = torch.log_softmax(y[:, :-1], 1)[np.arange(BATCH), choice]
    found = (torch.as_tensor(weigh) * (logs + LEARNING.critic * y[:, -1])).mean()
    return torch.autograd.grad(found, [part for leaf in leaves for part in leaf])


@pytest.mark.parametrize("description", [DENSE, IMAGES], ids=["dense", "images"])
def test_the_change_is_dopamine_times_the_gradient_through_each_readout(description: Description) -> None:
    """Of one decision, for each layer's weights and biases, and after it of a second, with the trace of the first."""
    made = network(description)
    learner = ActorCritic(made, LEARNING, BATCH)
    dopamine, choices = np.array([0.7, -1.3, 0.4]), (np.array([0, 2, 1]), np.array([1, 1, 0]))
    before = weights(made)
    first = by_autograd(made, shown(description), choices[0], dopamine)
    learner.mark(learner.decide(shown(description)), choices[0], BEGINS)
    learner.learn(dopamine)
    for ours, old, theirs in zip(weights(made), before, first, strict=True):
        assert float(theirs.norm()) > 1e-6
        np.testing.assert_allclose((ours - old) / RATE, theirs.numpy(), rtol=1e-9, atol=1e-13)

    made = network(description)
    learner = ActorCritic(made, LEARNING, BATCH)
    begins, kept = np.array([False, True, False]), np.array([0.72, 0.0, 0.72])
    both = [
        a + b
        for a, b in zip(
            by_autograd(made, shown(description, 0), choices[0], dopamine * kept),
            by_autograd(made, shown(description, 1), choices[1], dopamine),
            strict=True,
        )
    ]
    learner.mark(learner.decide(shown(description, 0)), choices[0], BEGINS)
    learner.mark(learner.decide(shown(description, 1)), choices[1], begins)
    learner.learn(dopamine)
    for ours, old, theirs in zip(weights(made), before, both, strict=True):
        np.testing.assert_allclose((ours - old) / RATE, theirs.numpy(), rtol=1e-9, atol=1e-13)


def test_a_decision_is_the_mean_of_the_readouts_over_steps_and_layers() -> None:
    made = network(DENSE)
    states, total = made.silent(BATCH), 0
    for now in torch.as_tensor(shown(DENSE)):
        for own, seen in zip(made.parameters, made.advance(states, now.double()), strict=True):
            total = total + said(own, seen.out)
    y = total / (2 * STEPS)
    found = ActorCritic(made, LEARNING, BATCH).decide(shown(DENSE))
    np.testing.assert_allclose(found.policy, torch.softmax(y[:, :ACTIONS], 1).numpy(), rtol=1e-12)
    np.testing.assert_allclose(found.value, y[:, ACTIONS].numpy(), rtol=1e-12)
    drawn = np.array([found.drawn(1, "x", k) for k in range(2000)])
    shares = np.stack([(drawn == action).mean(axis=0) for action in range(ACTIONS)], axis=1)
    np.testing.assert_allclose(shares, found.policy, atol=0.05)


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_nothing_changes_without_dopamine(optimiser: str) -> None:
    """Not where it never came, and not after some came; what is not seen in the weights is seen in the next change."""
    made = network(DENSE)
    learner = ActorCritic(made, replace(LEARNING, optimiser=optimiser), BATCH)
    for dopamine in (0.0, 1.0, 0.0):
        before = weights(made)
        decision = learner.decide(shown(DENSE))
        learner.mark(decision, decision.best(), BEGINS)
        learner.learn(np.full(BATCH, dopamine))
        same = [np.array_equal(ours, old) for ours, old in zip(weights(made), before, strict=True)]
        assert all(same) if dopamine == 0 else not any(same)


@pytest.mark.parametrize("changed", [0, 1])
def test_a_layer_learns_by_its_own_readout(changed: int) -> None:
    """Another readout changes what its own layer learns and no other, with policy, choice and dopamine as they were."""
    found = []
    for factor in (1.0, -0.5):
        made = network(DENSE)
        learner = ActorCritic(made, LEARNING, BATCH)
        decision = learner.decide(shown(DENSE))
        before = weights(made)
        made.parameters[changed].readout.mul_(factor)
        learner.mark(decision, np.array([0, 2, 1]), BEGINS)
        learner.learn(np.ones(BATCH))
        found.append([ours - old for ours, old in zip(weights(made), before, strict=True)])
    for place in range(2):
        for ours, theirs in zip(*(each[2 * place : 2 * place + 2] for each in found), strict=True):
            assert np.array_equal(ours, theirs) == (place != changed)


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_a_restored_learner_goes_on_to_the_same_bits(optimiser: str) -> None:
    """With a trace and a rate that falls, mid-episode."""

    def go(learner: ActorCritic, numbers: range) -> None:
        for number in numbers:
            decision = learner.decide(shown(IMAGES, number))
            learner.mark(decision, decision.drawn(1, "choice", number), BEGINS * (number == 0))
            learner.learn(generator(3, "dopamine", number).normal(size=BATCH))

    learning = replace(LEARNING, optimiser=optimiser, rate=0.05, halving=3)
    whole, stopped, resumed = (ActorCritic(network(IMAGES), learning, BATCH) for _ in range(3))
    go(whole, range(6))
    go(stopped, range(3))
    resumed.restore(stopped.state())
    go(resumed, range(3, 6))
    kept = resumed.state()
    for name, array in whole.state().items():
        np.testing.assert_array_equal(array, kept[name], err_msg=name)
    assert not np.array_equal(weights(whole.network)[0], weights(stopped.network)[0])


def test_the_rate_falls_by_half() -> None:
    learning = replace(LEARNING, halving=10)
    assert [learning.rate_after(k) for k in (0, 10, 20)] == [RATE, RATE / 2, RATE / 4]
    assert LEARNING.rate_after(1000) == RATE


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("discount", 1.1, "0 to 1"),
        ("trace", -0.1, "0 to 1"),
        ("critic", -1.0, "0 to 1000"),
        ("rate", float("nan"), "Learning.rate"),
        ("halving", 2.5, "Learning.halving"),
        ("optimiser", "adamm", "did you mean 'adam'"),
    ],
)
def test_settings_that_cannot_be_are_refused(field: str, value: object, told: str) -> None:
    with pytest.raises(DescriptionError, match=told):
        replace(LEARNING, **{field: value})


def test_what_cannot_act_is_refused() -> None:
    """A single action, a batch of none, a choice before a window."""
    with pytest.raises(DescriptionError, match="at least 3"):
        ActorCritic(Network(replace(DENSE, outputs=2)), LEARNING, BATCH)
    with pytest.raises(DescriptionError, match=r"ActorCritic\.batch"):
        ActorCritic(network(DENSE), LEARNING, 0)
    learner = ActorCritic(network(DENSE), LEARNING, BATCH)
    decision = learner.decide(shown(DENSE), hold=False)
    with pytest.raises(DescriptionError, match="call decide"):
        learner.mark(decision, decision.best(), BEGINS)
