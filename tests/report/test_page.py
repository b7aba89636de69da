"""The page: what it shows, what it says is missing, that it needs nothing else, and that nothing can be put into it."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from spikerl.errors import FileError
from spikerl.report.page import report
from spikerl.results import Results, Synapses
from tests.analysis.runs import EXPERIMENT, complete, learner, noise_spikes, table, trial_weights, write

VOID = {"meta", "img", "br", "link", "input", "hr"}
FIGURES = [
    "Learning",
    "Dopamine over trials",
    "Dopamine around the outcome",
    "Spikes of an early and a late trial",
    "Weights",
]


class Page(HTMLParser):
    """Reads a page strictly: every element is closed where it should be; keeps tags, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.headings: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.texts.append(data)
        if self._open and self._open[-1] == "h3":
            self.headings.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def made(results: Results | list[Results], folder: Path) -> Page:
    return Page(report(results, folder / "page.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return complete(tmp_path_factory.mktemp("complete") / "run")


@pytest.fixture(scope="module")
def text(run: Results, tmp_path_factory: pytest.TempPathFactory) -> str:
    return report(run, tmp_path_factory.mktemp("page") / "page.html").read_text(encoding="utf-8")


def assert_alone(page: Page) -> None:
    """The page asks for nothing and runs nothing."""
    assert not {"script", "iframe", "object", "embed", "link", "img", "image", "base", "form"} & set(page.tags)
    for name, value in page.attributes:
        assert not name.startswith("on"), name
        if name in ("href", "xlink:href", "src", "action"):
            assert value.startswith("#"), value
        assert "url(" not in value or re.fullmatch(r"[^()]*url\(#\w+\)[^()]*", value), value


def test_a_complete_run_has_every_figure_and_number(run: Results, text: str) -> None:
    page = Page(text)
    assert page.headings == FIGURES
    assert page.tags.count("svg") == 5
    assert "Not shown" not in page.text
    assert_alone(page)
    for said in ("6 blocks", "at least 0.75", "Costa et al. (2016)", "Wilson's 95 % intervals", "tonic", "win-stay"):
        assert said.lower() in page.text.lower()
    assert 'schedule = "80/20"' in page.text
    assert "spikerl run experiment.toml" in page.text
    assert run.manifest.sha256[0] in page.text


def test_labels_of_the_figures_can_be_read(text: str) -> None:
    """Catches text turned to outlines, which no reader, search or screen reader finds."""
    page = Page(text)
    for label in ("P(better option)", "Trial of the block", "Dopamine rate (Hz)", "Mean weight (mV)", "dopamine"):
        assert label in page.texts
    described = [value for name, value in page.attributes if name == "aria-label"]
    assert len(described) == 5
    assert all("95 %" in text or "spike" in text for text in described)


def test_figures_do_not_refer_to_one_another(text: str) -> None:
    """Catches clip paths and markers of one figure that another one refers to."""
    page = Page(text)
    names = [value for name, value in page.attributes if name == "id"]
    assert len(names) == len(set(names))
    referred = {value[1:] for name, value in page.attributes if name == "xlink:href"}
    assert referred <= set(names)


def test_equal_results_give_equal_bytes_wherever_they_lie(run: Results, text: str, tmp_path: Path) -> None:
    """Catches dates, random names, and the directory in the page."""
    shutil.copytree(run.path, tmp_path / "elsewhere" / "copy")
    copy = Results.open(tmp_path / "elsewhere" / "copy")
    assert report(copy, tmp_path / "page.html").read_text(encoding="utf-8") == text
    assert str(run.path.parent) not in text


def test_every_colour_of_a_figure_is_one_that_follows_the_ground(text: str) -> None:
    """Catches a colour outside the palette, which would be black on a dark screen."""
    body = text[text.index("<body") :]
    assert set(re.findall(r"#[0-9a-f]{6}\b", re.sub(r'(id|href)="[^"]*"', "", body))) <= {"#ffffff"}
    defined = set(re.findall(r"(--[\w-]+):", text[: text.index("<body")]))
    assert set(re.findall(r"var\((--[\w-]+)\)", text)) <= defined


HOSTILE = (
    "<script>alert(1)</script>",
    '"><svg\\onload=alert(1)>',
    "</text></svg><script>x",
    "$\\frac{1}{$",
    "&lt;b&gt;{{7*7}}",
)


def test_names_in_a_run_stay_text(tmp_path: Path) -> None:
    """Catches a name that reaches the page, or a figure on it, unescaped, or that is read as mathematics."""
    names = [hostile.replace("/", "|") for hostile in HOSTILE]  # names of tables hold no slash
    synapses, step, value = trial_weights(2, 30)
    quoted = "".join(hostile.replace("\\", "").replace('"', "") for hostile in HOSTILE)
    results = write(
        tmp_path / "".join(names),
        learner(2, trials=30) | {name: np.zeros(60, dtype=np.int64) for name in names},
        spikes={name: noise_spikes(2, 30, 5) for name in (*names, "dopamine")},
        weights={
            name: (Synapses(unit, synapses.pre, synapses.post), step, value)
            for name, unit in zip(names, HOSTILE, strict=True)
        },
        experiment=f"# </code></pre>{' '.join(HOSTILE)}\n{EXPERIMENT.replace('striatum', quoted)}",
        backend="<script>alert(2)</script>",
        failure=" ".join(HOSTILE),
    )
    for chosen in (results, [results, results]):
        page = made(chosen, tmp_path)
        assert_alone(page)
        for name in names:
            assert page.texts.count(name) >= 2, "a population in the raster, a projection beside it"
        for hostile in (*HOSTILE, "<script>alert(2)</script>", quoted):
            assert hostile in page.text


def test_what_was_not_recorded_is_said_in_its_place(tmp_path: Path) -> None:
    trials = {name: values for name, values in learner(4, reversal=99).items() if not name.startswith("dopamine")}
    page = made(write(tmp_path / "run", trials), tmp_path)
    assert page.headings == FIGURES
    assert page.tags.count("svg") == 1
    assert page.text.count("Not shown.") == 4
    for said in ("dopamine_interval", "record.spikes", "record.weights"):
        assert said in page.text
    assert "reverse" not in page.text[page.text.index("P(better option) on each trial") :].split("bands")[0]


@pytest.mark.parametrize(
    ("blocks", "trials", "reversal"), [(1, 1, 20), (1, 40, 20), (3, 1, 20), (2, 40, 99), (2, 12, 1)]
)
def test_small_runs_have_a_page_too(tmp_path: Path, blocks: int, trials: int, reversal: int) -> None:
    """One instance, one trial, no reversal: what has no interval is shown without one."""
    page = made(complete(tmp_path / "run", blocks, trials, reversal), tmp_path)
    assert page.tags.count("svg") == 5
    assert "nan" not in page.text.lower()


def test_a_run_with_nothing_but_the_required_columns_has_a_page(tmp_path: Path) -> None:
    page = made(write(tmp_path / "run", table(trial=[0, 1, 2], better=[0, 1, 1])), tmp_path)
    assert page.tags.count("svg") == 1
    assert "P(better option), all trials" in page.text


def test_a_run_that_failed_says_so(tmp_path: Path) -> None:
    page = made(write(tmp_path / "run", learner(2), failure="the disk was full"), tmp_path)
    assert "This run is failed: the disk was full." in page.text


def test_several_runs_stand_side_by_side(tmp_path: Path) -> None:
    one = write(tmp_path / "one", learner(5))
    two = write(tmp_path / "two", learner(5, seed=9), experiment=EXPERIMENT.replace("80/20", "70/30"))
    page = made([one, two], tmp_path)
    assert page.headings[0] == "Learning"
    assert page.headings.count("Weights") == 2
    assert page.headings.count("Learning") == 1
    assert "task.schedule 80/20 70/30" in page.text
    assert "circuit.name" not in page.text
    assert page.texts.count("one") == page.texts.count("two") == 3
    assert_alone(page)
    twice = made([one, Results.open(tmp_path / "one")], tmp_path)
    assert "one (1)" in twice.texts
    assert "one (2)" in twice.texts


def test_the_animals_stand_beside_the_circuit_that_replayed_their_blocks(tmp_path: Path) -> None:
    trials = learner(4)
    size = trials["trial"].size
    trials |= {
        "recorded_block": trials["instance"] + 100,
        "animal_choice": np.zeros(size, dtype=np.int64),
        "animal_better": np.random.default_rng(2).integers(2, size=size),
    }
    page = made(write(tmp_path / "run", trials), tmp_path)
    assert "animals, same blocks" in page.texts
    assert "the recorded animals in the same 4 blocks" in page.text
    assert "paired by block" in page.text


def test_a_page_that_cannot_be_made_leaves_the_old_one(tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    out.write_text("old")
    empty = write(tmp_path / "run", {name: values[:0] for name, values in table(trial=[0]).items()})
    with pytest.raises(FileError, match="one trial at least"):
        report(empty, out)
    with pytest.raises(FileError, match="one run at least"):
        report([], out)
    assert out.read_text() == "old"
    with pytest.raises(FileError, match="nowhere"):
        report(complete(tmp_path / "good"), tmp_path / "nowhere" / "page.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good", "page.html", "run"]
