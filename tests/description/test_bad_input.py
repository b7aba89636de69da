"""Bad input as a grid: whatever is put wherever, the answer is a description or one clear error, never another.

Each public constructor is called with all its arguments good but one, which is drawn from `BAD`. Catches checks that
were forgotten, and checks that fail themselves on what they should refuse (a repr that raises, an array in an `if`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spikerl as sp
from spikerl.errors import DescriptionError, SpikerlError, UnitError


class Unshowable:
    """A value whose text cannot even be asked for."""

    def __repr__(self) -> str:
        raise RuntimeError("no text")


CUE = sp.Population("cue", 4, sp.Poisson("20 Hz"))
GIVEN = sp.Population("given", 2, sp.SpikeSource())
MSN = sp.Population("msn", 4, sp.LIF())
DOPAMINE = sp.Modulator("dopamine", tau="200 ms")
ERROR = sp.Modulator("error", target=MSN)
RULE = sp.dopamine_stdp(DOPAMINE)
PROJECTION = sp.Projection(CUE, MSN, weight=0.5, rule=RULE)
ALONE = sp.Network(populations=(MSN,))
NETWORK = sp.Network(PROJECTION, populations=(GIVEN,), modulators=(ERROR,))

GOOD: dict[Callable[..., Any], dict[str, Any]] = {
    sp.LIF: {
        "tau_mem": "20 ms", "tau_syn": "5 ms", "rest": "-70 mV", "threshold": "-50 mV", "reset": "-65 mV",
        "refractory": "2 ms", "resistance": "100 Mohm", "bias": "1 mV",
    },
    sp.AdaptiveLIF: {"membrane": sp.LIF(), "tau_adapt": "100 ms", "adapt": 0.1},
    sp.SpikeSource: {"neurons": (0, 1), "times": ("1 ms", "2 ms")},
    sp.Poisson: {"rate": "20 Hz"},
    sp.Izhikevich: {"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0, "threshold": 30.0, "tau_syn": "5 ms"},
    sp.UniformNoise: {"low": -0.5, "high": 0.5},
    sp.Population: {"name": "msn", "size": 4, "neuron": sp.LIF(), "noise": sp.UniformNoise(-0.5, 0.5)},
    sp.Projection: {
        "pre": CUE, "post": MSN, "weight": 0.5, "connectivity": sp.AllToAll(), "delay": "1 ms", "rule": RULE,
        "name": "x",
    },
    sp.AllToAll: {"self_connections": True},
    sp.Probability: {"p": 0.5, "seed": 1, "self_connections": False},
    sp.InDegree: {"inputs": 1, "seed": 1},
    sp.Blocks: {"groups": 2, "across": True, "p": 0.5, "seed": 3},
    sp.Explicit: {"pre": (0, 1), "post": (1, 2)},
    sp.Values: {"numbers": (1.0, 2.0), "unit": "mV"},
    sp.Uniform: {"low": "1 mV", "high": "2 mV", "seed": 1},
    sp.Normal: {"mean": "1 mV", "sd": "2 mV", "seed": 1},
    sp.Modulator: {
        "name": "dopamine", "tau": "200 ms", "source": CUE, "baseline": "5 Hz", "gain": 0.1, "target": None,
        "gain_below": 0.02,
    },
    sp.pre_trace: {"tau": "20 ms"},
    sp.post_trace: {"tau": "20 ms"},
    sp.on_pre: {"change": 0.1},
    sp.on_post: {"change": 0.1},
    sp.every_step: {"change": 0.1},
    sp.pair_stdp: {"tau_plus": "20 ms", "tau_minus": "20 ms", "a_plus": 0.1, "a_minus": 0.1, "bounds": (0, 1)},
    sp.dopamine_stdp: {
        "dopamine": DOPAMINE, "tau_elig": "1 s", "a_plus": 0.1, "a_minus": 0.1, "rate": 0.1, "receptor": "D1",
        "forgetting": 0.01, "rest": 0.5,
        "tau_plus": "20 ms", "tau_minus": "20 ms", "bounds": (0, 1), "tonic": None,
    },
    sp.Record: {"spikes": ("msn",), "voltages": None, "weights": (), "modulators": ()},
    sp.open: {
        "network": NETWORK, "backend": "reference", "seed": 1, "batch": 2, "first_instance": 0, "dt": "1 ms",
        "record": sp.Record(), "device": "cpu", "precision": "float64", "one_window": False,
    },
}  # fmt: skip

NUMBERS: list[Any] = [0, -1, 1, 2, 0.5, -0.5, 1e308, -1e308, 5e-324, 10**400, -(10**5000), 2**63, 2**64, float("nan")]
NUMBERS += [float("inf"), float("-inf"), np.float64("nan"), np.float32(0.1), np.int8(3), 1j, True, False, None]
TEXTS = ["", " ", "20", "20 ms", "-20 ms", "0 ms", "1e400 ms", "1e300 s", "nan ms", "inf ms", "20 mss", "20 volts"]
TEXTS += ["20 mV", "-70 mV", "0 mV", "5 Hz", "3 nA", "1 ohm", "1e-320 s", "9" * 5000, "1 ms 2", "msn", "x y", "é", "\0"]
THINGS: list[Any] = [
    [],
    {},
    (),
    set(),
    [1],
    (1, 2),
    (1.5, "a"),
    [[1], [1, 2]],
    {"a": 1},
    (None,),
    (True, False),
    ((0, 1),),
    object(),
]
THINGS += [
    b"20 ms",
    np.zeros(0),
    np.zeros(3),
    np.array(["a"]),
    np.array(1.0),
    np.zeros((2, 2)),
    np.array([None]),
    range(2),
]
THINGS += [np.array([1j]), np.array([2**63], dtype=np.uint64), (10**400,), (0, float("nan")), (1, 0), (-np.inf, np.inf)]
THINGS += [
    Unshowable(),
    print,
    sp.LIF,
    sp.LIF(),
    CUE,
    GIVEN,
    MSN,
    DOPAMINE,
    ERROR,
    RULE,
    PROJECTION,
    NETWORK,
    sp.weight,
]
THINGS += [sp.pre_trace("20 ms"), sp.on_pre(1.0), sp.Values((1.0,), "mV"), sp.Uniform("1 mV", "2 mV"), sp.AllToAll()]
THINGS += [sp.Uniform(-1e308, 1e308), sp.Normal(0, 1e308), sp.Explicit((9,), (0,)), sp.Blocks(3), sp.OneToOne()]
BAD = [*NUMBERS, *TEXTS, *THINGS]


def names(value: Any) -> str:
    """Return a short text that is the same in every process, as the identifiers of tests must be."""
    if callable(value):
        return value.__name__
    try:
        return re.sub(" at 0x[0-9a-f]+", "", repr(value))[:40]
    except Exception:
        return "unshowable"


@pytest.mark.parametrize("make", GOOD, ids=names)
def test_the_good_arguments_are_good(make: Callable[..., Any]) -> None:
    """Without this the grid below could pass because everything is refused for another argument's sake."""
    close(make(**GOOD[make]))


