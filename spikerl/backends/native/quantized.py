"""The kernels of weights in few bits: a rule at every synapse in every step, and what it leaves on a grid.

A synapse holds its code, or in floating point its weight, then its eligibilities, each in an array of its own. The ways
of rounding have kernels of their own, of which an instance runs the one that its numbers name.
"""

from __future__ import annotations

from dataclasses import dataclass

from spikerl.backends.native import ordered
from spikerl.backends.native.few_bits import NUMBERS
from spikerl.backends.native.laws import FLOATING, ROUNDING_HEADER, Way, level, moved
from spikerl.backends.native.products import Change, Reading, changes, gated, reading
from spikerl.backends.native.texts import function, indented
from spikerl.discretise import RulePlan
from spikerl.plasticity.algebra import Gate

ARRAYS = (
    *("synapse", "first", "post", "column_first", "column", "column_pre", "fired_pre", "fired_post", "spiked_pre"),
    *("spiked_post", "arriving", "parts", "delays", "order", "writes", "updates", "changed", "tops"),
    *("numbers", "keys", "powers", "factor"),
)
"""The arrays of a quantised projection, in the order in which its kernels expect them; those of its terms follow."""
INTEGERS = ("pre_size", "rows_pre", "post_size", "rows_post", "slots", "synapses", "delay_count")
REALS = ("bound_low", "bound_high", "scale")
_TYPES = {
    **{name: "flags" for name in ("spiked_pre", "spiked_post", "changed")},
    **{name: "integers" for name in ("writes", "updates")},
    **{name: "doubles" for name in ("tops", "numbers", "powers", "factor")},
    "keys": "words",
}
WORD = 64


