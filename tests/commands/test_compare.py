"""`spikerl compare`: back ends that agree, and one that parts, found at its step, neuron or synapse, and variable."""

import json
from dataclasses import dataclass, field

import numpy as np
import pytest

import spikerl as sp
from spikerl.backends import base
from spikerl.discretise import discretise
from spikerl.errors import DescriptionError, DivergenceError, MissingSimulatorError
from spikerl.experiment import read
from spikerl.inputs import Hearing
from spikerl.lockstep import EVERYTHING, Lockstep, compare
from spikerl.session import Session
from tests.commands.programs import STEPS, invoke, program, short


def installed(name):
    try:
        return base.load(name)
    except MissingSimulatorError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("other", ["brian2", "norse"])
def test_back_ends_agree_in_closed_loop(tmp_path, other):
    installed(other)
    done = program("compare", short(tmp_path), "--backends", f"reference,{other}", "--trials", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"reference, {other} agree: 4 choices" in done.stdout
    assert [file.name for file in tmp_path.iterdir()] == ["short.toml"]


def test_what_was_compared_is_counted(tmp_path):
    installed("norse")
    counts = json.loads(invoke("compare", short(tmp_path), "--backends", "reference,norse", "--json").stdout)
    assert counts["agree"] and counts["steps"] == 6 * STEPS and counts["windows"] == 6 * 5 and counts["choices"] == 12
    assert counts["spikes"] > 0 and set(counts["largest_deviation"]) == {"norse"}
    assert max(counts["largest_deviation"]["norse"].values()) <= 1e-9


@dataclass
class Perturbed:
    """The reference, but for one number that it changes in the window that holds step `at`."""

    engine: base.Engine
    kind: str
    at: int = 17
    seen: list[str] = field(default_factory=list)

    def advance(self, window):
        happened = self.engine.advance(window)
        if window.first <= self.at < window.first + window.steps:
            self.seen.append(self.kind)
            place = (self.at - window.first, 1, 2)
            match self.kind:
                case "spike":
                    happened.spikes["msn"][place] ^= True
                case "voltage":
                    happened.voltages["msn"][place] += 1e-10
                case "not a number":
                    happened.voltages["msn"][place] = np.nan
                case "modulator":
                    happened.modulators["dopamine"][place[:2]] *= 1 + 1e-8
                case "weight":
                    state = self.engine.state()
                    state["weight/cue_to_msn"][1, 5] += 1e-8
                    self.engine.restore(state)
                case "below the tolerance":
                    happened.voltages["msn"][place] += 1e-13
        return happened

    def weights(self, projection):
        return self.engine.weights(projection)

    def state(self):
        return self.engine.state()

    def restore(self, state):
        self.engine.restore(state)

    def close(self):
        self.engine.close()


def perturbed(kind):
    """Lockstep of the reference and one that differs in one number, on a small network that learns."""
    cue = sp.Population("cue", 6, sp.Poisson("100 Hz"))
    msn = sp.Population("msn", 4, sp.LIF(rest="-60 mV", threshold="-50 mV", bias="11 mV"))
    dopamine = sp.Modulator("dopamine", tau="50 ms")
    weights = sp.Uniform("0.2 mV", "0.8 mV", seed=1)
    net = sp.Network(sp.Projection(cue, msn, weights, rule=sp.dopamine_stdp(dopamine, rate=0.1)))
    plan = discretise(net, "1 ms")
    engine = base.load("reference").open(plan, base.Options(batch=3, voltages=("msn",)))
    wrong = Session(net, plan, "wrong", Perturbed(engine, kind), Hearing(plan, 1, range(3)), EVERYTHING)
    return Lockstep({"right": sp.open(net, "reference", seed=1, batch=3, record=EVERYTHING), "wrong": wrong})


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("spike", {"variable": "spike", "step": 17, "population": "msn", "neuron": 2}),
        ("voltage", {"variable": "voltage", "step": 17, "population": "msn", "neuron": 2}),
        ("not a number", {"variable": "voltage", "step": 17, "population": "msn", "neuron": 2}),
        ("modulator", {"variable": "modulator", "step": 17, "modulator": "dopamine"}),
        ("weight", {"variable": "weight", "step": 19, "projection": "cue_to_msn", "synapse": 5}),
    ],
)
def test_one_wrong_number_is_found_where_it_is(kind, facts):
    lockstep = perturbed(kind)
    lockstep.step("10 ms", modulators={"dopamine": 0.5})
    with pytest.raises(DivergenceError) as caught:
        lockstep.step("10 ms", modulators={"dopamine": 0.5})
    found = caught.value.facts
    assert facts.items() <= found.items() and found["instance"] == 1
    json.dumps(found, allow_nan=False)
    assert set(found["values"]) == {"right", "wrong"} and found["values"]["right"] != found["values"]["wrong"]
    for said in (f"step {facts['step']} ", facts["variable"], "instance 1", str(found["values"]["wrong"])):
        assert said in str(caught.value)


def test_the_first_of_many_differences_is_named():
    # A flipped weight changes later spikes and voltages: what is named must be the earliest step of them.
    lockstep = perturbed("weight")
    wrong = lockstep._sessions["wrong"]
    state = wrong.state()
    state["weight/cue_to_msn"][2, :] = 0.0
    wrong.restore(state)
    with pytest.raises(DivergenceError) as caught:
        lockstep.step("60 ms")
    cue, plan = perturbed("none").step("60 ms").spikes["cue"][:, 2], lockstep.plan.projections["cue_to_msn"]
    heard = np.flatnonzero(cue.any(axis=1))[0] + plan.delay.min()
    assert caught.value.facts["step"] == heard and caught.value.facts["instance"] == 2


def test_rounding_is_no_difference_but_is_reported():
    lockstep = perturbed("below the tolerance")
    lockstep.step("20 ms")
    assert 1e-13 < lockstep.agreement.largest["wrong"]["voltage"] < 1e-9
    assert lockstep.agreement.largest["wrong"]["weight"] == 0.0


def test_back_ends_that_part_end_the_program_with_1(tmp_path, monkeypatch):
    # A back end whose delays are a step too long, registered like any other.
    class Late:
        name = "late"
        capabilities = base.Capabilities()

        def open(self, plan, options):
            for projection in plan.projections.values():
                projection.weight[:] *= 1.001
            return base.load("reference").open(plan, options)

    genuine = base.load
    monkeypatch.setattr(base, "load", lambda name: Late() if name == "brian2" else genuine(name))
    path = short(tmp_path)
    parted = invoke("compare", path, "--backends", "reference,brian2", "--trials", "1")
    assert parted.exit_code == 1 and "brian2 parts from reference: step " in parted.stderr
    facts = json.loads(invoke("compare", path, "--backends", "reference,brian2", "--json").stdout)
    assert not facts["agree"] and facts["step"] >= 0 and facts["variable"] in ("voltage", "weight", "spike")


@pytest.mark.parametrize(
    ("backends", "said"),
    [("reference", "two or more"), ("reference,reference", "each once"), ("reference,nors", "did you mean 'norse'")],
)
def test_what_cannot_be_compared_is_refused(tmp_path, backends, said):
    done = invoke("compare", short(tmp_path), "--backends", backends)
    assert done.exit_code == 2 and said in done.stderr
    with pytest.raises(DescriptionError):
        compare(read(short(tmp_path)), backends.split(","))