@pytest.mark.parametrize(
    ("make", "argument"), [(make, name) for make, good in GOOD.items() for name in good], ids=names
)
def test_one_bad_argument_gives_one_clear_error(make: Callable[..., Any], argument: str) -> None:
    """Every value of the grid at every argument: accepted, or refused by name."""
    for value in BAD:
        try:
            close(make(**{**GOOD[make], argument: value}))
        except SpikerlError as error:
            check_message(error)
        except Exception as error:  # noqa: BLE001
            raise AssertionError(f"{argument}={names(value)} raised {error!r}") from error


@settings(deadline=None)
@given(st.data())
def test_several_bad_arguments_give_one_clear_error(data: st.DataObject) -> None:
    """Arguments that are checked against one another are wrong together."""
    make = data.draw(st.sampled_from(list(GOOD)), label="constructor")
    chosen = {name: data.draw(st.sampled_from([value, *BAD]), label=name) for name, value in GOOD[make].items()}
    try:
        close(make(**chosen))
    except SpikerlError as error:
        check_message(error)


@pytest.mark.parametrize("make", GOOD, ids=names)
def test_unknown_and_missing_arguments_are_named(make: Callable[..., Any]) -> None:
    """A misspelt keyword is refused with the nearest name, as a misspelt name is elsewhere."""
    good = GOOD[make]
    name = next(iter(good))
    with pytest.raises(DescriptionError, match=f"did you mean {name!r}"):
        make(**{**good, f"{name}_": 1})
    with pytest.raises(DescriptionError, match="allowed"):
        make(*good.values(), *good.values(), 1, 2, 3)


