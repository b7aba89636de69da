"""What is Brian2's own: the lowered strings, the standalone program, several sessions at once, spikes under way."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

import spikerl as sp
from spikerl.backends import base
from spikerl.discretise import Plan, discretise
from spikerl.errors import UnsupportedError
from spikerl.plasticity.algebra import Gate
from tests.contract.comparison import same, same_state

brian2 = pytest.importorskip("brian2")
GOLDEN = Path(__file__).parent / "golden" / "brian2.json"
EVERYTHING = sp.Record(voltages=None, weights=None)


@pytest.fixture(autouse=True)
def interpreted():
    """Brian2's NumPy code: what is tested here is the same in all its targets, and compiling takes minutes."""
    target = brian2.prefs.codegen.target
    brian2.prefs.codegen.target = "numpy"
    yield
    brian2.prefs.codegen.target = target


def circuit(tau_adapt: str = "50 ms") -> sp.Network:
    """A small circuit with every kind of statement: each rule needs another way of doing it."""
    cue = sp.Population("cue", 12, sp.Poisson(rate="60 Hz"))
    cells = sp.Population("cells", 6, sp.LIF(rest="-70 mV", threshold="-62 mV", refractory="2 ms"))
    reward = sp.Population("reward", 4, sp.LIF(rest="-70 mV", threshold="-66 mV"))
    adaptive = sp.Population("adaptive", 5, sp.AdaptiveLIF(sp.LIF(threshold=0.5), tau_adapt, 0.05))
    dopamine = sp.Modulator("dopamine", "100 ms", source=reward, baseline="5 Hz")
    error = sp.Modulator("error", "20 ms", target=adaptive)
    mixed = sp.Rule(
        sp.on_pre(0.02 * error), sp.every_step(-0.001 * sp.weight), sp.on_post(-0.01 * sp.weight), bounds=(0, 2)
    )
    return sp.Network(
        sp.Projection(cue, cells, sp.Uniform("1 mV", "3 mV"), rule=sp.dopamine_stdp(dopamine, bounds=(0, 3))),
        sp.Projection(cue, reward, "2 mV", rule=sp.dopamine_stdp(dopamine, receptor="D2", bounds=(0, 3))),
        sp.Projection(cells, cells, "1 mV", delay=sp.Uniform("3 ms", "3 ms"), rule=sp.pair_stdp(bounds=(0, 2))),
        sp.Projection(cells, reward, "-0.5 mV", delay="6 ms"),
        sp.Projection(cells, adaptive, 0.4, delay="2 ms", rule=mixed),
    )


def lowered(plan: Plan) -> dict[str, object]:
    """Return the program with numbers of 12 digits, which all platforms' exp have in common."""
    text = json.dumps(asdict(base.load("brian2").lower(plan)))
    return json.loads(text, parse_float=lambda number: float(f"{float(number):.12g}"))


def test_the_program_is_the_golden_one() -> None:
    """Catches a change of any string or number that Brian2 is given.

    Where it is meant, read the difference and keep it: ``python -m tests.contract.test_brian2``.
    """
    assert lowered(discretise(circuit())) == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_statements_hold_names_and_no_numbers() -> None:
    """Catches constants written into code, for which every circuit would be compiled anew."""
    texts = [lowered(discretise(circuit(tau))) for tau in ("50 ms", "70 ms")]
    numbers = [text.pop("groups") for text in texts]
    for groups in numbers:
        for group in groups:
            group.pop("constants")
    assert texts[0] == texts[1]
    assert numbers[0] == numbers[1]


def test_every_gate_and_way_of_learning_occurs() -> None:
    """Catches a circuit above that no longer meets each of the ways: at spikes, with coincidences, every synapse."""
    plan = discretise(circuit())
    gates = {term.gate for p in plan.projections.values() if p.rule for term in p.rule.terms}
    assert gates == set(Gate)
    text = json.dumps(lowered(plan))
    for way in ("(1 - spiked_pre)*", "spiked_pre*k_weight", "arrived_post += scale*weight", "modulator_error_post"):
        assert way in text


def _play(backend: str, batch: int = 2, steps: tuple[int, ...] = (70, 40), **how: bool):
    """Return the last observation and the state after windows of which the last holds both modulators."""
    held = {"dopamine": np.linspace(-0.5, 1, steps[-1]), "error": np.linspace(-1, 1, 5)}
    with sp.open(circuit(), backend, seed=4, batch=batch, record=EVERYTHING, **how) as session:
        for count in steps[:-1]:
            session.step(f"{count} ms")
        return session.step(f"{steps[-1]} ms", modulators=held), session.state()


def _same(plan: Plan, found, expected) -> None:
    for name, spikes in expected[0].spikes.items():
        same(f"spikes of {name}", found[0].spikes[name], spikes)
    for kind in ("voltages", "weights", "modulators"):
        for name, values in getattr(expected[0], kind).items():
            np.testing.assert_allclose(getattr(found[0], kind)[name], values, rtol=1e-9, atol=1e-12, err_msg=name)
    same_state(plan, found[1], expected[1])


