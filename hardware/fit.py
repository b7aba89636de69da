"""Does a program fit a chip: every limit of the target held against what the program uses of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from spikerl.errors import UnsupportedError, message
from spikerl.hardware.facts import UNLIMITED, Fact
from spikerl.hardware.mapping import USES, Placement, place
from spikerl.hardware.program import SPIKE_RESPONSE, Program, Rule
from spikerl.hardware.target import Target, unknown

TRACE_BITS = 7
_REMEDIES = {
    "compartments": "take a target with larger cores",
    "input_axons": "connect the population to fewer neurons, or cut it into several",
    "output_axons": "connect its populations to fewer others",
    "synaptic_memory": "take fewer synapses a neuron, or fewer weight bits",
    "compartment_configurations": "give populations the same time constants and refractory periods",
    "thresholds": "give populations the same threshold",
}


@dataclass(frozen=True)
class Check:
    """One limit: its `key` in the target, the most that is `used` of it, the `limit` (None: unknown) and `source`."""

    key: str
    used: int
    limit: int | None
    source: str


@dataclass(frozen=True)
class Misfit:
    """What does not fit: the `thing`, its `value`, what is `allowed` by which `key` of the target, and the `remedy`."""

    key: str
    thing: str
    value: object
    allowed: str
    remedy: str

    def __str__(self) -> str:
        """Return it as one clear message."""
        return message(f"{self.thing} ({self.key})", self.value, self.allowed, self.remedy)


@dataclass(frozen=True, eq=False)
class Fit:
    """How a program lies on a `target`: `placement`, `checks` of sizes, `misfits`, and the limits nobody knows."""

    target: Target
    placement: Placement
    checks: tuple[Check, ...]
    misfits: tuple[Misfit, ...]
    unknown: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether nothing is wrong, as far as is known."""
        return not self.misfits

    def require(self) -> None:
        """Raise `UnsupportedError` that names all misfits, a line each, where there are any."""
        if self.misfits:
            lines = [f"the circuit does not fit {self.target.name}:", *(f"  {misfit}" for misfit in self.misfits)]
            raise UnsupportedError("\n".join(lines))


def fit(program: Program, target: Target) -> Fit:
    """Return how `program` lies on `target`, and all that does not fit; raises nothing (`Fit.require` does)."""
    placement = place(program, target)
    checks = tuple(_checks(program, target, placement))
    misfits = (*_sizes(checks), *_cores(target, placement), *_formats(program, target))
    return Fit(target, placement, checks, misfits, tuple(unknown(target)))


def _checks(program: Program, target: Target, placement: Placement) -> Iterator[Check]:
    def check(key: str, used: int, fact: Fact) -> Check:
        limit = getattr(fact, "value")  # noqa: B009 - every fact has one, each of its own type
        return Check(key, used, limit, fact.source)

    yield check("chip.cores", len(placement.cores), target.chip.cores)
    yield check("chip.neurons", sum(neurons.size for neurons in program.neurons.values()), target.chip.neurons)
    synapses = sum(connection.weight.size for connection in program.connections.values())
    yield check("chip.synapses", synapses, target.chip.synapses)
    for name in USES:
        most = max((getattr(core.use, name) for core in placement.cores), default=0)
        yield check(f"core.{name}", most, getattr(target.core, name))
    longest = max((int(c.delay.max(initial=0)) for c in program.connections.values()), default=0)
    yield check("synapses.delay", longest, target.synapses.delay)
    held = max((neurons.refractory for neurons in program.neurons.values()), default=0)
    yield check("neurons.refractory", held, target.neurons.refractory)
    heard = max((len(_signals(c.rule)) for c in program.connections.values() if c.rule), default=0)
    yield check("learning.signals", heard, target.learning.signals)


def _sizes(checks: tuple[Check, ...]) -> Iterator[Misfit]:
    for check in checks:
        if check.key.startswith("chip.") and check.limit is not None and check.used > check.limit:
            what = check.key.partition(".")[2]
            remedy = "take a smaller circuit, or fewer weight bits" if what == "cores" else "take a smaller circuit"
            yield Misfit(check.key, f"the circuit's {what}", check.used, f"at most {check.limit}", remedy)


def _cores(target: Target, placement: Placement) -> Iterator[Misfit]:
    for core in placement.cores:
        for name in USES:
            used, limit = getattr(core.use, name), getattr(target.core, name).value
            if limit is not None and used > limit:
                held = ", ".join(f"{piece.population}[{piece.first}:{piece.stop}]" for piece in core.pieces)
                what = f"{name.replace('_', ' ')}{' in bits' if name == 'synaptic_memory' else ''}"
                yield Misfit(f"core.{name}", f"{what} of {held}", used, f"at most {limit}", _REMEDIES[name])


