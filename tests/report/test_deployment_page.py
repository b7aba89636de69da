"""The hardware part of a page: every number is the file's, what is unknown is said, and names stay text."""

import html
import json
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikerl.errors import FileError
from spikerl.report import numbers
from spikerl.report.page import report
from spikerl.results import Results
from spikerl.results.deployment import NAME, read_deployment, write_deployment
from tests.analysis.runs import table, write
from tests.files.deployments import deployed
from tests.report.test_page import HOSTILE, Page, assert_alone

TRIALS = 7
HEADINGS = [
    "Where it lies",
    "What it uses of the chip",
    "What fixed point loses",
    "What it did",
    "Energy, estimated",
    "NeuroBench metrics",
]
KEPT = {"number", "first", "stop", "instances", "neurons", "input", "mesh", "cores", "tile_cores", "format", "options"}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A small run of 2 instances in lockstep, 7 trials in all, that was never deployed."""
    instance = np.array([0, 1, 0, 1, 0, 1, 0])
    return write(tmp_path_factory.mktemp("plain") / "run", table(instance=instance, trial=np.arange(TRIALS) // 2))


@pytest.fixture
def run(plain: Results, tmp_path: Path) -> Path:
    """A deployed copy of it, which a test may change."""
    copy = shutil.copytree(plain.path, tmp_path / "run")
    deployed(copy)
    return copy


def written(run: Path) -> str:
    return report(Results.open(run), run.parent / "page.html").read_text(encoding="utf-8")


def part(text: str) -> str:
    """The hardware part of a page."""
    found = re.findall(r'<section class="hardware">.*?</section>', text, flags=re.DOTALL)
    assert len(found) == 1
    return found[0]


def said(text: str) -> str:
    """The words of a piece of a page, without those in its figures."""
    bare = re.sub(r"<[^>]*>", " ", re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL))
    return " ".join(html.unescape(bare).split())


def cells(text: str) -> list[str]:
    """What stands in the cells of the tables of a page that are numbers, in their order."""
    found = re.findall(r"<td[^>]*>(.*?)</td>", text, flags=re.DOTALL)
    return [one for one in (said(cell) for cell in found) if re.match(r"[−\d]", one)]


def changed(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads((run / NAME).read_text())
    change(content)
    for energy in content["energy"]:
        known = [e for e in energy["events"] if e["count"] is not None and e["picojoules"] is not None]
        energy["joules"] = math.fsum(e["count"] * e["picojoules"] * 1e-12 for e in known)
        energy["left_out"] = [e["event"] for e in energy["events"] if e not in known and e["count"] != 0]
    (run / NAME).write_text(json.dumps(content))


def test_the_hardware_part_stands_after_the_behaviour(run: Path) -> None:
    text = written(run)
    page = Page(text)
    assert page.headings[-len(HEADINGS) :] == HEADINGS
    assert page.headings[0] == "Learning"
    assert_alone(page)
    for expected in (
        "On chip7 (a chip for tests), played by both emulators, loihi and lava: 2 instances, each in 1,000 steps of"
        " 1 ms.",
        "Bit for bit alike: loihi and lava agreed in 1,000 steps (40 windows) on 33,311 spikes and 1,234,567 whole"
        " numbers of each",
        "3 cores in use of 128. They lie in 8 × 4 tiles of 4 cores",
        "some hold several",
        "Dashed: nobody has published the limit",
        "5 numbers of the description",
        "The largest error is infinite: gain, modulator 'dopamine'.",
        "Of 2 only a note can say what is lost.",
        "At most 686 synaptic operations",
        "weight bits 8, tolerance 0.05, saturate no, streams lava",
        "spikerl deploy experiment.toml --target chip7 --emulator both --out again",
    ):
        assert expected in page.text, expected


def test_a_run_that_was_not_deployed_keeps_its_bytes(plain: Results, run: Path) -> None:
    """Catches a style, a heading or a blank line that reaches the pages of all other runs."""
    before = report(plain, run.parent / "before.html").read_bytes()
    assert b"hardware" not in before
    assert b"On the chip" not in before
    assert b"On the chip" in written(run).encode()
    (run / NAME).unlink()
    assert written(run).encode() == before


def test_equal_deployments_give_equal_bytes(run: Path, tmp_path: Path) -> None:
    """Catches a path, a date or a random name in the part."""
    other = shutil.copytree(run, tmp_path / "elsewhere" / "run")
    assert written(other) == written(run)
    assert str(tmp_path) not in written(run)


def test_every_number_is_the_files(run: Path) -> None:
    """Catches a number that is not read, or one that stands in the place of another: all change, at once."""

    def other(value: object, key: str = "") -> object:
        if isinstance(value, dict):
            kept = KEPT - {"cores"} if "losses" in value else KEPT
            return {name: one if name in kept else other(one, name) for name, one in value.items()}
        if isinstance(value, list):
            return [other(one, key) for one in value]
        if isinstance(value, bool) or not isinstance(value, int | float) or (key == "neuron_updates" and not value):
            return value
        if key.endswith("Sparsity"):
            return value * 0.9
        return 2 * value + (1 if isinstance(value, int) else 0.125)

    before = cells(part(written(run)))
    changed(run, lambda content: content.update(other(content)))
    after = cells(part(written(run)))
    assert len(before) == len(after) > 80
    # What may be alike: places on the chip and sizes of populations, which were kept, and a sum's only share.
    alike = [one for one, two in zip(before, after, strict=True) if one == two]
    assert alike == ["60", "32", "20", "40", "152", "100 %"]


def test_what_was_counted_is_shown_in_all_and_by_trial(run: Path) -> None:
    """Catches a count divided by the trials of one instance, by the instances, or not at all."""
    shown = cells(part(written(run)))
    for total in (24_581, 4_863, 523, 3_344, 33_311, 64_000, 40_000, 80_000, 184_000):
        assert f"{total:,}" in shown
        assert numbers.significant(total / TRIALS) in shown
    for total in (393_296, 9_398, 402_694, 931_111):
        assert f"{total:,}" in shown
        assert numbers.significant(total / TRIALS) in shown
    assert {"816,000", "923,280", "960", "382", "1,342"} <= set(shown)
    assert "76" in shown, "4863 spikes of 32 neurons in 2 instances of 1 s: 76 Hz"


def test_energies_are_estimates_of_a_trial_of_one_instance(run: Path) -> None:
    """Catches a sum of the whole run called that of a trial, and what is left out but not named."""
    text = part(written(run))
    shown = said(text)
    total = 81_234 * 23.6e-12 + 90_000 * 81e-12
    assert f"{1e6 * total / TRIALS:.3f} µJ a trial, estimated after paper1" in shown
    assert f"{1e6 * total:.3f} µJ for the whole run" in shown
    assert f"{1e6 * total / 2:.3f} µJ a second of one instance" in shown
    assert f"{1e9 * 81_234 * 23.6e-12 / TRIALS:.1f} nJ" in shown
    assert "20.8 %" in shown
    assert (
        "Left out of this sum: learning update of a synapse (7,007 in the run, of unknown energy); hop of a message to"
        " the tile east or west (their number is unknown)."
    ) in shown
    assert shown.count("estimate") >= 5
    assert text.count('<i style="width: ') == 3, "a bar for each event that has a share"


def test_losses_are_sorted_and_the_rest_is_folded(run: Path) -> None:
    """Catches an order by name, an infinite error at the end, and a long table that hides the page."""

    def many(content: dict[str, Any]) -> None:
        first = content["losses"][0]
        content["losses"] += [{**first, "quantity": f"q{k}", "error": (k * 7 % 20) / 1000} for k in range(20)]

    changed(run, many)
    text = part(written(run))
    lost = text[text.index("What fixed point loses") : text.index("What it did")]
    errors = re.findall(r'<td class="right(?: value| none)">([^<]*)</td><td>', lost)
    assert errors[0] == "infinite"
    assert errors[-2:] == ["–", "–"]
    values = [float(error.removesuffix(" %")) for error in (e.replace("\u00a0", " ") for e in errors[1:-2])]
    assert values == sorted(values, reverse=True)
    assert len(errors) == 25
    assert lost.index("<details>") > lost.index(errors[1])
    assert "The other 17" in lost
    row = said(lost[lost.index("projection") :].partition("</tr>")[0])
    assert row == "projection 'cortex_to_d1' weight 3.341 3.3255 0.464 % clipping the largest of 960"
    for kind in ("rounding</b> (21)", "clipping</b> (1)", "saturation</b> (1)", "coefficient</b> (1)"):
        assert kind in lost


def test_names_in_a_deployment_stay_text(run: Path) -> None:
    """Catches a name that reaches the page, a figure or an attribute unescaped, in whatever place of the file."""
    hostile = " ".join(HOSTILE) + "\x00\x1b\u202e\n'\""
    fixed = {"results", "kind", "left_out"}

    def poison(value: object, key: str = "") -> object:
        if isinstance(value, dict):
            named = {"populations", "connections", "use", "options"}
            return {f"{name} {hostile}" if key in named else name: poison(one, name) for name, one in value.items()}
        if isinstance(value, list):
            return [poison(one, key) for one in value]
        return f"{value} {hostile}" if isinstance(value, str) and key not in fixed else value

    changed(run, lambda content: content.update(poison(content)))
    page = Page(written(run))
    assert_alone(page)
    assert not {name for name, _ in page.attributes if name.startswith("on")}
    assert page.text.count("<script>alert(1)</script>") > 50
    assert page.headings[-len(HEADINGS) :] == HEADINGS


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(agreement=None, energy=[], losses=[], cores=[], limits=[], unknown=[], options={}),
        lambda c: c["operations"].update(populations={}, connections={}, steps=0) or c.update(cores=[]),
        lambda c: c["chip"].update(mesh=None, tile_cores=None),
        lambda c: c["chip"].update(mesh=None, cores=None, summary="", file="my chips/it's.toml"),
        lambda c: c["chip"].update(mesh=[2**31 - 1, 2**31 - 1], cores=2**62),
        lambda c: c["chip"].update(mesh=[1, 2000], tile_cores=1, cores=2000),
        lambda c: c["chip"].update(mesh=[1, 1], tile_cores=1),
    ],
)
def test_what_is_missing_or_enormous_has_a_page_too(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Catches a division by zero, a figure of nothing, and a chip that takes all memory to draw."""
    changed(run, change)
    text = written(run)
    page = Page(text)
    assert_alone(page)
    assert page.headings[-len(HEADINGS) :] == HEADINGS
    assert not re.search(r"\b(nan|inf)\b", said(part(text)).lower())
    assert len(text) < 2_000_000
    found = read_deployment(run)
    assert found is not None
    assert ('class="agreed alone"' in text) == ("○ It was not held" in page.text) == (found.agreement is None)
    for absent, words in (
        (found.agreement is None, "It was not held against a second machine."),
        (not found.energy, "there is no estimate"),
        (not found.losses, "Nothing: the chip holds every number"),
        (found.chip.mesh is None, "How they lie on the chip is unknown"),
        (found.chip.file is not None, """--target 'my chips/it'"'"'s.toml' --emulator"""),
    ):
        assert (words in page.text) == absent