@dataclass(frozen=True)
class QuantizedTexts:
    """The texts of the kernels of one projection.

    `even`: whether all its grids end at one number; `mismatched`: whether what synapses transmit has a factor; `narrow`
    names the arrays whose numbers have 16 bits.
    """

    rule: RulePlan
    even: bool
    mismatched: bool
    narrow: frozenset[str]

    @property
    def changes(self) -> tuple[Change, ...]:
        """The terms of the rule."""
        return changes(self.rule)

    @property
    def reading(self) -> Reading:
        """What they read."""
        return reading(self.changes)

    def learning(self, way: Way) -> str:
        """Return the module of the kernel ``learn`` of instances that round in one way; integer n[7] is its number."""
        start = [
            "if doubles(p[18])[0] != n[7]:",
            "    return",
            *self._names(),
            *(f"{name} = numbers[{k}]" for k, name in enumerate(NUMBERS)),
            "rounding_stream = stream(keys[0], step, synapses)",
            "permission_stream = stream(keys[1], step, synapses)",
            *self._grid("0"),
            "asked, small, stored = 0, 0, 0",
        ]
        body = self._together(way) if not ordered.apart(self.changes) else self._apart(way)
        end = ["updates[0] += asked", "updates[1] += small", "updates[2] += stored"]
        return ROUNDING_HEADER + function("learn", *start, *body, *end)

    def spiking(self) -> str:
        """Return the module of the kernel ``jump``: terms at spikes, where they can be done after all others."""
        lines: list[str] = []
        for change in gated(self.changes, Gate.PRE, Gate.POST):
            row = change.term.gate is Gate.PRE
            before, inside = ordered.product(change, self.reading, ordered.ROW if row else ordered.COLUMN)
            target = f"{change.target}s[k] = float64({change.target}s[k]) + {inside}"
            if row:
                lines += [
                    "at = row(step, rows_pre, pre_size + 1)",
                    "for q in range(fired_pre[at]):",
                    "    i = fired_pre[at + 1 + q]",
                    f"    {before}",
                    "    for k in range(first[i], first[i + 1]):",
                    "        j = post[k]",
                    f"        {target}",
                ]
            else:
                lines += [
                    "at = row(step, rows_post, post_size + 1)",
                    "for q in range(fired_post[at]):",
                    "    j = fired_post[at + 1 + q]",
                    f"    {before}",
                    "    for s in range(column_first[j], column_first[j + 1]):",
                    "        k, i = column[s], column_pre[s]",
                    f"        {target}",
                ]
        return ROUNDING_HEADER + function("jump", *self._names(), *lines)

    def transmission(self) -> str:
        """Return the module of the kernel ``transmit``: spikes arrive in the next step, with the visible levels."""
        seen = [
            "code = float64(codes[k])",
            *self._grid("k", inside=True),
            level(),
            # As `Synapses.visible` and `Synapses.transmitted` have it, in their order.
            "seen = code if floating != 0.0 else origin + (level * ratio) * step_size",
            *(["seen = seen * factor[k]"] if self.mismatched else []),
            "if noise != 0.0:",
            "    seen = seen * (1.0 + noise * (drawn(reading_stream, order[k]) - 0.5))",
            "arriving[post[k]] += scale * seen",
        ]
        return ROUNDING_HEADER + function(
            "transmit",
            *self._names(),
            *(f"{name} = numbers[{k}]" for k, name in enumerate(NUMBERS)),
            *self._grid("0"),
            "reading_stream = stream(keys[2], step + 1, synapses)",
            "arriving = reals(p[10] + row(step + 1, slots, post_size) * REAL_BYTES)",
            "for d in range(delay_count):",
            "    at = row(step + rows_pre + 1 - delays[d], rows_pre, pre_size + 1)",
            "    for q in range(fired_pre[at]):",
            "        i = fired_pre[at + 1 + q]",
            "        for k in range(parts[i * (delay_count + 1) + d], parts[i * (delay_count + 1) + d + 1]):",
            indented(seen, 3),
        )

    def _names(self) -> list[str]:
        """Return the lines that name all but what differs between synapses."""
        kinds = _TYPES | dict.fromkeys(self.narrow, "narrow")
        shares = len(REALS) + len(self.changes)
        eligibilities = range(len(self.rule.eligibilities))
        return [
            *(f"{name} = n[{k}]" for k, name in enumerate(INTEGERS)),
            *(f"{name} = r[{k}]" for k, name in enumerate(REALS)),
            *ordered.names(self.changes, self.reading, len(REALS), len(ARRAYS)),
            *(f"share_c{k} = r[{shares + k}]" for k in eligibilities),
            *(
                f"{name} = {kinds.get(name, 'indices')}(p[{k}])"
                for k, name in enumerate(ARRAYS)
                if name not in ("synapse", "arriving")
            ),
            "codes = reals(p[0])",
            *(f"c{k}s = reals(p[0] + {1 + k} * synapses * REAL_BYTES)" for k in eligibilities),
            "step = now[STEP]",
        ]

    def _grid(self, synapse: str, inside: bool = False) -> list[str]:
        """Return the lines with the grid of a synapse; before the loop where all are the same, else inside it."""
        if self.even == inside:
            return []
        return [f"origin = tops[{synapse}] * offset", f"step_size = tops[{synapse}] * unit"]

    def _old(self, way: Way) -> list[str]:
        """Return the lines that load synapse k."""
        old = "old = code" if way.rounding == FLOATING else "old = origin + code * step_size"
        load = [f"c{k} = share_c{k} * float64(c{k}s[k])" for k in range(len(self.rule.eligibilities))]
        return ["code = float64(codes[k])", *self._grid("k", inside=True), old, *load]

    def _stored(self, way: Way) -> list[str]:
        """Return the lines that find from `old` and `w` what would be stored, `rounded`, and whether it `changes`."""
        bounds = ["w = minimum(maximum(w, bound_low), bound_high)", "asks = w != old"]
        if way.rounding == FLOATING:
            lines = ["rounded = minimum(maximum(old + rate * (w - old), bound_low), bound_high)"]
            return [*bounds, *lines, "changes = rounded != old"]
        return [*bounds, *moved(way), "changes = asks & (rounded != code)"]

    def _counted(self, way: Way) -> list[str]:
        """Return the lines that count an update."""
        small = [] if way.rounding == FLOATING else ["small += asks & (abs(t - code) < 0.5)"]
        return ["asked += asks", *small]

    _STORE = (
        "if permitted(probability, permission_stream, order[k], writes[k], endurance):",
        "    codes[k] = rounded",
        "    writes[k] += 1",
        "    stored += 1",
    )

    def _apart(self, way: Way) -> list[str]:
        """Return the loops over all synapses: which may change, then those that do, then eligibilities decay."""
        every = gated(self.changes, Gate.STEP)
        products = [ordered.product(change, self.reading, ordered.FLAT) for change in every]
        weight = ["w = old", *(f"w += {inside}" for _, inside in products)]
        found = [*self._old(way), *weight, *self._stored(way)]
        return [
            *(before for before, _ in products),
            "hits = 0",
            "for k in range(synapses):",
            indented([*found, *self._counted(way), "changed[k] = changes", "hits |= changes"]),
            "if hits != 0 and probability > 0.0:",
            "    eight = words(p[16])",
            f"    for begin in range(0, synapses, {WORD}):",
            "        mask = np.uint64(0)",
            "        for q in range(8):",
            "            mask |= ((eight[(begin >> 3) + q] * BYTES_TO_BITS) >> np.uint64(56)) << np.uint64(8 * q)",
            "        while mask != 0:",
            "            k = begin + lowest(mask)",
            "            mask &= mask - np.uint64(1)",
            indented([*found, *self._STORE], 3),
            *(
                line
                for k in range(len(self.rule.eligibilities))
                for line in ("for k in range(synapses):", f"    c{k}s[k] = share_c{k} * float64(c{k}s[k])")
            ),
        ]

    def _together(self, way: Way) -> list[str]:
        """Return the loop over all synapses in which all products are read before anything is written."""
        outside, synapse = [], ["j = post[k]", *self._old(way), "w = old"]
        eligibilities = range(len(self.rule.eligibilities))
        synapse += [f"d{k} = c{k}" for k in eligibilities]
        gates = {Gate.PRE: "if spiked_pre[i]:", Gate.POST: "if spiked_post[j]:"}
        for change in self.changes:
            before, inside = ordered.product(change, self.reading, ordered.ROW)
            outside.append(before)
            added = f"{'w' if change.target == 'w' else f'd{change.target[1:]}'} += {inside}"
            gate = gates.get(change.term.gate)
            synapse += [added] if gate is None else [gate, f"    {added}"]
        synapse += [*self._stored(way), *self._counted(way), "if changes:", indented(self._STORE)]
        synapse += [f"c{k}s[k] = d{k}" for k in eligibilities]
        return [
            "for i in range(pre_size):",
            *([indented(outside)] if outside else []),
            "    for k in range(first[i], first[i + 1]):",
            indented(synapse, 2),
        ]