WINDOW: dict[str, Any] = {
    "duration": "10 ms",
    "spikes": {"given": np.zeros((10, 2), dtype=bool)},
    "rates": {"cue": [5.0, 5.0, 5.0, 5.0]},
    "modulators": {"dopamine": 0.1, "error": np.zeros(4)},
}
INSIDE = {"spikes": "given", "rates": "cue", "modulators": "dopamine"}


def test_a_window_refused_leaves_the_session_where_it_was() -> None:
    """No bad window advances anything: the state after all refusals is the state before them."""
    with sp.open(NETWORK, "reference", batch=2) as session:
        session.step(**WINDOW)
        before = session.state()
        for argument in WINDOW:
            for value in BAD:
                windows = [{**WINDOW, argument: value}]
                if argument in INSIDE:
                    windows.append({**WINDOW, argument: {**WINDOW[argument], INSIDE[argument]: value}})
                    if hashable(value):
                        windows.append({**WINDOW, argument: {value: 1}})
                for window in windows:
                    refused_or_advanced(session, window, before)


def test_a_closed_session_does_not_step_and_closing_twice_is_no_fault() -> None:
    """After `with`, a step says what to do instead of running on freed memory."""
    with sp.open(NETWORK, "reference") as session:
        session.step("1 ms")
    session.close()
    with pytest.raises(DescriptionError, match="open the network again"):
        session.step("1 ms")


def hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def refused_or_advanced(session: sp.Session, window: dict[str, Any], before: dict[str, Any]) -> None:
    try:
        session.step(**window)
    except SpikerlError as error:
        check_message(error)
    except Exception as error:  # noqa: BLE001
        raise AssertionError(f"{names(window)} raised {error!r}") from error
    else:
        session.restore(before)
    after = session.state()
    assert all(np.array_equal(after[name], array) for name, array in before.items())


@pytest.mark.parametrize("value", BAD, ids=names)
def test_a_damaged_state_is_refused_and_changes_nothing(value: Any) -> None:
    """Each array of a state in turn is replaced; what fits no session is refused before any of it is taken."""
    with sp.open(NETWORK, "reference", batch=2) as session:
        before = session.state()
        attempts = [value, *({**before, name: value} for name in before), {**before, "nothing/here": np.zeros(1)}]
        attempts += [{key: array for key, array in before.items() if key != name} for name in before]
        for state in attempts:
            with pytest.raises(DescriptionError, match="allowed"):
                session.restore(state)
        after = session.state()
        assert all(np.array_equal(after[name], array) for name, array in before.items())


@pytest.mark.parametrize("value", BAD, ids=names)
@pytest.mark.parametrize("operand", [sp.weight, sp.pre_trace("20 ms"), DOPAMINE, DOPAMINE * sp.weight], ids=names)
def test_the_algebra_refuses_what_is_no_factor(operand: Any, value: Any) -> None:
    """On either side of every operator, and as a term of a rule or an eligibility."""
    attempts: list[Callable[[], Any]] = [
        lambda: operand * value, lambda: value * operand, lambda: operand + value, lambda: value + operand,
        lambda: operand - value, lambda: value - operand, lambda: sp.on_pre(operand * value),
        lambda: sp.eligibility("1 s", value), lambda: sp.eligibility(value, sp.on_pre(operand)),
        lambda: sp.Rule(value, bounds=(0, 1)), lambda: sp.Rule(sp.on_pre(operand), bounds=value),
        lambda: sp.Network(value), lambda: sp.Network(PROJECTION, populations=value),
        lambda: sp.Network(PROJECTION, populations=(value,)), lambda: sp.Network(PROJECTION, modulators=(value,)),
        lambda: NETWORK.population(value), lambda: NETWORK.projection(value), lambda: NETWORK.modulator(value),
    ]  # fmt: skip
    for attempt in attempts:
        try:
            attempt()
        except SpikerlError as error:
            check_message(error)


