"""One pass is torch's several, for every type and layout that is taken.

Catches: a membrane that is filtered before its filter, spikes of the step before that are lost, a slope without its
square, numbers that are paired across different layouts.
"""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("norse", reason="norse is not installed")

from spikerl.dcll import (  # noqa: E402
    Convolution,
    Dense,
    Description,
    Network,
    Readout,
    Trainer,
    Training,
    kernels,
)
from spikerl.dcll.pooling import unpooled  # noqa: E402
from spikerl.plasticity.surrogate import fast_sigmoid  # noqa: E402

MAPS = (3, 4, 5, 6)


def drawn(count: int, layout: str, dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(7)
    shape = (6, 11) if layout == "rows" else MAPS
    found = [torch.randn(shape, generator=draw, dtype=dtype) for _ in range(count)]
    return [each.contiguous(memory_format=torch.channels_last) if layout == "positions" else each for each in found]


@pytest.mark.parametrize("layout", ["rows", "maps", "positions"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_kernels_are_what_torch_does(dtype: torch.dtype, layout: str) -> None:
    p, q, s, u, r = drawn(5, layout, dtype)
    s = (s > 0).to(dtype)
    assert kernels.fits(p, q, s, u, r)
    later_q, later_p = q.lerp(s, 0.2), p.lerp(q, 0.1)
    later_r = 0.6 * r - 0.4 * s
    later_u = u + later_r
    m = p.clone() * fast_sigmoid(later_u)
    kernels.slope(mine := p.clone(), later_u)
    kernels.follow(p, q, s, 0.9, 0.8)
    kernels.fire(u, r, s, 0.6)
    allowed = {"rtol": 1e-5, "atol": 1e-6} if dtype is torch.float32 else {"rtol": 1e-12, "atol": 1e-14}
    for found, wanted in ((p, later_p), (q, later_q), (r, later_r), (u, later_u), (mine, m)):
        torch.testing.assert_close(found, wanted, **allowed)
    torch.testing.assert_close(s, (u > 0).to(dtype), rtol=0, atol=0)


def test_what_does_not_lie_alike_is_left_to_torch() -> None:
    maps, positions = drawn(1, "maps")[0], drawn(1, "positions")[0]
    assert kernels.fits(maps) and kernels.fits(positions)
    assert not kernels.fits(maps, positions)
    assert not kernels.fits(maps[:, ::2])
    assert not kernels.fits(maps, maps.float())
    assert not kernels.fits(maps.bfloat16())
    assert not kernels.fits(maps.clone().requires_grad_())
    assert not kernels.fits(maps.new_ones(()).expand(MAPS))


@pytest.mark.parametrize("schedule", ["steps", "chunks"])
def test_what_torch_does_where_kernels_cannot_trains_the_same(schedule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a CUDA device: convolution, pooling and dense, with Adamax; catches a way that is never taken here."""
    spikes = np.random.default_rng(2).random((20, 5, 2, 6, 6)) < 0.3
    found = []
    for taken in (True, False):
        if not taken:
            monkeypatch.setattr(kernels, "fits", lambda *tensors: False)
        layers = (Convolution(4, 3, pool=2), Dense(9))
        network = Network(Description((2, 6, 6), layers, 3, readout=Readout(4.0), gain=3.0), dtype=torch.float64)
        trainer = Trainer(network, Training(rate=1e-4, burn_in=3, every=4, schedule=schedule))
        loss = trainer.follow(spikes, np.eye(3)[np.arange(20) % 3])
        found.append([torch.tensor(loss), *(each for own in network.parameters for each in own)])
    for mine, its in zip(*found, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("size", [2, 3])
def test_errors_go_back_through_pooling_and_slope_at_once(size: int) -> None:
    """Of 5 x 6 neurons, with a rim; catches a slope of another neuron, a square without spikes that gets no error."""
    u, s = drawn(2, "positions")
    s = (s > 0.8).double().contiguous(memory_format=torch.channels_last)
    back = drawn(1, "positions")[0][:, :, : 5 // size, : 6 // size].contiguous(memory_format=torch.channels_last)
    assert kernels.by_position(back, s, u)
    wanted = unpooled(back, s, size) * fast_sigmoid(u)
    torch.testing.assert_close(kernels.unpool(back, s, u, size), wanted, rtol=1e-12, atol=1e-15)