def test_the_standalone_program_does_what_runtime_does_and_gives_the_device_back() -> None:
    """Catches another order, monitors a step late, input that does not reach the program, a device that is kept."""
    plan = discretise(circuit())
    with sp.open(circuit(), "brian2", seed=4, batch=2, record=EVERYTHING) as before:
        before.step("70 ms")
        found, expected = _play("brian2", steps=(110,), one_window=True), _play("brian2", steps=(110,))
        after = before.step("40 ms"), before.state()
    assert any(spikes.any() for name, spikes in expected[0].spikes.items() if name != "cue")
    _same(plan, found, expected)
    with sp.open(circuit(), "reference", seed=4, batch=2, record=EVERYTHING) as session:
        session.step("70 ms")
        _same(plan, after, (session.step("40 ms"), session.state()))


X, Y, W = sp.pre_trace("10 ms"), sp.post_trace("15 ms"), sp.weight
C = sp.eligibility("50 ms", sp.on_pre(0.3 * Y))
RULES = {
    "the weight changes at a spike and in every step": (sp.on_post(-0.1 * X), sp.every_step(0.01 * C)),
    "only the post-synaptic spike changes the weight": (sp.on_post(-0.05 * X * C),),
    "both spikes change a clipped weight": (sp.on_pre(-0.9 * Y), sp.on_post(0.9 * X)),
    "each spike reads what the other changes": (sp.on_pre(-0.2 * W * Y), sp.on_post(0.1 * W * X), sp.on_post(0.1)),
    "the step's own terms change what spikes read": (
        sp.every_step(-0.02 * W),
        sp.on_pre(0.2),
        sp.on_post(-0.1 * W * C),
    ),
    "the step's own terms alone": (sp.every_step(0.01 * C * X), sp.every_step(0.05 * (0.5 - W))),
}


@pytest.mark.parametrize("delay", ["1 ms", "3 ms"])
@pytest.mark.parametrize("rule", RULES)
def test_all_is_read_before_all_is_written(rule: str, delay: str) -> None:
    """Catches, where pre- and post-synaptic spikes coincide, a product or an arrival that sees half of the step."""
    cue = sp.Population("cue", 6, sp.Poisson(rate="400 Hz"))
    cells = sp.Population("cells", 4, sp.LIF(tau_mem="3 ms", tau_syn="2 ms", threshold=0.4, bias=0.7))
    learning = sp.Rule(*RULES[rule], bounds=(0, 1))
    network = sp.Network(
        sp.Projection(cue, cells, sp.Uniform(0.2, 0.9), delay=delay, rule=learning),
        sp.Projection(cells, cells, sp.Uniform(0.2, 0.9), delay=delay, rule=learning),
    )
    plan, seen = discretise(network), {}
    for backend in ("reference", "brian2"):
        with sp.open(network, backend, seed=3, batch=1, record=EVERYTHING) as session:
            seen[backend] = session.step("60 ms"), session.state()
    spikes = seen["reference"][0].spikes
    assert (spikes["cue"].any(axis=2) & spikes["cells"].any(axis=2)).sum() > 10, "hardly any spikes coincide"
    _same(plan, seen["brian2"], seen["reference"])


def test_uncaught_errors_stay_the_users_own() -> None:
    """Catches Brian2's report of a fault in Brian2 under every uncaught error of a script that opened a session."""
    script = "import spikerl.backends.brian2; raise ValueError('mine')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("ValueError: mine")
    assert "Brian 2 encountered" not in done.stderr


def test_sessions_open_at_once_do_not_touch() -> None:
    """Catches names or code shared between two sessions of one circuit that would share their numbers."""
    plan = discretise(circuit())
    open_now = [sp.open(circuit(), "brian2", seed=seed, batch=1, record=EVERYTHING) for seed in (1, 2)]
    for session in open_now * 2:
        session.step("35 ms")
    for seed, session in zip((1, 2), open_now, strict=True):
        with sp.open(circuit(), "reference", seed=seed, batch=1, record=EVERYTHING) as alone:
            alone.step("70 ms")
            _same(plan, (session.step("20 ms"), session.state()), (alone.step("20 ms"), alone.state()))
        session.close()


@pytest.mark.parametrize(("giver", "taker"), [("reference", "brian2"), ("brian2", "reference"), ("brian2", "brian2")])
def test_spikes_under_way_are_part_of_the_state(giver: str, taker: str) -> None:
    """Catches queues that are not rebuilt, or keep what was in them, when a state is restored into a used session."""
    plan = discretise(circuit())
    with sp.open(circuit(), giver, seed=38, batch=2, record=EVERYTHING) as session:
        session.step("60 ms")
        state = session.state()
        expected = session.step("30 ms"), session.state()
    assert any(state["history/cells"][k].any() for k in range(2, 6)), "no spike is under way: the test is empty"
    with sp.open(circuit(), taker, seed=38, batch=2, record=EVERYTHING) as session:
        session.step("47 ms")
        before = session.state()["history/cells"]
        assert (before != state["history/cells"]).any(axis=(1, 2))[1:].sum() > 2, "nothing else is in the queues"
        session.restore(state)
        _same(plan, (session.step("30 ms"), session.state()), expected)


def test_one_window_is_one_window() -> None:
    """Catches a second window run silently, and a state whose spikes under way would be lost."""
    engine = base.load("brian2").open(discretise(circuit()), base.Options(batch=2, one_window=True))
    with sp.open(circuit(), "reference", seed=4, batch=2) as session:
        session.step("60 ms")
        with pytest.raises(UnsupportedError, match="spikes under way.*one_window=False"):
            engine.restore(session.state())


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(lowered(discretise(circuit())), indent=1) + "\n", encoding="utf-8")
