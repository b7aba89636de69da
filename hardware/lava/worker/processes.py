"""The process models: Lava's own arithmetic, which also writes what happened to memory shared with the worker.

Neurons, synapses and the learning engine are Lava's stock models; their subclasses here record, hold a refractory
neuron, move a threshold in place of a reset, or keep the synapses of a partial plastic connection to those that exist.
Only what Lava has no working model for is computed here: a source of given spikes, the filter of a signal, and what a
three-factor rule hears (Lava's own `LearningLIF` never sends y1 to y3 and so blocks). Processes and models share this
file, since Lava looks for models beside a process.
"""

import mmap
from dataclasses import dataclass, field

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.dense.models import PyDelayDenseModelBitAcc, PyDenseModelBitAcc, PyLearningDenseModelBitApproximate
from lava.proc.dense.process import DelayDense, Dense, LearningDense
from lava.proc.lif.models import PyLifModelBitAcc
from lava.proc.lif.process import LIF
from lava.proc.sparse.models import PyDelaySparseModelBitAcc, PySparseModelBitAcc
from lava.proc.sparse.process import DelaySparse, Sparse

START, STOP = 0, 1


def shared(shape, dtype):
    """Return an array of zeros that a fork shares with its parent; it has no name, so nothing of it can be left."""
    count = int(np.prod(shape))
    content = mmap.mmap(-1, max(1, count * np.dtype(dtype).itemsize))
    return np.frombuffer(content, dtype=dtype, count=count).reshape(shape)


@dataclass
class Desk:
    """The memory that a process shares with the worker: the window's first and last step, its progress, its arrays."""

    window: np.ndarray
    progress: np.ndarray
    arrays: dict = field(default_factory=dict)

    def row(self, time_step):
        """Return the row of this step, Lava's steps beginning with 1; say that it was reached."""
        self.progress[0] = time_step
        return time_step - 1 - self.window[START]

    def ends(self, time_step):
        """Return whether this step is the last of the window."""
        return time_step == self.window[STOP]


