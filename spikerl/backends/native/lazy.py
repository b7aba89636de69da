"""The kernels of a rule in its closed form (see `forms`): touched at spikes, read on demand.

The names in these texts: `w`, `c<k>` are W and C_k of a synapse, and `old` its weight; `K<m>` the integrals (the last
one Z, if there is a drift); `low<m>`, `high<m>` their least and greatest values in this epoch, `e` the step within it;
`row_last` and `column_last` the last `e` in which a neuron's synapses were touched.
"""

from __future__ import annotations

from dataclasses import dataclass

from spikerl.backends.native.forms import Lazy
from spikerl.backends.native.layout import ARRAYS, REALS, late_lines, named, silent
from spikerl.backends.native.products import Change, Reading, additions, changes, gated, reading
from spikerl.backends.native.texts import HEADER, function, indented
from spikerl.discretise import RulePlan
from spikerl.plasticity.algebra import Gate


@dataclass(frozen=True)
class _Texts:
    """The pieces of text that the kernels of one rule share."""

    rule: RulePlan
    form: Lazy
    changes: tuple[Change, ...]
    reading: Reading
    delivers: bool
    narrow: frozenset[str]

    @property
    def width(self) -> int:
        return 1 + len(self.rule.eligibilities)

    def coefficients(self) -> list[str]:
        return [f"coefficient_{c.number} = REAL(r[{len(REALS) + c.number}])" for c in self.changes]

    def names(self) -> list[str]:
        """Everything that does not depend on the synapse."""
        m, eligibilities = self.form.integrals, range(self.width - 1)
        lines = [*named(self.narrow), *self.coefficients(), *self.reading.lines(len(ARRAYS)), "e = epoch[0]"]
        for k in eligibilities:
            lines.append(f"share_c{k} = REAL(table[{2 * k} * (longest + 1) + e])")
            lines.append(f"growth_c{k} = REAL(table[{2 * k + 1} * (longest + 1) + e])")
        power = 2 * (self.width - 1)
        lines.append(f"power = REAL(table[{power} * (longest + 1) + e])")
        lines += [f"K{k} = REAL(past[e * {m} + {k}])" for k in range(m)]
        lines += [f"low{k} = REAL(reach[{k}])" for k in range(m)]
        lines += [f"high{k} = REAL(reach[{m + k}])" for k in range(m)]
        if not self.form.free and self.form.epoch:
            lines += [f"step_gain{k} = REAL(reach[{2 * m + k}])" for k in range(m)]
            lines.append("before = max(e - 1, 0)")
            lines.append(f"power_before = REAL(table[{power} * (longest + 1) + before])")
            lines += [f"B{k} = REAL(past[before * {m} + {k}])" for k in range(m)]
        return lines

    def load(self) -> list[str]:
        return [f"base = {self.width} * k", "w = synapse[base]"] + [
            f"c{k} = synapse[base + {1 + k}]" for k in range(self.width - 1)
        ]

    def moved(self, integral: str) -> str:
        """``W + sum_k C_k K_k + Z`` with the integrals called `integral`."""
        names = [f"c{k} * {integral}{m}" for m, k in enumerate(self.form.gains)]
        names += [f"{integral}{len(names)}"] if self.form.drift else []
        return " + ".join(["w", *names])

    def settled(self, integral: str, power: str, last: str, upto: str, steady: bool) -> list[str]:
        """Lines that make `old` the weight at the step of these integrals, bounds respected.

        What is as near to a bound as rounding is at the bound, as it would be had it been clipped there in each step.
        """
        plain = self.moved(integral) if self.form.retention == 1.0 else f"rest + {power} * ({self.moved(integral)})"
        if self.form.integrals == 0 and self.form.retention == 1.0:
            return ["old = w"]
        if steady:
            return [
                f"old = {plain}",
                "old = lowest if floor > old else old",
                "old = highest if ceiling < old else old",
            ]
        least, greatest = ["w"], ["w"]
        checks: list[str] = []
        for m, k in enumerate(self.form.gains):
            checks += [f"x{m} = c{k} * low{m}", f"y{m} = c{k} * high{m}"]
            least.append(f"min(x{m}, y{m})")
            greatest.append(f"max(x{m}, y{m})")
        if self.form.drift:
            least.append(f"low{len(self.form.gains)}")
            greatest.append(f"high{len(self.form.gains)}")
        symbols = ", ".join(["w", *(f"c{k}" for k in self.form.gains)])
        return [
            *checks,
            f"if rest + {' + '.join(least)} < lowest or rest + {' + '.join(greatest)} > highest:",
            f"    old = replay({symbols}, {last}, {upto}, past, table, epoch[1],",
            "                 longest, lowest, highest, retention, rest)",
            "else:",
            f"    old = {plain}",
            "old = lowest if floor > old else old",
            "old = highest if ceiling < old else old",
        ]

    def store(self) -> list[str]:
        """Lines that write W and C_k from `old` (the weight) and the new `c<k>` (already as C_k)."""
        inner = "old" if self.form.retention == 1.0 else "(old - rest) / power"
        taken = [f"c{k} * K{m}" for m, k in enumerate(self.form.gains)]
        taken += [f"K{len(taken)}"] if self.form.drift else []
        lines = [f"synapse[base] = {' - '.join([inner, *taken])}"]
        return lines + [f"synapse[base + {1 + k}] = c{k}" for k in range(self.width - 1)]

    def added(self, found: tuple[Change, ...], side: str) -> tuple[list[str], list[str]]:
        """Return the lines outside and inside the loop that add up changes; in a free rule, to C_k itself."""
        targets = [f"c{k}" for k in range(self.width - 1)]
        if self.form.free:
            return additions(found, side, self.reading, {name: name for name in targets}, "growth")
        return additions(found, side, self.reading, {name: f"d{name}" for name in ("w", *targets)})

    def touch(self, side: str, found: tuple[Change, ...], last: str, steady: bool, extra: list[str]) -> list[str]:
        """Lines for one synapse of a spiking neuron; `extra` adds the other neuron's terms where it spikes too."""
        inside = self.added(found, side)[1]
        eligibilities = range(self.width - 1)
        if self.form.free:
            return [*self.load(), *self.settled("K", "power", last, "e", steady), *inside, *self.store()]
        changing = self.form.epoch > 0
        lines = self.load()
        lines += self.settled("B", "power_before", last, "before", steady) if changing else ["old = w"]
        if changing:
            lines += [f"c{k} *= share_c{k}" for k in eligibilities]
        lines += ["dw = REAL(0)", *(f"dc{k} = REAL(0)" for k in eligibilities)]
        if changing:
            lines += [f"dw += step_gain{m} * c{k}" for m, k in enumerate(self.form.gains)]
            lines += [f"dw += step_gain{len(self.form.gains)}"] if self.form.drift else []
            lines += ["dw += (retention - REAL(1)) * (old - rest)"] if self.form.retention < 1.0 else []
        lines += [*inside, *extra, "old += dw"]
        lines += ["old = lowest if lowest > old else old", "old = highest if highest < old else old"]
        lines += [f"c{k} = (c{k} + dc{k})" + (f" * growth_c{k}" if changing else "") for k in eligibilities]
        return lines + self.store()

    def replay(self) -> str:
        """Return the function that takes a weight from one step of the epoch to another, step by step."""
        m, gains = self.form.integrals, self.form.gains
        symbols = ", ".join(["w", *(f"c{k}" for k in gains)])
        past = [f"L{k} = REAL(past[last * {m} + {k}])" for k in range(m)]
        now = [f"N{k} = REAL(past[upto * {m} + {k}])" for k in range(m)]
        change = [f"c{k} * (N{i} - L{i})" for i, k in enumerate(gains)] + (
            [f"N{m - 1} - L{m - 1}"] if self.form.drift else []
        )
        power = f"table[{2 * (self.width - 1)} * (longest + 1) + "
        lines = [
            *past,
            f"x = rest + REAL({power}last]) * ({self.moved('L')})",
            "x = min(max(x, lowest), highest)",
        ]
        if self.form.single:
            # Past its last turn the integral goes one way, and clipping at the end is clipping at every step.
            lines += [
                "if last >= turn:",
                indented([*now, f"x += {' + '.join(change)}", "return min(max(x, lowest), highest)"]),
            ]
        lines += [
            "for t in range(last + 1, upto + 1):",
            indented([f"N{k} = REAL(past[t * {m} + {k}])" for k in range(m)]),
            f"    x = rest + retention * (x - rest) + REAL({power}t]) * ({' + '.join(change) or 'REAL(0)'})",
            "    x = min(max(x, lowest), highest)",
            *(f"    L{k} = N{k}" for k in range(m)),
            "return x",
        ]
        head = f"def replay({symbols}, last, upto, past, table, turn, longest, lowest, highest, retention, rest):"
        return f"\n\n@njit(**OPTIONS)\n{head}\n{indented(lines)}\n"

    def peek(self, steady: bool = False) -> list[str]:
        """Lines that make `old` the weight of synapse k of row i, changing nothing."""
        return [*self.load(), *self.settled("K", "power", "max(row_last[i], column_last[post[k]])", "e", steady)]

    def branches(self, lines: dict[bool, list[str]], depth: int) -> list[str]:
        """Return the lines for a steady integral and for one that has turned, as far as they differ."""
        if not self.form.single:
            return [indented(lines[False], depth)]
        indent = "    " * depth
        return [
            f"{indent}if epoch[1] == 0:",
            indented(lines[True], depth + 1),
            f"{indent}else:",
            indented(lines[False], depth + 1),
        ]


