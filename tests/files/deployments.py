"""Deployments for tests: one that could be of a small circuit, and any that Hypothesis can think of."""

import math
from pathlib import Path

from hypothesis import strategies as st

from spikerl.results import deployment as model
from spikerl.results.manifest import read_manifest

LIMITS = (
    ("chip.cores", 3, 128, False),
    ("chip.synapses", 5432, None, True),
    ("core.compartments", 40, 1024, False),
    ("core.input_axons", 348, 4096, False),
    ("core.synaptic_memory", 49664, 1048576, False),
    ("core.thresholds", 1, None, False),
    ("learning.signals", 1, 1, False),
)


def energy(name: str, summary: str, events: tuple[model.Event, ...]) -> model.Energy:
    """Return an estimate that adds up."""
    return model.Energy(
        name=name,
        summary=summary,
        joules=math.fsum(event.joules for event in events if event.joules is not None),
        left_out=tuple(event.event for event in events if event.joules is None and event.count != 0),
        events=events,
    )


def example(results: str, instances: int) -> model.Deployment:
    """Return the deployment of a circuit of three populations and an input, for the results of that SHA-256."""
    events = (
        model.Event(event="synaptic_operation_sparse", count=81_234, picojoules=23.6, source="a paper"),
        model.Event(event="neuron_update", count=90_000, picojoules=81.0, source="a paper"),
        model.Event(event="synapse_update", count=7_007, picojoules=None, source="not published"),
        model.Event(event="hop_east_west", count=None, picojoules=3.5, source="a paper"),
        model.Event(event="message", count=0, picojoules=None, source="not published"),
    )
    return model.Deployment(
        results=results,
        emulator="both",
        options={"weight_bits": 8, "tolerance": 0.05, "saturate": False, "streams": "lava"},
        chip=model.Chip(name="chip7", summary="a chip for tests", file=None, cores=128, mesh=(8, 4), tile_cores=4),
        limits=tuple(
            model.Limit(key=key, used=used, limit=limit, unlimited=unlimited, source=f"source of {key}")
            for key, used, limit, unlimited in LIMITS
        ),
        unknown=("core.thresholds", "memory.word"),
        shared=True,
        cores=(
            model.Core(
                number=0,
                pieces=(model.Piece(population="d1", first=0, stop=32),),
                use={"compartments": 32, "axons": 12},
            ),
            model.Core(
                number=1,
                pieces=(
                    model.Piece(population="striosome", first=0, stop=20),
                    model.Piece(population="dopamine", first=0, stop=13),
                ),
                use={"compartments": 33, "axons": 348},
            ),
            model.Core(
                number=6, pieces=(model.Piece(population="dopamine", first=13, stop=40),), use={"compartments": 27}
            ),
        ),
        losses=(
            _loss("population 'd1'", "tau_mem", 0.02, 0.019975, 0.00125, "", "rounding"),
            _loss("projection 'cortex_to_d1'", "weight", 3.341, 3.3255, 0.00464, "the largest of 960", "clipping"),
            _loss("rule of 'cortex_to_d1'", "range", None, 7.9375, None, "traces above 7.94 saturate", "saturation"),
            _loss("modulator 'dopamine'", "gain", 0.0, 0.25, None, "", "coefficient"),
            _loss("rule of 'cortex_to_d1'", "epoch", 1.0, 4.0, None, "spikes are seen late", "approximation"),
        ),
        operations=model.Operations(
            steps=1000,
            instances=instances,
            dt=1e-3,
            peak=686,
            populations={
                "cortex": _population(60, 24_581, 0, True),
                "d1": _population(32, 4_863, 64_000),
                "striosome": _population(20, 523, 40_000),
                "dopamine": _population(40, 3_344, 80_000),
            },
            connections={
                "cortex_to_d1": _connection(960, 393_296, 816_000, 923_280, 931_111),
                "striosome_to_dopamine": _connection(382, 9_398),
            },
        ),
        energy=(energy("paper1", "a paper's estimates", events), energy("paper2", "others", (*events[1:2],))),
        metrics=model.Metrics(
            Footprint=11_104.5,
            ConnectionSparsity=0.753,
            ActivationSparsity=0.99258,
            Effective_ACs=136.5,
            Effective_MACs=0.0,
            Dense=31_168.0,
        ),
        agreement=model.Agreement(
            machines=("loihi", "lava"), windows=40, steps=1000, spikes=33_311, integers=1_234_567
        ),
    )


def deployed(run: Path) -> model.Deployment:
    """Write the example into the directory of a run and return it."""
    manifest = read_manifest(run)
    deployment = example(manifest.sha256[-1], manifest.instances)
    model.write_deployment(run, deployment)
    return deployment


