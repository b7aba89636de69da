"""The kernels of weights in few bits: a rule at every synapse in every step, and what it leaves on a grid.

A synapse holds its code, or in floating point its weight, then its eligibilities, each in an array of its own. The ways
of rounding have kernels of their own, of which an instance runs the one that its numbers name.
"""

from __future__ import annotations

from dataclasses import dataclass

from spikerl.backends.native import ordered
from spikerl.backends.native.few_bits import NUMBERS
from spikerl.backends.native.laws import FLOATING, ROUNDING_HEADER, Way, level, moved, nearby
from spikerl.backends.native.layout import late_lines
from spikerl.backends.native.products import Change, Reading, changes, gated, reading
from spikerl.backends.native.texts import function, indented
from spikerl.discretise import RulePlan
from spikerl.plasticity.algebra import Gate
from spikerl.quantization import ENDLESS

ARRAYS = (
    *("synapse", "first", "post", "column_first", "column", "column_pre", "fired_pre", "fired_post", "spiked_pre"),
    *("spiked_post", "arriving", "parts", "delays", "order", "writes", "updates", "tops"),
    *("numbers", "keys", "powers", "factor"),
)
"""The arrays of a quantised projection, in the order in which its kernels expect them; those of its terms follow."""
INTEGERS = ("pre_size", "rows_pre", "post_size", "rows_post", "slots", "synapses", "delay_count")
REALS = ("bound_low", "bound_high", "scale")
_TYPES = {
    **{name: "flags" for name in ("spiked_pre", "spiked_post")},
    **{name: "integers" for name in ("writes", "updates")},
    **{name: "doubles" for name in ("tops", "numbers", "powers", "factor")},
    "keys": "words",
}
BLOCK = 32


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
            "if doubles(p[17])[0] != n[7]:",
            "    return",
            *self._names(),
            *(f"{name} = numbers[{k}]" for k, name in enumerate(NUMBERS)),
            "rounding_stream = stream(keys[0], step, synapses)",
            "permission_stream = stream(keys[1], step, synapses)",
            *self._grid("0"),
            "asked, small, stored = 0, 0, 0",
            # Whether all changes are stored, or none, whatever the chances and the wear of each synapse.
            f"sure = probability == 0.0 or probability == 1.0 and endurance >= {ENDLESS}.0",
            "stores = probability > 0.0",
        ]
        body = self._together(way) if not ordered.apart(self.changes) else self._apart(way)
        end = ["updates[0] += asked", "updates[1] += small", "updates[2] += stored"]
        return ROUNDING_HEADER + f"BLOCK = {BLOCK}\n" + function("learn", *start, *body, *end)

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
            "old = code if floating != 0.0 else origin + (level * ratio) * step_size",
            *(["old = old * factor[k]"] if self.mismatched else []),
            "if noise != 0.0:",
            "    old = old * (1.0 + noise * (drawn(reading_stream, order[k]) - 0.5))",
        ]
        return ROUNDING_HEADER + function(
            "transmit",
            *self._names(),
            *(f"{name} = numbers[{k}]" for k, name in enumerate(NUMBERS)),
            *self._grid("0"),
            "reading_stream = stream(keys[2], step + 1, synapses)",
            *late_lines(seen),
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

    def _clipped(self) -> list[str]:
        """Return the lines that put `w` within the bounds of the rule."""
        return ["w = minimum(maximum(w, bound_low), bound_high)", "asks = w != old"]

    def _grid_share(self) -> list[str]:
        """Return the line with the `reach` of an update in steps, where synapses differ in it."""
        return [] if self.even else ["reach = rate / step_size"]

    def _stored(self, way: Way) -> list[str]:
        """Return the lines that find from `old` and `w` what would be stored, `rounded`, and whether it `changes`."""
        if way.rounding == FLOATING:
            lines = ["rounded = minimum(maximum(old + rate * (w - old), bound_low), bound_high)"]
            return [*lines, "changes = rounded != old"]
        return [*moved(way), "changes = asks & (rounded != code)"]

    _WRITE = (
        "codes[k] = rounded if changes else code",
        "writes[k] += changes",
        "stored += changes",
    )
    _STORE = (
        "if permitted(probability, permission_stream, order[k], writes[k], endurance):",
        "    codes[k] = rounded",
        "    writes[k] += 1",
        "    stored += 1",
    )

    def _counted(self, way: Way) -> list[str]:
        """Return the lines that count an update."""
        small = [] if way.rounding == FLOATING else ["small += asks & (abs(t - code) < 0.5)"]
        return ["asked += asks", *small]

    def _apart(self, way: Way) -> list[str]:
        """Return the loops over all synapses, block by block: whether any may change, those that do; then decay.

        Where most blocks have one that may change, nothing is won by asking first.
        """
        every = gated(self.changes, Gate.STEP)
        products = [ordered.product(change, self.reading, ordered.FLAT) for change in every]
        weight = ["w = old", *(f"w += {inside}" for _, inside in products)]
        proposed = [*self._old(way), *weight, *self._clipped()]
        found = [*proposed, *self._stored(way), *self._counted(way)]
        screen = [
            "if 2 * crowded <= begin + 2 * BLOCK:",
            "    asking, near = 0, 0",
            "    for k in range(begin, end):",
            indented([*proposed, *self._grid_share(), *nearby(way), "asking += asks", "near |= close"], 2),
            "    if near == 0:",
            "        asked += asking",
            "        small += asking",
            "        continue",
            "    crowded += BLOCK",
        ]
        return [
            *(before for before, _ in products),
            *(["reach = rate / step_size"] if self.even else []),
            "crowded = 0",
            "for begin in range(0, synapses, BLOCK):",
            "    end = min(begin + BLOCK, synapses)",
            *([] if way.rounding == FLOATING else [indented(screen)]),
            "    if sure:",
            "        for k in range(begin, end):",
            indented([*found, "changes = changes & stores", *self._WRITE], 3),
            "    else:",
            "        for k in range(begin, end):",
            indented([*found, "if changes:", indented(self._STORE)], 3),
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
        synapse += [*self._clipped(), *self._stored(way), *self._counted(way), "if changes:", indented(self._STORE)]
        synapse += [f"c{k}s[k] = d{k}" for k in eligibilities]
        return [
            "for i in range(pre_size):",
            *([indented(outside)] if outside else []),
            "    for k in range(first[i], first[i + 1]):",
            indented(synapse, 2),
        ]