def lazy_kernels(rule: RulePlan, form: Lazy, delivers: bool, narrow: frozenset[str]) -> str:
    """Return the module of the kernels ``clock``, ``rows``, ``columns``, ``late`` and ``read`` for this rule.

    With `delivers`, ``rows`` also adds the weights to what arrives in the next step; otherwise ``late`` does. Numbers
    in the arrays `narrow` have 16 bits.
    """
    found = changes(rule)
    texts = _Texts(rule, form, found, reading(found), delivers, narrow)
    kernels = [_rows(texts), _columns(texts), _late(texts), _read(texts)]
    if form.epoch:
        kernels.append(_clock(texts))
    return HEADER + texts.replay() + "".join(kernels)


def _rows(t: _Texts) -> str:
    """Synapses from neurons that spike."""
    pre, post = gated(t.changes, Gate.PRE), gated(t.changes, Gate.POST)
    outside = t.added(pre, "pre")[0]
    both: list[str] = []
    if not t.form.free and post:
        more, inside = t.added(post, "pre")
        outside += more
        both = ["if spiked_post[j]:", indented(inside)]

    def loop(steady: bool) -> list[str]:
        lines = ["j = post[k]", *t.touch("pre", pre, "max(row_last[i], column_last[j])", steady, both)]
        lines += ["arriving[j] += scale * old"] if t.delivers else []
        return ["for k in range(first[i], first[i + 1]):", indented(lines)]

    return function(
        "rows",
        *silent("p[6]", "n[1]", "n[0]"),
        *t.names(),
        *(["arriving = reals(p[10] + row(step + 1, slots, post_size) * REAL_BYTES)"] if t.delivers else []),
        "at = row(step, rows_pre, pre_size + 1)",
        "for q in range(fired_pre[at]):",
        "    i = fired_pre[at + 1 + q]",
        *([indented(outside)] if outside else []),
        *t.branches({True: loop(True), False: loop(False)}, 1),
        "for q in range(fired_pre[at]):",
        "    row_last[fired_pre[at + 1 + q]] = e",
    )


