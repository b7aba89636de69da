"""A program as flat arrays, the form in which compiled loops read it.

Populations stand side by side in one row of neurons, connections in one row of synapses, sorted by their pre-synaptic
neuron. What programs of one batch share, their `Layout`, is kept apart from their `Numbers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spikerl.errors import DescriptionError, message
from spikerl.hardware.emulation.traces import decay_tables
from spikerl.hardware.program import LIF, WEIGHT_RANGE, WIDTHS, Connection, Product, Program, Rule, right_shift

Integers = NDArray[np.int64]
VARIABLES = ("x1", "x2", "y1", "y2", "y3", "w", "t")
DEPENDENCIES = ("x0", "y0", "u")
HEARD = ("trace", "signal", "constant", "given")
NOWHERE = -1
TRACES, MIXED = 0, 1
"""Stand in `Layout.own` for no factor of the synapse, and for several, or one that is not taken as it is."""
WORD = 64


class Layout(NamedTuple):
    """The structure of a network: numbers of neurons and synapses, who reaches whom, the factors of rules.

    `first_neuron` [population + 1], `first_word` [input + 1] of the bits that say who sends, `sends` [population],
    whether its spikes go anywhere; `pre`, `post`, `first_synapse` [+ 1], `first_row`, `first_column`, `slots`,
    `full` (all pairs, and no delay), `graded` and `rule` (or -1) of each connection; `row` and `column` where the
    synapses of a neuron begin; `target`, `delay`, and by post-synaptic neuron `synapse` and `origin` of synapses.
    Learning connections: `epoch`, `decimate`, `products` [+ 1], `heard`, `three`, `reads` (w, t, as a factor), and
    where their own synapses and traces begin. Products: `changes` (0 w, 1 t), `when`, `factors` [+ 1], `own`; factors:
    `variable`, `constant`, `sign`, `width`. `own` says what of a product is the synapse's own: nothing (`TRACES`), w or
    t as it is (its place among `VARIABLES`), or what must be multiplied out for each (`MIXED`).
    `source` of each signal; `first_given` [third factor that is given + 1], where its neurons begin.
    """

    inputs: int
    ring: int
    first_neuron: Integers
    first_word: Integers
    sends: Integers
    pre: Integers
    post: Integers
    first_synapse: Integers
    first_row: Integers
    first_column: Integers
    full: Integers
    graded: Integers
    rule: Integers
    row: Integers
    column: Integers
    target: NDArray[np.int32]
    delay: NDArray[np.int32]
    synapse: NDArray[np.int32]
    origin: NDArray[np.int32]
    learner: Integers
    first_learned: Integers
    first_x: Integers
    first_y: Integers
    epoch: Integers
    decimate: Integers
    three: Integers
    heard: Integers
    products: Integers
    changes: Integers
    when: Integers
    reads: Integers
    factors: Integers
    own: Integers
    variable: Integers
    constant: Integers
    sign: Integers
    width: Integers
    source: Integers
    first_given: Integers


class Numbers(NamedTuple):
    """What programs of one layout may differ in; the first axis is the program.

    `neurons` [population, 8]: du, dv, threshold, bias, refractory, whether it is of spike response neurons, db, jump;
    `weight` [synapse], cut; `exponent` [connection]; `limits`
    [learner, 4]: least and greatest weight, and those of the accumulator; `product` [product, 3]: mantissa, right and
    left shift; `trace` [learner, 5]: impulses; `kept`, `share` [learner, 5, 256]: what a trace of -128 to 127 is after
    a step, and the probability of one more; `hearing` [learner, 3, 4]: decay, impulse, value, parts; `signal`
    [signal, 6].
    """

    neurons: Integers
    weight: NDArray[np.int16]
    exponent: Integers
    limits: Integers
    product: Integers
    trace: Integers
    kept: NDArray[np.int32]
    share: NDArray[np.float64]
    hearing: Integers
    signal: Integers


def orders(connection: Connection) -> NDArray[np.int64]:
    """Return the order of synapses by pre-synaptic, then post-synaptic neuron."""
    return np.lexsort((connection.post_index, connection.pre_index))


def layout(program: Program) -> Layout:
    """Return the structure of `program`."""
    names = (*program.inputs, *program.neurons)
    sizes = [program.size(name) for name in names]
    place = {name: k for k, name in enumerate(names)}
    connections = list(program.connections.values())
    learners = [k for k, connection in enumerate(connections) if connection.rule is not None]
    rules = [rule for connection in connections if (rule := connection.rule) is not None]
    products = [product for rule in rules for product in rule.products]
    factors = [factor for product in products for factor in product.factors]
    first_given = _starts([program.size(given.population) for given in program.given.values()])
    places = {name: k for k, name in enumerate(program.signals)}
    places |= {name: int(first_given[k]) for k, name in enumerate(program.given)}
    rows, columns, targets, delays, synapses, origins = [], [], [], [], [], []
    for connection in connections:
        order = orders(connection)
        pre, post = connection.pre_index[order], connection.post_index[order]
        by_post = np.lexsort((pre, post))
        rows.append(np.searchsorted(pre, np.arange(program.size(connection.pre) + 1)))
        columns.append(np.searchsorted(post[by_post], np.arange(program.size(connection.post) + 1)))
        targets.append(post)
        delays.append(connection.delay[order])
        synapses.append(by_post)
        origins.append(pre[by_post])
    longest = max((int(c.delay.max(initial=0)) for c in connections), default=0)
    return Layout(
        inputs=len(program.inputs),
        ring=longest + 2,
        first_neuron=_starts(sizes),
        first_word=_starts([-(-program.size(name) // WORD) for name in program.inputs]),
        sends=_integers(_sends(program, name) for name in names),
        pre=_integers(place[c.pre] for c in connections),
        post=_integers(place[c.post] for c in connections),
        first_synapse=_starts([c.weight.size for c in connections]),
        first_row=_starts([len(row) for row in rows])[:-1],
        first_column=_starts([len(column) for column in columns])[:-1],
        full=_integers(_is_full(program, c) for c in connections),
        graded=_integers(c.pre in program.inputs and program.inputs[c.pre].message_bits > 0 for c in connections),
        rule=_integers(learners.index(k) if k in learners else NOWHERE for k in range(len(connections))),
        row=_joined(rows, np.int64),
        column=_joined(columns, np.int64),
        target=_joined(targets, np.int32),
        delay=_joined(delays, np.int32),
        synapse=_joined(synapses, np.int32),
        origin=_joined(origins, np.int32),
        learner=_integers(learners),
        first_learned=_starts([connections[k].weight.size for k in learners]),
        first_x=_starts([program.size(connections[k].pre) for k in learners]),
        first_y=_starts([program.size(connections[k].post) for k in learners]),
        epoch=_integers(rule.epoch for rule in rules),
        decimate=_integers(rule.decimate for rule in rules),
        three=_integers(rule.heard is not None for rule in rules),
        heard=np.array([_heard(rule, places) for rule in rules], dtype=np.int64).reshape(-1, 3, 2),
        products=_starts([len(rule.products) for rule in rules]),
        changes=_integers(product.target == "t" for product in products),
        when=_integers(DEPENDENCIES.index(product.dependency) for product in products),
        reads=np.array([[_reads(rule, v) for v in "wt"] for rule in rules], dtype=np.int64).reshape(-1, 2),
        factors=_starts([len(product.factors) for product in products]),
        own=_integers(_own(product, rule) for rule in rules for product in rule.products),
        variable=_integers(VARIABLES.index(factor.variable) for factor in factors),
        constant=_integers(factor.constant for factor in factors),
        sign=_integers(factor.sign for factor in factors),
        width=_integers(WIDTHS[factor.variable] for factor in factors),
        source=_integers(NOWHERE if s.source is None else place[s.source] for s in program.signals.values()),
        first_given=first_given,
    )


def numbers(programs: Sequence[Program]) -> Numbers:
    """Return what each of `programs`, all of one layout, has for numbers."""
    return Numbers(*(np.stack(parts) for parts in zip(*(_numbers(program) for program in programs), strict=True)))


def check_alike(programs: Sequence[Program]) -> None:
    """Refuse programs that differ in more than their numbers; raises `DescriptionError`."""
    first = layout(programs[0])
    for number, program in enumerate(programs[1:], 1):
        other = layout(program)
        for name in Layout._fields:
            if not np.array_equal(getattr(first, name), getattr(other, name)):
                allowed = "programs that differ in numbers alone"
                remedy = "run the others in an emulator of their own"
                raise DescriptionError(message(f"program {number} of a batch: {name}", "another one", allowed, remedy))


def _numbers(program: Program) -> tuple[NDArray, ...]:
    connections = list(program.connections.values())
    learned = [(connection, rule) for connection in connections if (rule := connection.rule) is not None]
    products = [product for _, rule in learned for product in rule.products]
    neurons = [
        (*(n.du, n.dv, n.vth << 6, _bias(n.bias_mant, n.bias_exp), n.refractory), n.model != LIF, n.db, n.jump)
        for n in program.neurons.values()
    ]
    tables = [decay_tables(_taus(rule)) for _, rule in learned]
    signal = [(s.decay, s.jump, s.baseline, s.mantissa, s.shift, s.start) for s in program.signals.values()]
    return (
        np.array(neurons, dtype=np.int64).reshape(-1, 8),
        _joined([c.cut()[orders(c)] for c in connections], np.int16),
        _integers(c.exponent for c in connections),
        np.array([WEIGHT_RANGE[c.sign] for c, _ in learned], dtype=np.int64).reshape(-1, 2),
        np.array(
            [(p.mantissa, min(right_shift(p.factors), 31), p.exponent + 7) for p in products], dtype=np.int64
        ).reshape(-1, 3),
        np.array([(*rule.x_impulse, *_impulses(rule)) for _, rule in learned], dtype=np.int64).reshape(-1, 5),
        np.array([kept for kept, _ in tables], dtype=np.int32).reshape(-1, 5, 256),
        np.array([share for _, share in tables], dtype=np.float64).reshape(-1, 5, 256),
        np.array(
            [
                [(h.decay, h.impulse, h.value, h.parts) for h in rule.heard] if rule.heard else [(0, 0, 0, 0)] * 3
                for _, rule in learned
            ],
            dtype=np.int64,
        ).reshape(-1, 3, 4),
        np.array(signal, dtype=np.int64).reshape(-1, 6),
    )


def _taus(rule: Rule) -> tuple[int, ...]:
    return (*rule.x_tau, *((65535,) * 3 if rule.heard else rule.y_tau))


def _impulses(rule: Rule) -> tuple[int, ...]:
    return (0, 0, 0) if rule.heard else rule.y_impulse


def _bias(mantissa: int, exponent: int) -> int:
    return mantissa << exponent if exponent >= 0 else mantissa >> -exponent


def _heard(rule: Rule, places: dict[str, int]) -> list[tuple[int, int]]:
    if rule.heard is None:
        return [(NOWHERE, NOWHERE)] * 3
    return [(HEARD.index(h.kind), places.get(h.signal, NOWHERE)) for h in rule.heard]


def _sends(program: Program, name: str) -> bool:
    sources = {signal.source for signal in program.signals.values()}
    ends = {end for c in program.connections.values() for end in ((c.pre, c.post) if c.rule else (c.pre,))}
    return name in sources | ends


def _is_full(program: Program, connection: Connection) -> bool:
    pairs = program.size(connection.pre) * program.size(connection.post)
    return connection.weight.size == pairs and not connection.delay.any()


def _reads(rule: Rule, variable: str) -> bool:
    return any(factor.variable == variable for product in rule.products for factor in product.factors)


def _own(product: Product, rule: Rule) -> int:
    # At a post-synaptic spike x is that of another moment for each neuron, where an epoch has several.
    late = product.dependency == "y0" and rule.epoch > 1
    own = [f for f in product.factors if f.variable in "wt" or (late and f.variable in ("x1", "x2"))]
    if not own:
        return TRACES
    plain = len(own) == 1 and own[0].variable in "wt" and own[0].constant == 0 and not own[0].sign
    return VARIABLES.index(own[0].variable) if plain else MIXED


def _starts(lengths: Sequence[int]) -> Integers:
    return np.array([0, *accumulate(lengths)], dtype=np.int64)


def _integers(values: Iterable[int]) -> Integers:
    return np.array(list(values), dtype=np.int64)


def _joined(parts: Sequence[NDArray], dtype: type) -> NDArray:
    return np.concatenate([np.zeros(0), *parts]).astype(dtype)
