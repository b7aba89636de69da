"""Adamax is torch's, whether it is told a gradient or the factors of one, in however many parts.

Catches: a decay that is left out or taken twice, a part of a weight that is skipped, a factor's rows that slip, a
weight without a gradient that becomes NaN.
"""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("norse", reason="norse is not installed")

from spikerl.dcll import adamax  # noqa: E402
from spikerl.dcll.adamax import Adamax  # noqa: E402

RATE, STEPS = 3e-3, 12


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def in_any_layout(gradient: torch.Tensor) -> torch.Tensor:
    """Return maps by position, as convolutions give them."""
    return gradient.contiguous(memory_format=torch.channels_last) if gradient.dim() == 4 else gradient


@pytest.mark.parametrize("held", [1, 20, 2**16])
@pytest.mark.parametrize("shape", [(7, 5), (7,), (4, 2, 3, 3)], ids=str)
def test_it_is_that_of_torch(shape: tuple[int, ...], held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for eps, which is small beside these gradients."""
    monkeypatch.setattr(adamax, "_HELD", held)
    ours, theirs = drawn(*shape), drawn(*shape)
    mine, its = Adamax([ours], RATE), torch.optim.Adamax([theirs], lr=RATE, betas=(0.0, 0.95))
    for step in range(STEPS):
        ours.grad = theirs.grad = in_any_layout(drawn(*shape, seed=step + 1) * 0.5**step)
        mine.step(), its.step()
    assert float((ours - drawn(*shape)).abs().max()) > 2 * RATE
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-3 * RATE)


def test_factors_are_their_product(monkeypatch: pytest.MonkeyPatch) -> None:
    """In parts of 2 rows of 7."""
    monkeypatch.setattr(adamax, "_HELD", 10)
    whole, parts = drawn(7, 5), drawn(7, 5)
    by_product, by_factors = Adamax([whole], RATE), Adamax([parts], RATE)
    for step in range(STEPS):
        m, p = drawn(3, 7, seed=step + 1), drawn(3, 5, seed=step + 100)
        by_product.follow(whole, m.t() @ p)
        by_factors.follow(parts, m.t(), p)
    torch.testing.assert_close(whole, parts, rtol=1e-12, atol=1e-15)


def test_a_weight_without_a_gradient_stays() -> None:
    silent = drawn(3, 2)
    optimiser = Adamax([silent], RATE)
    silent.grad = torch.zeros_like(silent)
    for _ in range(3):
        optimiser.step()
    torch.testing.assert_close(silent, drawn(3, 2), rtol=0, atol=0)
