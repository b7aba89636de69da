"""Pooling of spikes is torch's, forward and back, in any layout of memory.

Catches: rows that are taken for columns, an error that goes to a later of equal neurons or to none, a rim that is left.
"""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("norse", reason="norse is not installed")

from spikerl.dcll.pooling import pooled, unpooled  # noqa: E402


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=["maps", "positions"])
@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_it_is_that_of_torch(share: float, size: int, layout: torch.memory_format) -> None:
    """Of 7 x 8 neurons, of which a row, and two columns of three, are left over."""
    draw = torch.Generator().manual_seed(4)
    s = (torch.rand((3, 5, 7, 8), generator=draw) < share).double().contiguous(memory_format=layout)
    out, places = torch.nn.functional.max_pool2d(s, size, return_indices=True)
    back = torch.randn(out.shape, generator=draw, dtype=torch.float64)
    whole = torch.zeros(s.shape, dtype=s.dtype)
    whole.view(3, 5, -1).scatter_(2, places.flatten(2), back.flatten(2))
    torch.testing.assert_close(pooled(s, size), out, rtol=0, atol=0)
    torch.testing.assert_close(unpooled(back, s, size), whole, rtol=0, atol=1e-15)