def _columns(t: _Texts) -> str:
    """Synapses onto neurons that spike; in a rule that is not free, those that `rows` has not touched."""
    post = gated(t.changes, Gate.POST)
    outside = t.added(post, "post")[0]

    def loop(steady: bool) -> list[str]:
        touch = t.touch("post", post, "max(row_last[i], column_last[j])", steady, [])
        lines = ["k, i = column[s], column_pre[s]"]
        lines += touch if t.form.free else ["if spiked_pre[i] == 0:", indented(touch)]
        return ["for s in range(column_first[j], column_first[j + 1]):", indented(lines)]

    return function(
        "columns",
        *silent("p[7]", "n[3]", "n[2]"),
        *t.names(),
        "at = row(step, rows_post, post_size + 1)",
        "for q in range(fired_post[at]):",
        "    j = fired_post[at + 1 + q]",
        *([indented(outside)] if outside else []),
        *t.branches({True: loop(True), False: loop(False)}, 1),
        "    column_last[j] = e",
    )


def _late(t: _Texts) -> str:
    return function(
        "late", *t.names(), *t.branches({steady: late_lines(t.peek(steady)) for steady in (True, False)}, 0)
    )


def _read(t: _Texts) -> str:
    """Write all weights, in the order of the description."""
    return function(
        "read",
        *t.names(),
        "for i in range(pre_size):",
        "    for k in range(first[i], first[i + 1]):",
        indented([*t.peek(), "weights[order[k]] = old"], 2),
    )


