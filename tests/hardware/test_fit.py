"""The fit: what lies where is counted again by hand, and every limit that is broken is said once, with its remedy."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikerl.errors import UnsupportedError
from spikerl.hardware.facts import Count, Flag, Models, Most, Signs, Widths
from spikerl.hardware.fit import Fit, fit
from spikerl.hardware.memory import synapse_format
from spikerl.hardware.program import Input, Neurons, Program
from spikerl.hardware.target import Target, load_target
from tests.hardware.circuits import connection, dopaminergic, recurrent

LOIHI = load_target("loihi1")


def limited(target: Target = LOIHI, **limits: object) -> Target:
    """Return `target` with other limits, ``table__key=value``."""
    for where, value in limits.items():
        table, _, key = where.partition("__")
        part = getattr(target, table)
        fact = type(getattr(part, key))(value=value, source="this test")
        target = replace(target, **{table: part.model_copy(update={key: fact})})
    return target


def dense(neurons: int = 40, inputs: int = 30, bits: int = 8) -> Program:
    """Return a population that hears all of an input and all of itself."""
    rng = np.random.default_rng(1)
    heard = rng.integers(0, 256, (inputs, neurons))
    own = rng.integers(-255, 1, (neurons, neurons))
    return Program(
        {"in": Input("in", inputs)},
        {"cells": Neurons("cells", neurons, 4095, 4095, 1000, refractory=2)},
        {},
        {
            "heard": connection("heard", "in", "cells", heard, bits=bits),
            "own": connection("own", "cells", "cells", own, sign="inhibitory", bits=bits),
        },
    )


def keys(found: Fit) -> list[str]:
    return [misfit.key for misfit in found.misfits]


def bits_of(n: int, each: int) -> int:
    """Return the bits of n synapses of `each` bits, list by list, in Loihi's format."""
    total = 0
    while n > 0:
        held = min(n, 64)
        total += math.ceil((held * each + 10) / 64) * 64
        n -= held
    return total


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 70),
    st.sampled_from([300, 1000, 3000, 10**6]),
    st.sampled_from([8, 40, 200, 4096]),
    st.sampled_from([6, 20, 4096]),
    st.sampled_from([1, 3, 128]),
)
def test_what_lies_where_is_what_counting_by_hand_gives(seed, compartments, memory, axons, out, cores):
    """Catches a neuron lost or placed twice, and any use of a core that is miscounted, shared or not."""
    rng = np.random.default_rng(seed)
    sizes = {"a": int(rng.integers(1, 60)), "b": int(rng.integers(1, 30)), "c": 3}
    pairs = [("in", "a"), ("a", "b"), ("b", "a"), ("b", "b"), ("in", "c")]
    connections = {}
    for pre, post in pairs:
        shape = (9 if pre == "in" else sizes[pre], sizes[post])
        chosen = rng.random(shape) < rng.choice([0.1, 0.6, 1.0])
        rule = dopaminergic() if pre == "in" else None
        delay = int(rng.choice([0, 5])) if pre != "in" else 0
        name = f"{pre}_{post}"
        made = connection(name, pre, post, np.ones(shape), chosen=chosen, rule=rule, delay=delay)
        connections[name] = replace(made, bits=int(rng.choice([1, 5, 8])))
    neurons = {n: Neurons(n, size, 4095, 100 * (n == "c"), 7 * size) for n, size in sizes.items()}
    program = Program({"in": Input("in", 9)}, neurons, {}, connections)
    target = limited(
        core__compartments=compartments,
        core__synaptic_memory=memory,
        core__input_axons=axons,
        core__output_axons=out,
        chip__cores=cores,
    )
    found = fit(program, target)
    placed = [(p.population, k) for core in found.placement.cores for p in core.pieces for k in range(p.first, p.stop)]
    assert sorted(placed) == sorted((name, k) for name, size in sizes.items() for k in range(size))
    where = {
        (p.population, k): core.number
        for core in found.placement.cores
        for p in core.pieces
        for k in range(p.first, p.stop)
    }
    leaving = {core.number: set() for core in found.placement.cores}
    for core in found.placement.cores:
        use, bits, arriving = core.use, 0, set()
        for piece in core.pieces:
            for c in connections.values():
                if c.post != piece.population:
                    continue
                counts: dict[int, int] = {}
                for pre, post in zip(c.pre_index.tolist(), c.post_index.tolist(), strict=True):
                    if piece.first <= post < piece.stop:
                        counts[pre] = counts.get(pre, 0) + 1
                index = 0 if all(n == piece.size for n in counts.values()) else max(6, (piece.size - 1).bit_length())
                index = 0 if piece.size == 1 else index
                each = c.bits + (6 if c.delay.any() else 0) + (9 if c.rule else 0) + index
                bits += sum(bits_of(n, each) for n in counts.values())
                arriving |= {(c.name, piece, pre, slot) for pre in counts for slot in range(2 if c.rule else 1)}
                for pre in counts:
                    if c.pre != "in":
                        leaving[where[c.pre, pre]].add((c.name, piece, pre, core.number))
        held = [program.neurons[piece.population] for piece in core.pieces]
        assert use.compartments == sum(piece.size for piece in core.pieces)
        assert use.synaptic_memory == bits
        assert use.input_axons == len(arriving)
        assert use.thresholds == len({n.vth for n in held})
        assert use.compartment_configurations == len({(n.du, n.dv, n.refractory) for n in held})
    for core in found.placement.cores:
        assert core.use.output_axons == len(leaving[core.number])
        limits = {name: getattr(target.core, name).value for name in vars(core.use)}
        over = {f"core.{name}" for name, value in vars(core.use).items() if value > limits[name]}
        assert over <= set(keys(found))
    assert ("chip.cores" in keys(found)) == (len(found.placement.cores) > cores)