@implements(proc=LIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class RecordedLif(PyLifModelBitAcc):
    """Lava's neurons; each step's spikes, u and v are written down."""

    def run_spk(self):
        """Take a step."""
        super().run_spk()
        desk = self.proc_params["desk"]
        row = desk.row(self.time_step)
        for name, value in (("spikes", self.s_out_buff), ("u", self.u), ("v", self.v)):
            desk.arrays[name][row] = value
        if self.time_step == 1:
            used = (self.du, self.dv, self.vth, self.bias_mant, self.bias_exp, self.effective_bias, self.effective_vth)
            for at, value in enumerate(used):
                desk.arrays["used"][at] = value


@implements(proc=LIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class RefractoryLif(RecordedLif):
    """The same, whose v stays at 0 for a number of steps after a spike, while u goes on."""

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.left = np.zeros(proc_params["shape"], dtype=np.int64)

    def subthr_dynamics(self, activation_in):
        """Integrate, then put v back to 0 where it is held."""
        super().subthr_dynamics(activation_in)
        held = self.left > 0
        self.v[held] = 0
        self.left[held] -= 1

    def reset_voltage(self, spike_vector):
        """Reset v, and begin to hold it."""
        super().reset_voltage(spike_vector)
        self.left[spike_vector] = self.proc_params["refractory"]


@implements(proc=LIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class ResponseLif(RecordedLif):
    """Neurons that integrate as Lava's do and do not reset: each spike moves an offset of the threshold, which decays.

    Lava has no such neuron; current and voltage are its own, the offset is computed here.
    """

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.offset = np.zeros(proc_params["shape"], dtype=np.int64)

    def spiking_activation(self):
        """Let the offset decay, and spike above the threshold that it moves."""
        self.offset = np.sign(self.offset) * (np.abs(self.offset) * (4096 - self.proc_params["db"]) >> 12)
        return self.v > self.effective_vth + self.offset

    def reset_voltage(self, spike_vector):
        """Move the offset of those that spiked, and leave v."""
        limit = self.max_uv_val - 1
        self.offset = np.clip(self.offset + self.proc_params["jump"] * spike_vector, -limit, limit)

    def run_spk(self):
        """Take a step."""
        super().run_spk()
        desk = self.proc_params["desk"]
        desk.arrays["offset"][desk.row(self.time_step)] = self.offset


class RecordedWeights:
    """Writes the weights that the first step used, which Lava has cut by then."""

    def run_spk(self):
        """Take a step."""
        super().run_spk()
        desk = self.proc_params["desk"]
        desk.row(self.time_step)
        if self.time_step == 1:
            post, pre = self.proc_params["synapses"]
            desk.arrays["weight"][:] = np.asarray(self.weights[post, pre]).ravel()


@implements(proc=Dense, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class RecordedDense(RecordedWeights, PyDenseModelBitAcc):
    """Lava's synapses, all to all."""


@implements(proc=DelayDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class RecordedDelayDense(RecordedWeights, PyDelayDenseModelBitAcc):
    """Lava's synapses, all to all, with delays."""


@implements(proc=Sparse, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class RecordedSparse(RecordedWeights, PySparseModelBitAcc):
    """Lava's synapses, some to some."""


@implements(proc=DelaySparse, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class RecordedDelaySparse(RecordedWeights, PyDelaySparseModelBitAcc):
    """Lava's synapses, some to some, with delays."""


@implements(proc=LearningDense, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class RecordedLearning(PyLearningDenseModelBitApproximate):
    """Lava's learning engine; weights, tags and traces are written at the end of each window.

    A partial connection is a full one whose other synapses stay at 0: the engine computes all, and those that do not
    exist are put back. `LearningSparse` cannot do it: it stops at every rule that reads a weight or moves a tag (which
    it begins as real numbers and then shifts).
    """

    def run_spk(self):
        """Take a step."""
        super().run_spk()
        desk = self.proc_params["desk"]
        desk.row(self.time_step)
        if self.time_step == 1:
            post, pre = self.proc_params["synapses"]
            desk.arrays["first"][:] = self.weights[post, pre]
        if desk.ends(self.time_step) and not self.lrn_guard():
            self._write(desk)

    def run_lrn(self):
        """End an epoch."""
        super().run_lrn()
        desk = self.proc_params["desk"]
        if desk.ends(self.time_step):
            self._write(desk)

    def _apply_learning_rules(self, x_traces_history, y_traces_history):
        super()._apply_learning_rules(x_traces_history, y_traces_history)
        exists = self.proc_params["exists"]
        if exists is not None:
            self.weights = self.weights * exists
            self.tag_1 = self.tag_1 * exists

    def _write(self, desk):
        post, pre = self.proc_params["synapses"]
        desk.arrays["weight"][:] = self.weights[post, pre]
        desk.arrays["tag"][:] = self.tag_1[post, pre]
        desk.arrays["x"][:] = self._x_traces
        desk.arrays["y"][:] = self._y_traces


class Given(AbstractProcess):
    """A population whose messages of a window lie in shared memory."""

    def __init__(self, *, size, desk):
        super().__init__(desk=desk)
        self.s_out = OutPort(shape=(size,))


@implements(proc=Given, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class GivenModel(PyLoihiProcessModel):
    """Sends a row a step."""

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def run_spk(self):
        """Take a step."""
        desk = self.proc_params["desk"]
        self.s_out.send(desk.arrays["messages"][desk.row(self.time_step)])


class Signal(AbstractProcess):
    """A third factor: the filter of a population's spikes, or a value that is held from outside."""

    def __init__(self, *, size, law, desk):
        super().__init__(law=law, desk=desk)
        self.s_in = InPort(shape=(size,))
        self.y_out = OutPort(shape=(1,))


@implements(proc=Signal, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class SignalModel(PyLoihiProcessModel):
    """``y = clip((r - baseline) mantissa >> shift, -128, 127)``; ``r <- (r (4096 - decay) >> 12) + jump spikes``."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    y_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.r = proc_params["law"]["start"]

    def run_spk(self):
        """Take a step."""
        desk, law = self.proc_params["desk"], self.proc_params["law"]
        row = desk.row(self.time_step)
        if desk.arrays["is_held"][row]:
            y = int(desk.arrays["held"][row])
            self.r = law["baseline"] + (y << law["shift"]) // law["mantissa"]
        else:
            y = min(127, max(-128, (self.r - law["baseline"]) * law["mantissa"] >> law["shift"]))
        desk.arrays["value"][row] = y
        self.y_out.send(np.array([y], dtype=np.int32))
        spikes = int(np.count_nonzero(self.s_in.recv()))
        self.r = (self.r * (4096 - law["decay"]) >> 12) + law["jump"] * spikes


class Hearing(AbstractProcess):
    """What a three-factor rule hears as y1 to y3, one number a post-synaptic neuron and step."""

    def __init__(self, *, size, laws, desk, given):
        super().__init__(laws=laws, size=size, desk=desk, given=given)
        self.s_in = InPort(shape=(size,))
        self.signal1, self.signal2, self.signal3 = (InPort(shape=(1,)) for _ in range(3))
        self.y1, self.y2, self.y3 = (OutPort(shape=(size,)) for _ in range(3))


@implements(proc=Hearing, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class HearingModel(PyLoihiProcessModel):
    """A trace of the neuron's spikes, with parts below its whole numbers; a signal; what is given; or a constant."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    signal1: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    signal2: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    signal3: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    y1: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    y2: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    y3: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.traces = np.zeros((3, proc_params["size"]), dtype=np.int64)
        for trace, law in zip(self.traces, proc_params["laws"], strict=True):
            if law["kind"] == "given":
                trace[:] = proc_params["given"][law["signal"]][1]

    def run_spk(self):
        """Take a step."""
        row = self.proc_params["desk"].row(self.time_step)
        spikes = self.s_in.recv().astype(bool)
        ports = (self.signal1, self.y1), (self.signal2, self.y2), (self.signal3, self.y3)
        for at, (law, (signal, out)) in enumerate(zip(self.proc_params["laws"], ports, strict=True)):
            heard, trace = signal.recv(), self.traces[at]
            if law["kind"] == "trace":
                jump, most = law["impulse"] << law["parts"], (128 << law["parts"]) - 1
                trace[:] = np.minimum(most, (trace * (4096 - law["decay"]) >> 12) + jump * spikes)
                half = (1 << law["parts"]) >> 1
                out.send(np.minimum(127, (trace + half) >> law["parts"]).astype(np.int32))
            elif law["kind"] == "given":
                arrays, _ = self.proc_params["given"][law["signal"]]
                if arrays["is_held"][row]:
                    trace[:] = arrays["held"][row]
                out.send(trace.astype(np.int32))
            else:
                trace[:] = heard[0] if law["kind"] == "signal" else law["value"]
                out.send(trace.astype(np.int32))