def test_the_table_of_cores_says_what_lies_where(run: Path) -> None:
    """Catches a core with the colour or the neurons of another population, and a use in the column of another limit."""
    text = part(written(run))
    rows = re.findall(r'<tr class="first"><th scope="row">(\d)</th>(.*?)</tr>', text, flags=re.DOTALL)
    assert [(number, re.findall(r"var\(--([\w-]+)\)", row), said(row)) for number, row in rows] == [
        ("0", ["d1"], "d1, neurons 0 to 31 32 12"),
        ("1", ["run-1", "dopamine"], "striosome, neurons 0 to 19 dopamine, neurons 0 to 12 33 348"),
        ("6", ["dopamine"], "dopamine, neurons 13 to 39 27"),
    ]


def test_several_runs_have_a_part_each(plain: Results, run: Path) -> None:
    """Catches figures of two chips that share names, and a part that is shown for the wrong run."""
    other = shutil.copytree(run, run.parent / "other")
    changed(other, lambda content: content["chip"].update(name="chip9"))
    page = Page(
        report([Results.open(run), plain, Results.open(other)], run.parent / "all.html").read_text(encoding="utf-8")
    )
    assert page.headings.count("Where it lies") == 2
    assert page.text.index("On chip7") < page.text.index("On chip9")
    names = [value for name, value in page.attributes if name == "id"]
    assert len(names) == len(set(names))


