"""From a program, as it came over the wire, to Lava's processes, and the check that every integer arrived."""

from dataclasses import dataclass, field

import numpy as np
from lava.magma.core.run_configs import RunConfig
from lava.proc.dense.process import DelayDense, Dense, LearningDense
from lava.proc.lif.process import LIF
from lava.proc.sparse.process import DelaySparse, Sparse
from lava.utils.weightutils import SignMode
from processes import (
    Desk,
    Given,
    GivenModel,
    Hearing,
    HearingModel,
    RecordedDelayDense,
    RecordedDelaySparse,
    RecordedDense,
    RecordedLearning,
    RecordedLif,
    RecordedSparse,
    RefractoryLif,
    ResponseLif,
    Signal,
    SignalModel,
    shared,
)
from rules import learning_rule
from scipy.sparse import csr_matrix

WINDOW_BYTES = 64 << 20
LONGEST_WINDOW = 4096
MODELS = {
    Dense: RecordedDense,
    DelayDense: RecordedDelayDense,
    Sparse: RecordedSparse,
    DelaySparse: RecordedDelaySparse,
    LearningDense: RecordedLearning,
    Given: GivenModel,
    Signal: SignalModel,
    Hearing: HearingModel,
}
SIGNS = {"mixed": SignMode.MIXED, "excitatory": SignMode.EXCITATORY, "inhibitory": SignMode.INHIBITORY}


class Chosen(RunConfig):
    """Names the model of each process, so that nothing depends on what Lava finds beside it."""

    def select(self, process, proc_models):
        """Return the model of `process`."""
        if isinstance(process, LIF):
            if process.proc_params["model"] == "spike_response":
                return ResponseLif
            return RefractoryLif if process.proc_params["refractory"] else RecordedLif
        return MODELS[type(process)]


@dataclass
class Built:
    """The processes and what they share with the worker, by name; `roots`, one process of each connected part."""

    window: np.ndarray
    capacity: int
    processes: dict = field(default_factory=dict)
    desks: dict = field(default_factory=dict)
    roots: list = field(default_factory=list)

    def desk(self, kind, name, **arrays):
        """Make the shared memory of a process."""
        made = Desk(self.window, shared((1,), np.int64), {key: shared(*given) for key, given in arrays.items()})
        self.desks[kind, name] = made
        return made


def build(program, arrays):
    """Return the processes of `program`, connected, not yet running."""
    built = Built(shared((2,), np.int64), _capacity(program))
    _populations(program, built)
    _signals(program, built)
    for name, given in program["given"].items():
        shape = (built.capacity, program["neurons"][given["population"]]["size"])
        built.desk("given", name, held=(shape, np.int32), is_held=((built.capacity,), np.bool_))
    for name, connection in program["connections"].items():
        _connection(program, built, name, connection, {key: arrays[f"{name}/{key}"] for key in _INDEXED})
    built.roots = _roots(built)
    return built


_INDEXED = ("pre_index", "post_index", "weight", "delay")


