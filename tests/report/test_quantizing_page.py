"""The page of a comparison of bit widths: what it says is what the cells give, and nothing can be put into it.

Catches: a line named for another, a limit in words that is not the one computed, a cell or a figure that is missing in
silence, a comparison shown beside runs, and text of the files that becomes markup or a command.
"""

import re
import shlex
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

import spikerl as sp
from spikerl.analysis.quantizing import compared, limits
from spikerl.cli.program import app
from spikerl.errors import FileError
from spikerl.report.numbers import bounds, number
from spikerl.report.page import report
from spikerl.report.quantizing_figures import style
from spikerl.report.quantizing_page import quantizing_page, quantizing_report
from spikerl.report.quantizing_picture import quantizing_picture
from spikerl.results.quantizing import Comparison
from tests.analysis.runs import complete
from tests.report.comparisons import LAYERS, bars, made_up, seal, write
from tests.report.test_page import Page, assert_alone

WAYS = (("nearest", "plain", 0), ("stochastic", "plain", 0), ("stochastic", "hidden", 8))
FIGURES = [
    "P(better option) over bits",
    "What is lost, in points of a hundred",
    "Updates that are lost",
    "Weights before and after learning",
    "P(better option) over memory",
]
EVIL = '<script>alert("1")</script> & \'$(rm)\''


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared") / "d"
    return Comparison.open(write(folder, made_up((1, 2, 4, 8), ways=WAYS)))


@pytest.fixture(scope="module")
def page(whole):
    return Page(quantizing_page(whole))


def shown(folder, rows, **given):
    return Page(quantizing_page(Comparison.open(write(folder, rows, **given))))


def test_every_figure_is_there(page):
    assert_alone(page)
    assert page.headings == FIGURES
    assert "Not shown" not in page.text


def test_every_cell_is_there_with_its_paired_difference(whole, page):
    for cell in compared(whole):
        value, low, high, n = cell.difference
        assert number(100 * value, 1) in page.text
        assert bounds(cell.measure, 3) in page.text, cell
        assert bounds(type(cell.difference)(100 * value, 100 * low, 100 * high, n), 1) in page.text, cell


def test_limits_are_in_words(whole, page):
    """Catches a sentence with the limit of another way of storing."""
    found = {(one.rounding, one.when, one.method, one.points): one for one in limits(compared(whole))}
    for (rounding, when, method, points), one in found.items():
        name = rounding if method == "plain" else f"{rounding}, {method}"
        text = rf"{name.capitalize()}, {when} learning: [^;]*more than 1 [^;]*; more than 5 [^;]*\."
        line = re.search(text, page.text)
        assert line is not None, page.text
        said = line[0].split(";")[0 if points == 1 else 1]
        where = "never" if one.bits is None else f"first at {one.bits} bit"
        assert where in said, (one, said)


def test_the_lead_says_how_far_down_it_goes(tmp_path):
    """Catches a width below one at which the loss is greater, and a loss of the other `when`."""
    rows = made_up((2, 4, 8), ways=WAYS[:1], instances=3)
    kept = [row for row in rows if row[0] == 32]
    for row in rows:
        if row[0] != 32:
            lost = {"after": {8: 0.002, 4: 0.03, 2: 0.0}, "during": {8: 0.02, 4: 0.0, 2: 0.0}}[row[2]][row[0]]
            beside = kept[row[6]]
            score = beside[8] - lost if row[2] == "after" else beside[7] - lost
            kept.append((*row[:7], score if row[2] == "during" else row[7], score, *row[9:]))
    text = shown(tmp_path / "d", kept).text
    assert re.search(r"Rounded after learning: [^:]*; the mean loss stays within 1 point [^:]* down to 8 bits", text)
    assert re.search(r"Learning in few bits: [^:]*; more than 1 point of a hundred is lost from 8 bits down", text)


def test_memory_counts_hidden_bits(page):
    cells = " ".join(page.texts)
    assert re.search(r"4\s+12\s", cells), "4 bits and 8 hidden ones are 12"


def test_a_comparison_without_hidden_bits_has_no_figure_of_memory(tmp_path):
    assert shown(tmp_path / "d", made_up((2, 4))).headings == FIGURES[:-1]


def test_layers(tmp_path):
    """Catches P(better option) of layers, and their cells that learn held against a score that they have not."""
    page = shown(tmp_path / "d", made_up((2, 4), learning=False), experiment=LAYERS, histograms=[])
    assert page.headings[0] == "Accuracy over bits" and "P(better" not in page.text
    assert "digits · DCLL" in page.text and "Trials of the test" not in page.text
    assert "Not shown. histograms of weights" in page.text


def test_one_cell_beside_floating_point(tmp_path):
    rows = made_up((4,), ways=WAYS[:1], whens=("after",), instances=1)
    page = shown(tmp_path / "d", rows)
    assert page.headings == FIGURES[:-1]
    assert "when = during" in page.text
    assert "4 bits" in page.text and "1 instance" in page.text


def test_floating_point_alone(tmp_path):
    page = shown(tmp_path / "d", made_up(()))
    assert "no cell in few bits" in page.text
    assert page.text.count("Not shown") == 3


def test_no_floating_point_is_refused_with_the_remedy(tmp_path):
    rows = [row for row in made_up((2, 4)) if row[0] != 32]
    found = Comparison.open(write(tmp_path / "d", rows))
    for make in (quantizing_page, lambda one: quantizing_picture(one, tmp_path / "a.svg")):
        with pytest.raises(FileError, match="quantize again with 32 among the bits"):
            make(found)
    assert not (tmp_path / "a.svg").exists()


