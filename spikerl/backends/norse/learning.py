"""One step of a compiled rule on all synapses of a projection: read all, then write all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from spikerl.backends.norse.rules import Change, Group, Product, Signal, Signals
from spikerl.backends.norse.storing import Stock
from spikerl.backends.norse.synapses import Dense, Listed, Synapses


class Held(NamedTuple):
    """What the synapses hold before the step, in their places: the `weight`, the `eligibilities`, and the `stock`."""

    weight: Tensor
    eligibilities: tuple[Tensor, ...]
    stock: Stock | None = None


class Addend(NamedTuple):
    """``value * product of factors``, which broadcast; if `outer`, the batched matrix product of the two factors."""

    value: float
    factors: tuple[Tensor, ...]
    outer: bool = False


def learn(synapses: Synapses, old: Held, signals: Signals, donate: bool) -> Held:
    """Return the weights, clipped, and the eligibilities after the step, each product having read the old ones.

    What is in few bits is put on its grid after that.

    With `donate` the arrays of `old` are written over; without it nothing given changes.
    """
    rule, place = synapses.rule, synapses.place
    if rule is None:
        return old
    stock = old.stock
    changed = _changed(place, old.weight, rule.weights, old, signals, donate)
    spare = donate and not (rule.weights.keep and changed is old.weight)
    weight = _clipped(changed, synapses, changed if spare else None)
    if synapses.stored is not None and stock is not None:

        def eligible() -> Tensor:
            return old.eligibilities[0] * rule.eligibilities[0].decay

        stock = synapses.stored.store(stock, old.weight, weight, eligible, signals.drawn, donate)
    fed = tuple(
        _changed(place, eligibility, change, old, signals, donate)
        for eligibility, change in zip(old.eligibilities, rule.eligibilities, strict=True)
    )
    keepers = synapses.keepers or (None,) * len(fed)
    fed = tuple(
        eligibility if keeper is None else keeper.rounded(eligibility, signals.drawn)
        for eligibility, keeper in zip(fed, keepers, strict=True)
    )
    return Held(weight, fed, stock)


def _clipped(values: Tensor, synapses: Synapses, out: Tensor | None) -> Tensor:
    """Return `values` within the bounds; where these are tensors, two passes are faster than torch's one."""
    if isinstance(synapses.low, Tensor) and isinstance(synapses.high, Tensor):
        above = torch.maximum(values, synapses.low, out=out)
        return torch.minimum(above, synapses.high, out=out)
    return torch.clamp(values, synapses.low, synapses.high, out=out)


def _changed(place: Dense | Listed, old: Tensor, change: Change, held: Held, signals: Signals, donate: bool) -> Tensor:
    """``decay old + sum of groups``, in as few passes over the synapses as their grouping allows."""
    new, decay = old, change.decay
    out = old if donate and not change.keep else None
    for group in change.groups:
        for addend in _addends(place, group, held, signals):
            if addend.outer:
                new = torch.baddbmm(new, *addend.factors, beta=decay, alpha=addend.value, out=out)
            else:
                if decay != 1:
                    new = torch.mul(new, decay, out=out)
                    out = new if donate else None
                new = _added(new, addend, out)
            decay = 1.0
            out = new if donate else None
    return new if decay == 1 else torch.mul(new, decay, out=out)


def _added(old: Tensor, addend: Addend, out: Tensor | None) -> Tensor:
    match addend.factors:
        case ():
            return torch.add(old, torch.full_like(old[:1, :1], addend.value), out=out)
        case (one,):
            return torch.add(old, one, alpha=addend.value, out=out)
        case (one, two):
            return torch.addcmul(old, one, two, value=addend.value, out=out)
        case (one, two, three):
            return torch.addcmul(old, one * two, three, value=addend.value, out=out)
    raise AssertionError("a product has at most a matrix, a pre- and a post-synaptic vector")


def _addends(place: Dense | Listed, group: Group, held: Held, signals: Signals) -> Iterator[Addend]:
    matrix = _matrix(group, held)
    paired = [p for p in group.products if p.pre and p.post] if isinstance(place, Dense) else []
    if paired:
        left, right = _columns(paired, signals)
        yield (Addend(1.0, (left, right), True) if not matrix else Addend(1.0, (*matrix, torch.bmm(left, right))))
    for product in group.products:
        if product not in paired:
            yield Addend(product.coefficient, (*matrix, *_met(place, product, signals)))


def _matrix(group: Group, held: Held) -> tuple[Tensor, ...]:
    """The values of the synapses that all products of `group` read, multiplied; empty where they read none."""
    read = [held.weight] * group.weights + [held.eligibilities[number] for number in group.eligibilities]
    if not read:
        return ()
    total = read[0]
    for matrix in read[1:]:
        total = total * matrix
    return (total,)


def _columns(products: Sequence[Product], signals: Signals) -> tuple[Tensor, Tensor]:
    """Return [batch, pre, product] and [batch, product, post], whose matrix product is the sum of `products`."""
    left, right = [], []
    for product in products:
        left.append(_times(product.pre, signals))
        post = _times(product.post, signals)
        if product.shared:
            post = post * _times(product.shared, signals)[:, None]
        right.append(post if product.coefficient == 1 else post * product.coefficient)
    return torch.stack(left, 1).transpose(1, 2), torch.stack(right, 1)


def _met(place: Dense | Listed, product: Product, signals: Signals) -> list[Tensor]:
    """Return the vectors of `product` at the synapses, at most two."""
    pre = _times(product.pre, signals) if product.pre else None
    post = _times(product.post, signals) if product.post else None
    shared = _times(product.shared, signals) if product.shared else None
    if shared is not None and post is not None:
        post, shared = post * shared[:, None], None
    elif shared is not None and pre is not None:
        pre, shared = pre * shared[:, None], None
    met = [] if pre is None else [place.meet_pre(pre)]
    if post is not None:
        met.append(place.meet_post(post))
    if shared is not None:
        met.append(place.meet_all(shared))
    return met


def _times(factors: tuple[Signal, ...], signals: Signals) -> Tensor:
    total = signals.read(factors[0])
    for factor in factors[1:]:
        total = total * signals.read(factor)
    return total