def _clock(t: _Texts) -> str:
    """Advance the integrals by a step; at the end of an epoch, begin anew."""
    m, length = t.form.integrals, "(n[7] + 1)"
    update = []
    for k, (eligibility, terms) in enumerate(
        [*t.form.gains.items(), *([(None, t.form.drift)] if t.form.drift else [])]
    ):
        share = "" if eligibility is None else f" * table[{2 * eligibility} * {length} + e]"
        power = f" / table[{2 * (t.width - 1)} * {length} + e]" if t.form.retention < 1.0 else ""
        update += [
            f"gain = {' + '.join(_gain(t, change) for change in terms)}",
            f"change = gain{share}{power}",
            f"after = past[(e - 1) * {m} + {k}] + change",
            f"past[e * {m} + {k}] = after",
            f"reach[{k}] = min(reach[{k}], after)",
            f"reach[{m + k}] = max(reach[{m + k}], after)",
            f"reach[{2 * m + k}] = gain",
        ]
    if t.form.single:
        update += [
            "way = 1 if change > 0.0 else (-1 if change < 0.0 else 0)",
            "if way * epoch[2] < 0:",
            "    epoch[1] = e - 1",
            "if way != 0:",
            "    epoch[2] = way",
        ]
    pointers = [f"{name} = {kind}(p[{ARRAYS.index(name)}])" for name, kind in _CLOCKED.items()]
    return _anew(t) + function(
        "clock",
        *pointers,
        "if epoch[0] == n[7]:",
        "    anew(p, n, r, now)",
        "e = epoch[0] + 1",
        "epoch[0] = e",
        *update,
    )


_CLOCKED = {"epoch": "integers", "reach": "doubles", "past": "doubles", "table": "doubles"}


def _anew(t: _Texts) -> str:
    """Return the function that brings all synapses up to date and puts the integrals at 0."""
    fresh = [*t.peek(), *(f"c{k} *= share_c{k}" for k in range(t.width - 1))]
    fresh += [f"synapse[base] = old{' - rest' if t.form.retention < 1.0 else ''}"]
    fresh += [f"synapse[base + {1 + k}] = c{k}" for k in range(t.width - 1)]
    return "\n\n@njit(**OPTIONS)\n" + function(
        "anew",
        *t.names(),
        "for i in range(pre_size):",
        "    for k in range(first[i], first[i + 1]):",
        indented(fresh, 2),
        "    row_last[i] = 0",
        "for j in range(post_size):",
        "    column_last[j] = 0",
        f"for m in range({2 * t.form.integrals}):",
        "    reach[m] = 0.0",
        "for m in range(3):",
        "    epoch[m] = 0",
    ).lstrip("\n")


def _gain(t: _Texts, change: Change) -> str:
    """Return the product of a term's coefficient and modulators, in double precision."""
    first = len(ARRAYS) + 2 * len(t.reading.traces)
    places = [first + t.reading.modulators.index(f.name) for f in change.term.factors if f.kind == "modulator"]
    return " * ".join([f"r[{len(REALS) + change.number}]", *(f"doubles(p[{place}])[0]" for place in places)])