def test_a_table_that_its_cells_do_not_give_is_refused(tmp_path):
    folder = write(tmp_path / "d", made_up((2,)))
    text = (folder / "table.csv").read_text()
    line = text.splitlines()[1].split(",")
    for changed in (",".join([*line[:7], "0.99", *line[8:]]), ",".join([*line[:7], "", *line[8:]])):
        (folder / "table.csv").write_text(text.replace(text.splitlines()[1], changed))
        seal(folder)
        with pytest.raises(FileError, match=r"table\.csv.*measure"):
            quantizing_page(Comparison.open(folder))
    (folder / "table.csv").write_text("\n".join(text.splitlines()[:-1]))
    seal(folder)
    with pytest.raises(FileError, match="one for each"):
        quantizing_page(Comparison.open(folder))


def test_names_with_markup_stay_text(tmp_path):
    rows = made_up((2, 4), ways=((EVIL, EVIL, 8),), instances=2)
    named = f'[circuit]\nname = """{EVIL}"""\n\n[task]\nname = """{EVIL}"""\n'
    drawn = [(*bar[:4], EVIL, *bar[5:]) for bar in bars(rows, ("p",))]
    facts = {"backend": EVIL, "python": EVIL, "versions": {EVIL: EVIL}}
    folder = write(tmp_path / "d", rows, experiment=named, histograms=drawn, facts=facts)
    text = quantizing_page(Comparison.open(folder))
    page = Page(text)
    assert_alone(page)
    assert "<script" not in text.lower().replace("&lt;script", "")
    assert EVIL in page.text
    picture = quantizing_picture(Comparison.open(folder), tmp_path / "a.svg").read_text(encoding="utf-8")
    assert "<script" not in picture
    ElementTree.fromstring(picture)


def test_the_command_can_be_pasted(tmp_path):
    """Catches a name that ends the command and begins another."""
    rows = made_up((2, 4), ways=((EVIL, "plain", 0), ("dither", "dither", 0)), instances=2)
    texts = shown(tmp_path / "d", rows, facts={"instances": 2}).texts
    command = next(text for text in texts if text.startswith("spikerl quantize"))
    words = shlex.split(command)
    assert words[:3] == ["spikerl", "quantize", "experiment.toml"]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert options["--bits"] == "2,4,32" and options["--rounding"] == EVIL
    assert options["--method"] == "plain,dither" and options["--when"] == "after,during"
    assert options["--seeds"] == "2" and options["--test"] == "40"


def test_many_ways_and_projections_are_drawn_up_to_a_number(tmp_path):
    ways = tuple((f"way {k}", "plain", 0) for k in range(14))
    rows = made_up((2,), ways=ways, whens=("during",), instances=2)
    drawn = bars(rows[:4], [f"p{k}" for k in range(9)])
    page = shown(tmp_path / "d", rows, histograms=drawn)
    assert "Way 13, during learning" in page.text
    assert "The first 6 of 9 projections" in page.text
    assert len({style(k) for k in range(14)}) == 14


def test_a_histogram_of_endless_bars_is_not_drawn(tmp_path):
    rows = made_up((2,), ways=WAYS[:1], instances=1)
    edges = [k / 3000 for k in range(3001)]
    drawn = [(*rows[-1][:4], "p", "after", low, high, 1) for low, high in zip(edges, edges[1:], strict=False)]
    assert "bars of a histogram" in shown(tmp_path / "d", rows, histograms=drawn).text


def test_equal_files_have_equal_pages_and_pictures(whole, tmp_path):
    pages = [report(whole, tmp_path / name).read_bytes() for name in ("a.html", "b.html")]
    assert pages[0] == pages[1] == quantizing_report(whole.path, tmp_path / "c.html").read_bytes()
    pictures = [quantizing_picture(whole, tmp_path / name).read_bytes() for name in ("a.svg", "b.svg")]
    assert pictures[0] == pictures[1]


def test_the_picture_is_alone_and_has_both_grounds(whole, tmp_path):
    text = quantizing_picture(whole, tmp_path / "a.svg").read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("width") and root.get("height")
    assert "prefers-color-scheme: dark" in text
    outside = [word for word in re.findall(r"https?://[^\"' ]+", text) if "www.w3.org" not in word]
    assert not outside and "url(http" not in text


def test_the_command_recognises_a_comparison(whole, tmp_path):
    result = CliRunner().invoke(app, ["report", str(whole.path), "--out", str(tmp_path / "p.html")])
    assert result.exit_code == 0, result.output
    assert Page((tmp_path / "p.html").read_text(encoding="utf-8")).headings == FIGURES
    assert sp.report(whole, tmp_path / "q.html").read_bytes() == (tmp_path / "p.html").read_bytes()


def test_a_comparison_stands_on_a_page_of_its_own(whole, tmp_path):
    run = complete(tmp_path / "run")
    for others in ([run.path], [whole.path]):
        result = CliRunner().invoke(app, ["report", str(whole.path), *map(str, others)])
        assert result.exit_code == 2 and "write two pages" in result.output


def test_damage_is_one_clear_line(whole, tmp_path):
    folder = write(tmp_path / "d", made_up((2,), instances=2))
    (folder / "cells.csv").write_text("nothing")
    result = CliRunner().invoke(app, ["report", str(folder)])
    assert result.exit_code == 2 and "SHA-256" in result.output and "Traceback" not in result.output
    assert not (folder / "report.html").exists()
