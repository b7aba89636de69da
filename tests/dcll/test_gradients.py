"""The update by hand is the gradient of the local loss, and the rule of the algebra.

Catches: a surrogate of another slope, a bias left out, a batch mean taken twice, an error that goes through the wrong
neuron of a pooled square, a filter a step late.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("norse", reason="norse is not installed")

from spikerl.dcll import Convolution, Dense, Description, Filters, Layer, Loss, Network  # noqa: E402
from spikerl.dcll.gradients import by_autograd, by_hand  # noqa: E402


@st.composite
def networks(draw: st.DrawFn) -> Description:
    """Draw convolutions, then dense layers, on a small image or a row."""
    shape = draw(st.sampled_from([(7,), (1, 6, 6), (2, 5, 7)]))
    layers: list[Layer] = []
    if len(shape) == 3:
        layers += draw(st.lists(st.builds(Convolution, st.integers(1, 4), st.sampled_from([1, 3])), max_size=2))
        layers += [draw(st.builds(Convolution, st.integers(1, 4), st.integers(2, 3), st.integers(1, 2)))]
    layers += draw(st.lists(st.builds(Dense, st.integers(1, 12)), min_size=1, max_size=3))
    taus = draw(st.tuples(st.floats(2, 30), st.floats(1, 15), st.floats(1, 5)))
    filters = Filters(*(f"{tau} ms" for tau in taus))
    return Description(shape, tuple(layers), draw(st.integers(2, 5)), filters)


@given(description=networks(), seed=st.integers(0, 2**32), loss=st.sampled_from(Loss))
@pytest.mark.parametrize(("dtype", "allowed"), [(torch.float64, 1e-9), (torch.float32, 1e-3)])
def test_by_hand_is_by_autograd(
    dtype: torch.dtype, allowed: float, description: Description, seed: int, loss: Loss
) -> None:
    """Of every layer, in every step: weights and biases."""
    network = Network(description, seed % 1000, dtype=dtype)
    draw = torch.Generator().manual_seed(seed)
    batch, target = 3, torch.rand((3, description.outputs), generator=draw, dtype=dtype)
    target /= target.sum(1, keepdim=True)
    states = network.silent(batch)
    for _ in range(6):
        spikes = (torch.rand((batch, *description.inputs), generator=draw) < 0.5).to(dtype)
        seen = network.advance(states, spikes)
        for place, layer in enumerate(description.layers):
            given_ = layer, network.parameters[place], states[place], seen[place], target, loss
            for ours, theirs in zip(by_hand(*given_), by_autograd(*given_), strict=True):
                size = float(theirs.norm())
                assert float((ours - theirs).norm()) <= allowed * max(size, 1e-3)
                if size > 1e-6:
                    cosine = torch.nn.functional.cosine_similarity(ours.flatten(), theirs.flatten(), 0)
                    assert float(cosine) > 0.9999


def test_filters_are_norses_integrator() -> None:
    """P is the voltage of Norse's leaky integrator that hears the spikes of the step before."""
    from norse.torch.functional.leaky_integrator import LIParameters, LIState, li_feed_forward_step

    description = Description((5,), (Dense(3),), 2)
    network, draw = Network(description, dtype=torch.float64), np.random.default_rng(0)
    alpha, beta, _ = network.constants
    parameters = LIParameters(torch.tensor((1 - beta) / 1e-3), torch.tensor((1 - alpha) / 1e-3), torch.tensor(0.0))
    states = network.silent(4)
    before = torch.zeros((4, 5), dtype=torch.float64)
    state = LIState(before.clone(), before.clone())
    for _ in range(50):
        spikes = torch.tensor(draw.random((4, 5)) < 0.3, dtype=torch.float64)
        network.advance(states, spikes)
        voltage, state = li_feed_forward_step((1 - beta) * before, state, parameters, 1e-3)
        torch.testing.assert_close(states[0].p, voltage, rtol=1e-6, atol=1e-9)
        before = spikes
    assert float(states[0].p.max()) > 0.2