EXACT = [
    (lambda: sp.Modulator("d", gain_below=0.5), DescriptionError, ["Modulator('d').gain_below", "0.5", "no source"]),
    (
        lambda: sp.Modulator("d", "1 s", CUE, gain=0.5, gain_below=-0.5),
        DescriptionError,
        ["Modulator('d').gain_below", "-0.5", "of the sign of gain (0.5)"],
    ),
    (lambda: sp.Modulator("d", "1 s", CUE, gain_below=0), DescriptionError, ["gain_below", "0", "other than 0"]),
    (lambda: sp.LIF(tau_mem="0 ms"), UnitError, ["LIF.tau_mem", "'0 ms'", "above zero"]),
    (lambda: sp.LIF(tau_mem="-5 ms"), UnitError, ["LIF.tau_mem", "'-5 ms'", "above zero"]),
    (lambda: sp.LIF(tau_mem="5 mV"), UnitError, ["LIF.tau_mem", "'5 mV'", "a time such as '20 ms'"]),
    (lambda: sp.LIF(tau_mem=20), UnitError, ["LIF.tau_mem", "20", "write '20 ms'"]),
    (lambda: sp.LIF(tau_mem=float("nan")), UnitError, ["LIF.tau_mem", "nan", "finite"]),
    (lambda: sp.LIF(tau_mem=True), UnitError, ["LIF.tau_mem", "True", "a number"]),
    (lambda: sp.LIF(tau_mem="20 mss"), UnitError, ["LIF.tau_mem", "'20 mss'", "did you mean 'ms'"]),
    (lambda: sp.LIF(rest="-70 mV"), UnitError, ["LIF.rest", "'-70 mV'", "a plain number"]),
    (lambda: sp.LIF(threshold="-80 mV", rest="-70 mV"), DescriptionError, ["LIF.threshold", "above the reset"]),
    (lambda: sp.Poisson("-1 Hz"), UnitError, ["Poisson.rate", "'-1 Hz'", "zero or above"]),
    (lambda: sp.Population("2cells", 1, sp.LIF()), DescriptionError, ["Population.name", "'2cells'", "beginning"]),
    (lambda: sp.Population("cells", 0, sp.LIF()), DescriptionError, ["Population('cells').size", "0", "from 1 to"]),
    (lambda: sp.Population("cells", True, sp.LIF()), DescriptionError, ["Population('cells').size", "True"]),
    (lambda: sp.Projection(MSN, CUE, weight=1), DescriptionError, ["cue", "a population that has inputs"]),
    (lambda: sp.Projection(CUE, MSN, weight="1 mV"), UnitError, ["msn').weight", "'1 mV'", "plain number"]),
    (lambda: sp.Projection(CUE, MSN, weight=2, rule=RULE), DescriptionError, ["weight", "2", "bounds", "0 to 1"]),
    (lambda: sp.Projection(CUE, MSN, 1, delay="0 ms"), UnitError, ["delay", "'0 ms'", "above zero"]),
    (lambda: sp.Projection(CUE, MSN, sp.Values((1.0,))), DescriptionError, ["weight", "1 numbers", "16"]),
    (lambda: sp.Projection(GIVEN, MSN, 1, sp.OneToOne()), DescriptionError, ["connectivity", "2 to 4", "equal sizes"]),
    (lambda: sp.Projection(CUE, MSN, 1, sp.Blocks(3)), DescriptionError, ["connectivity", "groups=3", "multiples"]),
    (lambda: sp.Projection(CUE, MSN, 1, sp.Explicit((4,), (0,))), DescriptionError, ["pre", "4", "0 to 3"]),
    (lambda: sp.Probability(1.5), DescriptionError, ["Probability.p", "1.5", "from 0 to 1"]),
    (lambda: sp.Rule(sp.on_pre(1.0), bounds=(1, 0)), DescriptionError, ["Rule.bounds", "(1, 0)", "lower one first"]),
    (lambda: sp.dopamine_stdp(DOPAMINE, receptor="D3"), DescriptionError, ["receptor", "'D3'", "D1 or D2"]),
    (lambda: NETWORK.population("mns"), DescriptionError, ["population", "'mns'", "did you mean 'msn'"]),
    (lambda: sp.open(NETWORK, "referense"), DescriptionError, ["backend", "did you mean 'reference'"]),
    (lambda: sp.open(NETWORK, "reference", dt="250 ms"), UnitError, ["delay", "1 ms", "250 ms"]),
    (lambda: sp.open(ALONE, "reference", dt="250 ms"), UnitError, ["neuron.tau_syn", "5 ms", "250 ms", "shorter dt"]),
    (lambda: sp.open(NETWORK, "reference", dt="0 ms"), UnitError, ["dt", "'0 ms'", "above zero"]),
    (lambda: sp.Network(sp.Projection(CUE, MSN, 1), sp.Projection(CUE, MSN, 2)), DescriptionError, ["cue_to_msn"]),
    (lambda: sp.Network(populations=(MSN, sp.Population("msn", 3, sp.LIF()))), DescriptionError, ["'msn'", "meaning"]),
]