def test_memory_is_that_of_nengo_loihi():
    """Catches a format that takes other room than `SynapseConfig.bits_per_axon` of NengoLoihi 1.1 says."""
    one = dense(neurons=100).connections["own"]
    assert synapse_format(one, LOIHI).bits(np.array([100]), 100) == 576 + 320  # 64 * 8 + 10 and 36 * 8 + 10 bits
    assert synapse_format(one, LOIHI).bits(np.array([99]), 100) == 1024 + 576  # 7 bits of index each: 15 bits
    assert synapse_format(replace(one, bits=1), LOIHI).bits(np.array([64]), 64) == 128
    later = replace(one, delay=one.delay + 3)
    assert synapse_format(later, LOIHI).bits(np.array([4]), 4) == 128  # 4 * (8 + 6) + 10 = 66 bits
    assert synapse_format(later, load_target("loihi2")).bits(np.array([4]), 4) == 4 * 14  # only what is needed
    assert synapse_format(later, load_target("generic8")).bits(np.array([4]), 4) == 4 * 10  # 2 bits hold a 3


def test_a_circuit_that_fits_says_so_and_what_nobody_knows():
    """Catches a circuit that is refused for a limit that is unknown, and an unknown limit that is kept quiet."""
    found = fit(recurrent(), LOIHI)
    assert found.fits and found.unknown == ("learning.signals",) and not found.placement.shared
    assert [core.pieces[0].population for core in found.placement.cores] == ["cells", "others"]
    found.require()
    two = fit(recurrent(), load_target("loihi2"))
    assert two.fits and "core.input_axons" in two.unknown
    assert next(check for check in two.checks if check.key == "core.input_axons").limit is None


def test_populations_share_cores_where_there_are_too_few():
    """Catches a circuit that is refused though two populations have room on one core."""
    found = fit(recurrent(), limited(chip__cores=1))
    assert found.fits and found.placement.shared and len(found.placement.cores) == 1
    assert found.placement.cores[0].use.thresholds == 2
    full = fit(recurrent(), limited(chip__cores=1, core__thresholds=1))
    assert keys(full) == ["chip.cores"]


def test_a_population_larger_than_a_core_is_cut_in_the_largest_pieces():
    """Catches pieces that are smaller than a core holds."""
    found = fit(dense(40), limited(core__compartments=16))
    assert [(p.first, p.stop) for core in found.placement.cores for p in core.pieces] == [(0, 16), (16, 32), (32, 40)]
    assert found.fits