def test_a_damaged_deployment_leaves_the_old_page(run: Path) -> None:
    out = run.parent / "page.html"
    out.write_text("old")
    changed(run, lambda content: content["metrics"].update(Dense=-1.0))
    with pytest.raises(FileError, match=r"deploy\.json, metrics\.Dense"):
        report(Results.open(run), out)
    assert out.read_text() == "old"


def test_every_colour_follows_the_ground_and_every_figure_is_described(run: Path) -> None:
    """Catches a colour outside the palette, which would be black on a dark screen, and a figure nobody hears of."""
    text = written(run)
    body = part(text)
    assert not re.findall(r"#[0-9a-f]{6}\b", re.sub(r'(id|href)="[^"]*"', "", body))
    defined = set(re.findall(r"(--[\w-]+):", text[: text.index("<body")]))
    assert set(re.findall(r"var\((--[\w-]+)\)", body)) <= defined
    labels = re.findall(r'<svg [^>]*role="img" aria-label="([^"]+)"', body)
    assert len(labels) == body.count("<svg") == 2
    assert "3 cores in use of 128" in labels[0]


def test_a_written_deployment_is_what_the_page_reads(run: Path) -> None:
    """Catches a page made of another file than the one that belongs to the results."""
    found = read_deployment(run)
    assert found is not None
    write_deployment(run, found.model_copy(update={"emulator": "loihi"}))
    assert "played by the emulator loihi: 2 instances, each" in said(part(written(run)))
    changed(run, lambda content: content.update(results="0" * 64))
    with pytest.raises(FileError, match="another run"):
        written(run)
