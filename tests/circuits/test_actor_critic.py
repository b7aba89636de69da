"""The whole circuit: who is there after a lesion, who decides, how errors and reliability are kept, in spikes."""

import numpy as np
import pytest

import spikerl as sp
from spikerl.loop import ClosedLoop
from spikerl.models.actor_critic import ActorCriticParameters, build
from spikerl.session import Record
from spikerl.tasks.blocks import Block, Dictated
from spikerl.tasks.environment import BlockTask
from spikerl.tasks.protocol import TrialProtocol
from spikerl.tasks.what_where import WhatWhere, WhatWhereParameters

PROTOCOL = TrialProtocol(cue="50 ms", decision="200 ms", hold="75 ms", outcome="200 ms", interval="75 ms")
INSTANCES = 6


def _names(**parameters: object) -> set[str]:
    return {population.name for population in build(ActorCriticParameters(**parameters)).network.populations}  # type: ignore[arg-type]


def test_a_lesion_takes_the_neurons_and_all_that_hears_them() -> None:
    """Catches a lesioned structure that goes on to learn, to speak or to be trusted."""
    amygdala = {"positive", "negative", "voice_amygdala", "surplus_amygdala", "deficit_amygdala", "distrust_amygdala"}
    ventral = {"ventral_d1", "ventral_d2", "voice_ventral", "surplus_ventral", "deficit_ventral", "distrust_ventral"}
    dorsal = {name.replace("ventral", "dorsal") for name in ventral} | {"places"}
    every = _names(loops="object and place")
    assert every - _names(loops="object and place", lesion="amygdala") == amygdala
    assert every - _names(loops="object and place", lesion="striatum") == ventral
    assert every - _names(loops="object and place", lesion="dorsal") == dorsal == every - _names()


def test_a_decider_silences_the_voice_of_the_others_only() -> None:
    """Catches a decider that is a lesion: all learn on, and the amygdala goes on to excite the striatum."""
    whole, alone = (build(ActorCriticParameters(decider=who)).network for who in ("arbiter", "striatum"))
    cut = {p.name for p in whole.projections} - {p.name for p in alone.projections}
    assert cut and all("amygdala" in name for name in cut)
    assert "positive_to_ventral_d1" in {p.name for p in alone.projections}
    ungated = {p.name for p in build(ActorCriticParameters(decider="equal")).network.projections}
    assert not any("distrust" in name for name in ungated) and "voice_amygdala_to_choice" in ungated


def test_no_option_is_favoured_by_the_wiring() -> None:
    """Catches connections drawn by chance where options must be alike: every group has as many synapses, as strong."""
    network = build(ActorCriticParameters(loops="object and place")).network
    for name in ("voice_ventral_to_choice", "ventral_d1_to_voice_ventral", "dorsal_d2_to_voice_dorsal"):
        projection = network.projection(name)
        post = projection.edges().post // (projection.post.size // 4)
        assert len(set(np.bincount(post, minlength=4).tolist())) == 1


@pytest.fixture(scope="module")
def led() -> dict[str, np.ndarray]:
    """Return rates in Hz, [trial, instance, neuron], by ``population/phase``: option 0 rewarded 8 times, then never."""
    rewards = np.repeat([1.0, 0.0], 8)[:, None].repeat(2, axis=1)
    block = Block("led", np.full((16, 2), (0.9, 0.1)), rewards=rewards, dictated=[Dictated(0)] * 16)
    circuit = build(ActorCriticParameters())
    tasks = [BlockTask(lambda seed, instance, number: block, 16, 2, 1, i) for i in range(INSTANCES)]
    names = ("voice_ventral", "voice_amygdala", "choice", "surplus_ventral", "deficit_ventral", "distrust_ventral")
    names = (*names, "surplus_amygdala", "deficit_amygdala", "dopamine")
    seen: dict[str, list[np.ndarray]] = {}
    with sp.open(circuit.network, "native", seed=4, batch=INSTANCES, record=Record(spikes=names)) as session:
        loop = ClosedLoop(session, circuit, PROTOCOL, tasks, 4, range(INSTANCES))
        for _ in range(16):
            for phase, observed in loop.trial().phases.items():
                for name in names:
                    seen.setdefault(f"{name}/{phase}", []).append(1000.0 * observed.spikes[name].mean(axis=0))
    return {name: np.array(rates) for name, rates in seen.items()}


def _preference(rates: np.ndarray) -> np.ndarray:
    """Return the rate of option 0 above that of option 1, [trial]."""
    first, second = np.split(rates.mean(axis=1), 2, axis=1)
    return (first - second).mean(axis=1)


def test_both_experts_come_to_speak_for_what_paid_and_cease_to(led: dict[str, np.ndarray]) -> None:
    """Catches an expert that does not learn, or whose voice does not reach the neurons that choose."""
    for name in ("voice_ventral", "voice_amygdala", "choice"):
        preference = _preference(led[f"{name}/decision"])
        assert preference[4:9].mean() > 4.0, name
        assert preference[13:].mean() < 0.4 * preference[4:9].mean(), name


def test_errors_are_those_of_reward_and_omission(led: dict[str, np.ndarray]) -> None:
    """Catches errors that do not fall with learning, or that answer the wrong outcome."""
    for expert in ("ventral", "amygdala"):
        surplus, deficit = (led[f"{kind}_{expert}/outcome"].mean(axis=(1, 2)) for kind in ("surplus", "deficit"))
        assert surplus[0] > 1.3 * surplus[5:8].mean() and surplus[8:].max() < 0.2 * surplus[0], expert
        assert deficit[:8].max() < 0.3 * deficit[8], expert


def test_distrust_keeps_errors_over_trials(led: dict[str, np.ndarray]) -> None:
    """Catches reliability that is forgotten within a trial, or that never changes."""
    distrust = led["distrust_ventral/decision"].mean(axis=(1, 2))
    assert distrust[12] > distrust[7] + 2.0


def test_it_acts_among_objects_at_places() -> None:
    """Catches options that are not shown being chosen, and a place loop that is not heard."""
    circuit = build(ActorCriticParameters(loops="object and place"))
    tasks = [WhatWhere(WhatWhereParameters(kind="where"), seed=3, instance=i) for i in range(INSTANCES)]
    with sp.open(circuit.network, "native", seed=3, batch=INSTANCES) as session:
        loop = ClosedLoop(session, circuit, PROTOCOL, tasks, 3, range(INSTANCES))
        trials = [loop.trial().columns for _ in range(28)]
    assert all(trial["shown"].all() for trial in trials)
    assert np.mean([trial["better"] for trial in trials[12:]]) > 0.65


def test_reference_and_native_agree() -> None:
    """Catches a part of the circuit that a back end computes otherwise: spikes of a trial are the same."""
    circuit = build(ActorCriticParameters(cortex=6, medium_spiny=4, amygdala=4, voice=4, choice=4, background=20))
    found = []
    for backend in ("reference", "native"):
        tasks = [BlockTask(_always, 2, 2, 1, 0)]
        with sp.open(circuit.network, backend, seed=5) as session:
            loop = ClosedLoop(session, circuit, PROTOCOL, tasks, 5, range(1))
            found.append([loop.trial() for _ in range(2)])
    for ours, theirs in zip(*found, strict=True):
        for phase, observed in ours.phases.items():
            for name, spikes in observed.spikes.items():
                assert np.array_equal(spikes, theirs.phases[phase].spikes[name]), (phase, name)


def _always(seed: int, instance: int, block: int) -> Block:
    return Block("always", np.full((2, 2), (0.9, 0.1)), rewards=np.ones((2, 2)))