def _loss(
    of: str, quantity: str, wanted: float | None, got: float, error: float | None, note: str, kind: model.Kind
) -> model.Loss:
    return model.Loss(object=of, quantity=quantity, wanted=wanted, got=got, error=error, note=note, kind=kind)


def _population(neurons: int, spikes: int, updates: int, given: bool = False) -> model.Population:
    return model.Population(neurons=neurons, input=given, spikes=spikes, neuron_updates=updates)


def _connection(synapses: int, operations: int, weight: int = 0, tag: int = 0, synapse: int = 0) -> model.Connection:
    return model.Connection(
        synapses=synapses,
        synaptic_operations=operations,
        weight_updates=weight,
        tag_updates=tag,
        synapse_updates=synapse,
    )


_whole = st.integers(0, 2**63 - 1)
_real = st.floats(0, allow_infinity=False)
_number = st.none() | st.floats(allow_nan=False, allow_infinity=False)
_name = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
_share = st.floats(0, 1)


def _many(part: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(part, max_size=4).map(tuple)


_event = st.builds(
    model.Event, event=_name, count=st.none() | _whole, picojoules=st.none() | st.floats(0, 1e15), source=_name
)
_limit = st.builds(
    lambda key, used, limit, source: model.Limit(
        key=key, used=used, limit=limit if isinstance(limit, int) else None, unlimited=limit == "no", source=source
    ),
    _name,
    _whole,
    st.none() | st.just("no") | _whole,
    _name,
)


@st.composite
def deployments(draw: st.DrawFn, results: str, instances: int) -> model.Deployment:
    """Draw any deployment that the model holds, for the results of that SHA-256."""
    populations = draw(
        st.dictionaries(
            _name,
            st.booleans().flatmap(
                lambda given: st.builds(
                    model.Population,
                    neurons=st.integers(1, 2**63 - 1),
                    input=st.just(given),
                    spikes=_whole,
                    neuron_updates=st.just(0) if given else _whole,
                )
            ),
            max_size=4,
        )
    )
    numbers = sorted(draw(st.sets(st.integers(0, 200), max_size=4)))
    placed = [name for name, population in populations.items() if not population.input]
    cores = []
    for number in numbers:
        pieces = []
        for name in draw(st.lists(st.sampled_from(placed), max_size=3)) if placed else []:
            stop = draw(st.integers(1, populations[name].neurons))
            pieces.append(model.Piece(population=name, first=draw(st.integers(0, stop - 1)), stop=stop))
        use = draw(st.dictionaries(_name, _whole, max_size=3))
        cores.append(model.Core(number=number, pieces=tuple(pieces), use=use))
    return model.Deployment(
        results=results,
        emulator=draw(_name),
        options=draw(
            st.dictionaries(_name, _name | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(-1, 1))
        ),
        chip=draw(
            st.builds(
                model.Chip,
                name=_name,
                summary=_name,
                file=st.none() | _name,
                cores=st.none() | st.integers(max([*numbers, 0]) + 1, 2**63 - 1),
                mesh=st.none() | st.tuples(st.integers(1, 2**31 - 1), st.integers(1, 2**31 - 1)),
                tile_cores=st.none() | st.integers(1, 2**63 - 1),
            )
        ),
        limits=draw(_many(_limit)),
        unknown=draw(_many(_name)),
        shared=draw(st.booleans()),
        cores=tuple(cores),
        losses=draw(
            _many(
                st.builds(
                    model.Loss,
                    object=_name,
                    quantity=_name,
                    wanted=_number,
                    got=_number,
                    error=st.none() | _real,
                    note=_name,
                    kind=st.sampled_from(["rounding", "clipping", "saturation", "coefficient", "approximation"]),
                )
            )
        ),
        operations=model.Operations(
            steps=draw(_whole),
            instances=instances,
            dt=draw(st.floats(1e-9, 1e3)),
            peak=draw(_whole),
            populations=populations,
            connections=draw(
                st.dictionaries(
                    _name,
                    st.builds(
                        model.Connection,
                        synapses=_whole,
                        synaptic_operations=_whole,
                        weight_updates=_whole,
                        tag_updates=_whole,
                        synapse_updates=_whole,
                    ),
                    max_size=3,
                )
            ),
        ),
        energy=draw(_many(st.builds(energy, _name, _name, _many(_event)))),
        metrics=draw(
            st.builds(
                model.Metrics,
                Footprint=_real,
                ConnectionSparsity=_share,
                ActivationSparsity=_share,
                Effective_ACs=_real,
                Effective_MACs=_real,
                Dense=_real,
            )
        ),
        agreement=draw(
            st.none()
            | st.builds(
                model.Agreement,
                machines=st.lists(_name, min_size=2, max_size=3).map(tuple),
                windows=_whole,
                steps=_whole,
                spikes=_whole,
                integers=_whole,
            )
        ),
    )