def _capacity(program):
    row = sum(4 * made["size"] for made in program["inputs"].values())
    row += sum(9 * made["size"] for made in program["neurons"].values()) + 9 * len(program["signals"])
    row += sum(4 * program["neurons"][given["population"]]["size"] + 1 for given in program["given"].values())
    return int(min(LONGEST_WINDOW, max(16, WINDOW_BYTES // max(1, row))))


def _populations(program, built):
    steps = built.capacity
    for name, given in program["inputs"].items():
        desk = built.desk("input", name, messages=((steps, given["size"]), np.int32))
        built.processes["population", name] = Given(size=given["size"], desk=desk)
    for name, given in program["neurons"].items():
        shape = (given["size"],)
        row = (steps, given["size"])
        used, number = ((7, *shape), np.int64), (row, np.int32)
        desk = built.desk("neurons", name, used=used, spikes=(row, np.bool_), u=number, v=number)
        if given["model"] == "spike_response":
            desk.arrays["offset"] = shared(row, np.int32)
        keys = ("du", "dv", "vth", "bias_mant", "bias_exp", "refractory", "model", "db", "jump")
        built.processes["population", name] = LIF(shape=shape, desk=desk, **{key: given[key] for key in keys})


def _signals(program, built):
    steps = built.capacity
    for name, law in program["signals"].items():
        desk = built.desk(
            *("signal", name), held=((steps,), np.int32), is_held=((steps,), np.bool_), value=((steps,), np.int32)
        )
        source = None if law["source"] is None else built.processes["population", law["source"]]
        size = 1 if source is None else source.s_out.shape[0]
        made = Signal(size=size, law=law, desk=desk)
        if source is not None:
            source.s_out.connect(made.s_in)
        built.processes["signal", name] = made


def _connection(program, built, name, connection, given):
    pre, post = (built.processes["population", connection[end]] for end in ("pre", "post"))
    shape = (post.a_in.shape[0], pre.s_out.shape[0])
    synapses = given["post_index"], given["pre_index"]
    count, full = len(synapses[0]), len(synapses[0]) == shape[0] * shape[1]
    weights, delays = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    weights[synapses], delays[synapses] = given["weight"], given["delay"]
    source = program["inputs"].get(connection["pre"])
    options = {
        "weight_exp": connection["exponent"],
        "num_weight_bits": connection["bits"],
        "sign_mode": SIGNS[connection["sign"]],
        "num_message_bits": source["message_bits"] if source else 0,
        "synapses": synapses,
    }
    weight = ((count,), np.int64)
    if connection["rule"] is not None:
        x, y = ((2, shape[1]), np.int64), ((3, shape[0]), np.int64)
        desk = built.desk("connection", name, weight=weight, first=weight, tag=weight, x=x, y=y)
        exists = None if full else np.zeros(shape, dtype=np.int64)
        if exists is not None:
            exists[synapses] = 1
        rule = connection["rule"]
        made = LearningDense(weights=weights, learning_rule=learning_rule(rule), desk=desk, exists=exists, **options)
        _listen(program, built, name, rule, post, made)
    else:
        options["desk"] = built.desk("connection", name, weight=weight)
        delayed = bool(delays.any())
        if not full:
            weights, delays = csr_matrix(weights), csr_matrix(delays)
        if delayed:
            made = (DelayDense if full else DelaySparse)(weights=weights, delays=delays, **options)
        else:
            made = (Dense if full else Sparse)(weights=weights, **options)
    pre.s_out.connect(made.s_in)
    made.a_out.connect(post.a_in)
    built.processes["connection", name] = made


def _listen(program, built, name, rule, post, made):
    """Connect what a rule hears of the post-synaptic side: its spikes and, with three factors, y1 to y3."""
    post.s_out.connect(made.s_in_bap)
    if rule["heard"] is None:
        return
    given = {
        law["signal"]: (built.desks["given", law["signal"]].arrays, program["given"][law["signal"]]["start"])
        for law in rule["heard"]
        if law["kind"] == "given"
    }
    hearing = Hearing(size=post.s_out.shape[0], laws=rule["heard"], desk=built.desk("hearing", name), given=given)
    if any(law["kind"] == "trace" for law in rule["heard"]):
        post.s_out.connect(hearing.s_in)
    ports = (hearing.signal1, hearing.signal2, hearing.signal3)
    for law, port in zip(rule["heard"], ports, strict=True):
        if law["kind"] == "signal":
            built.processes["signal", law["signal"]].y_out.connect(port)
    outs = (hearing.y1, hearing.y2, hearing.y3)
    for out, port in zip(outs, (made.s_in_y1, made.s_in_y2, made.s_in_y3), strict=True):
        out.connect(port)
    built.processes["hearing", name] = hearing


def _roots(built):
    """Return one process of each part of the circuit that is connected in itself: Lava runs such a part at a time."""
    from lava.magma.compiler.compiler_graphs import find_processes

    roots, seen = [], set()
    for process in built.processes.values():
        if process.id not in seen:
            roots.append(process)
            seen |= {process.id} | {other.id for other in find_processes(process)}
    return roots


def check(program, arrays, built):
    """Raise ValueError where Lava, after its first step, computes with another integer than the program's."""
    for name, given in program["neurons"].items():
        used = built.desks["neurons", name].arrays["used"]
        keys = ("du", "dv", "vth", "bias_mant", "bias_exp")
        meant = [given[key] for key in keys] + [given["bias_mant"] << given["bias_exp"], given["vth"] << 6]
        for what, there, here in zip((*keys, "the bias", "the threshold"), used, meant, strict=True):
            if (there != here).any():
                raise ValueError(f"neurons {name!r}: Lava computes with {what} {there[there != here][0]}, not {here}")
    for name in program["connections"]:
        desk = built.desks["connection", name].arrays
        there, here = desk.get("first", desk["weight"]), arrays[f"{name}/cut"]
        if (there != here).any():
            at = int(np.flatnonzero(there != here)[0])
            raise ValueError(f"connection {name!r}, synapse {at}: Lava computes with {there[at]}, not {here[at]}")