def _formats(program: Program, target: Target) -> Iterator[Misfit]:
    """Check what has nothing to do with cores: each input, population, connection and rule."""
    most = target.spikes.message_bits.value
    for heard in program.inputs.values():
        if most is not None and heard.message_bits > most:
            where, allowed = f"message bits of {heard.name!r}", f"at most {_number(most)}"
            yield Misfit("spikes.message_bits", where, heard.message_bits, allowed, "send plain spikes")
    known = target.neurons.models.value
    for neurons in program.neurons.values():
        if known is not None and neurons.model not in known:
            where, remedy = f"the model of {neurons.name!r}", "take another target"
            if neurons.model == SPIKE_RESPONSE:
                remedy = "take 'loihi2', whose neurons are programs"
            yield Misfit("neurons.models", where, neurons.model, ", ".join(known), remedy)
    held = target.neurons.refractory.value
    for neurons in program.neurons.values():
        if held is not None and neurons.refractory > held:
            where, allowed = f"refractory steps of {neurons.name!r}", f"at most {_number(held)}"
            yield Misfit("neurons.refractory", where, neurons.refractory, allowed, "take a shorter refractory period")
    if program.signals and target.chip.processors.value == 0:
        names = ", ".join(program.signals)
        yield Misfit("chip.processors", f"processors for {names}", 1, "none", "take a rule without modulators")
    for connection in program.connections.values():
        yield from _connection(program, target, connection.name)


def _connection(program: Program, target: Target, name: str) -> Iterator[Misfit]:
    connection, synapses = program.connections[name], target.synapses
    widths, signs = synapses.weight_bits.value, synapses.signs.value
    exponents, longest = synapses.exponent.value, synapses.delay.value
    if widths is not None and connection.bits not in widths:
        allowed = ", ".join(map(str, widths))
        below = max((width for width in widths if width < connection.bits), default=max(widths))
        yield Misfit("synapses.weight_bits", f"weight bits of {name!r}", connection.bits, allowed, f"take {below}")
    if signs is not None and connection.sign not in signs:
        remedy = "split the projection by the sign of its weights" if connection.sign == "mixed" else "turn its sign"
        yield Misfit("synapses.signs", f"signs of {name!r}", connection.sign, ", ".join(signs), remedy)
    if exponents is not None and not exponents[0] <= connection.exponent <= exponents[1]:
        allowed, remedy = f"{exponents[0]} to {exponents[1]}", "scale the weights, or the threshold and they alike"
        yield Misfit("synapses.exponent", f"weight exponent of {name!r}", connection.exponent, allowed, remedy)
    delay = int(connection.delay.max(initial=0))
    if longest is not None and delay > longest:
        allowed, remedy = f"at most {_number(longest)}", f"take at most {longest + 1} steps in all"
        yield Misfit("synapses.delay", f"delay of {name!r} beyond one step", delay, allowed, remedy)
    if connection.rule is not None:
        yield from _learning(target, name, connection.rule)


def _learning(target: Target, name: str, rule: Rule) -> Iterator[Misfit]:
    learning = target.learning
    if learning.on_chip.value is False:
        remedy = "learn elsewhere, and fix the weights"
        yield Misfit("learning.on_chip", f"rule of {name!r}", "learning", "fixed weights", remedy)
    heard = sorted(_signals(rule))
    if learning.signals.value is not None and len(heard) > learning.signals.value:
        where, allowed = f"third factors of {name!r}", f"at most {learning.signals.value}"
        yield Misfit("learning.signals", where, heard, allowed, "let the rule hear fewer modulators")
    own = [heard.signal for heard in rule.heard or () if heard.kind == "given"]
    if own and learning.own_signals.value is False:
        where, remedy = f"third factor {own[0]!r} of {name!r}", "take 'loihi2', or leave the modulator's target out"
        yield Misfit("learning.own_signals", where, "a number for each neuron", "one for all synapses", remedy)
    traced = any((*rule.x_tau, *rule.y_tau)) or any(h.kind == "trace" for h in rule.heard or ())
    if learning.trace_bits.value is not None and learning.trace_bits.value < TRACE_BITS and traced:
        where, allowed = f"bits of the traces of {name!r}", f"at most {learning.trace_bits.value}"
        yield Misfit("learning.trace_bits", where, TRACE_BITS, allowed, "take another target")


def _signals(rule: Rule) -> set[str]:
    """Return the names of the third factors that a rule hears."""
    return {heard.signal for heard in rule.heard or () if heard.kind in ("signal", "given")}


def _number(limit: int) -> str:
    return "any number" if limit == UNLIMITED else str(limit)