@pytest.mark.parametrize(("make", "kind", "parts"), EXACT)
def test_the_message_names_where_what_and_what_is_allowed(
    make: Callable[[], Any], kind: type[SpikerlError], parts: list[str]
) -> None:
    """One example of each fault, with the words a user needs."""
    with pytest.raises(kind) as caught:
        make()
    assert type(caught.value) is kind
    for part in parts:
        assert part in str(caught.value), f"{part!r} is not in {str(caught.value)!r}"


def test_a_step_longer_than_a_time_constant_is_refused_wherever_the_constant_stands() -> None:
    """Membrane, synapse, adaptation, trace, eligibility and modulator alike."""
    slow = {"tau_mem": "50 ms", "tau_syn": "50 ms"}
    cells = sp.Population("cells", 2, sp.LIF(**slow))
    adaptive = sp.Population("cells", 2, sp.AdaptiveLIF(sp.LIF(**slow), tau_adapt="9 ms"))
    elig = sp.Rule(sp.every_step(sp.eligibility("9 ms", sp.on_pre(1.0))), bounds=(0, 1))
    trace = sp.Rule(sp.on_pre(sp.post_trace("9 ms")), bounds=(0, 1))
    networks = {
        "tau_mem": sp.Network(populations=(sp.Population("cells", 2, sp.LIF(**slow | {"tau_mem": "9 ms"})),)),
        "tau_syn": sp.Network(populations=(sp.Population("cells", 2, sp.LIF(**slow | {"tau_syn": "9 ms"})),)),
        "tau_adapt": sp.Network(populations=(adaptive,)),
        "eligibility": sp.Network(sp.Projection(cells, cells, 0.5, rule=elig, delay="10 ms")),
        "trace": sp.Network(sp.Projection(cells, cells, 0.5, rule=trace, delay="10 ms")),
        "Modulator('d').tau": sp.Network(populations=(cells,), modulators=(sp.Modulator("d", tau="9 ms"),)),
    }
    for name, network in networks.items():
        with pytest.raises(UnitError) as caught:
            sp.open(network, "reference", dt="10 ms")
        assert name in str(caught.value) and "9 ms" in str(caught.value) and "10 ms" in str(caught.value)


def check_message(error: SpikerlError) -> None:
    """The one form: where, the value, what is allowed."""
    where, _, rest = str(error).partition(": got ")
    assert where and "; allowed: " in rest, str(error)
    assert len(str(error)) < 1000


def close(made: Any) -> None:
    if isinstance(made, sp.Session):
        made.close()