def test_destinations_that_are_too_many_spread_a_population():
    """Catches a mapping that ends at the first core with too many output axons though a finer one fits."""
    program = dense(40)
    assert max(core.use.output_axons for core in fit(program, LOIHI).placement.cores) == 40
    found = fit(program, limited(core__output_axons=36))
    assert not found.fits or max(core.use.output_axons for core in found.placement.cores) <= 36
    assert fit(program, limited(core__output_axons=30, core__compartments=40, core__input_axons=60)).misfits


MISFITS = {
    "core.compartments": (dense(), {"core__synaptic_memory": 64}, "core.synaptic_memory", "in bits", "fewer synapses"),
    "input axons": (dense(1, 90), {"core__input_axons": 80}, "core.input_axons", "input axons of cells[0:1]", "fewer"),
    "cores": (dense(), {"core__compartments": 10, "chip__cores": 3}, "chip.cores", "got 4", "at most 3"),
    "neurons": (dense(), {"chip__neurons": 39}, "chip.neurons", "got 40", "smaller"),
    "synapses": (dense(), {"chip__synapses": 2799}, "chip.synapses", "got 2800", "smaller"),
    "weight bits": (dense(bits=7), {}, "synapses.weight_bits", "0, 1, 2, 3, 4, 5, 6, 8", "take 6"),
    "signs": (dense(), {"synapses__signs": ["mixed"]}, "synapses.signs", "'excitatory'", "turn its sign"),
    "exponent": (dense(), {"synapses__exponent": [1, 2]}, "synapses.exponent", "got 0", "1 to 2"),
    "refractory": (dense(), {"neurons__refractory": 1}, "neurons.refractory", "got 2", "shorter"),
    "delay": (recurrent(), {"synapses__delay": 1}, "synapses.delay", "at most 1", "at most 2 steps in all"),
    "learning": (recurrent(), {"learning__on_chip": False}, "learning.on_chip", "'learned'", "fix the weights"),
    "signals": (recurrent(), {"learning__signals": 0}, "learning.signals", "['dopamine']", "fewer modulators"),
    "traces": (recurrent(), {"learning__trace_bits": 6}, "learning.trace_bits", "got 7", "at most 6"),
    "processors": (recurrent(), {"chip__processors": 0}, "chip.processors", "dopamine", "without modulators"),
}


@pytest.mark.parametrize(("program", "limits", "key", "first", "second"), MISFITS.values(), ids=MISFITS)
def test_what_does_not_fit_is_named_with_value_limit_and_remedy(program, limits, key, first, second):
    """Catches a limit that is not looked at, and a message that leaves out what, where or what to do."""
    assert fit(program, LOIHI if key != "synapses.weight_bits" else load_target("loihi2")).fits
    found = fit(program, limited(**limits))
    assert set(keys(found)) == {key}
    text = str(found.misfits[0])
    assert first in text and second in text and key in text and "allowed: " in text
    with pytest.raises(UnsupportedError, match=r"does not fit loihi1:\n  ") as caught:
        found.require()
    assert len(str(caught.value).splitlines()) == 1 + len(found.misfits)


def test_graded_messages_fit_where_spikes_carry_them():
    """Catches a chip of plain spikes that is given numbers."""
    program = replace(dense(), inputs={"in": Input("in", 30, message_bits=8)})
    assert keys(fit(program, LOIHI)) == ["spikes.message_bits"] and fit(program, load_target("loihi2")).fits


def test_all_misfits_are_said_at_once():
    """Catches a list of faults of which a user sees one a run."""
    found = fit(dense(bits=7), limited(neurons__refractory=0, chip__neurons=1))
    assert set(keys(found)) == {"synapses.weight_bits", "neurons.refractory", "chip.neurons"}
    assert len(found.misfits) == 4


def test_facts_are_of_their_types():
    """Catches a test above that sets a limit which no file can."""
    assert {type(getattr(LOIHI.core, name)) for name in type(LOIHI.core).model_fields} == {Count}
    kinds = (LOIHI.learning.on_chip, LOIHI.neurons.models, LOIHI.synapses.signs, LOIHI.synapses.weight_bits)
    assert [type(fact) for fact in kinds] == [Flag, Models, Signs, Widths] and isinstance(LOIHI.synapses.delay, Most)
