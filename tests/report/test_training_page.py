"""The page of layers that learned: every figure is there or says why not, and its numbers are the run's.

Catches: a curve that is named for another, a layer in another's colour, classes and curves or circuits on one page.
"""

import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("norse", reason="norse is not installed")

import spikerl as sp  # noqa: E402
from spikerl.analysis.accuracy import scores  # noqa: E402
from spikerl.errors import FileError  # noqa: E402
from spikerl.report.numbers import number  # noqa: E402
from tests.analysis.runs import complete  # noqa: E402
from tests.report.test_page import Page, assert_alone, made  # noqa: E402
from tests.training.small import CLASSES, CURVES, written  # noqa: E402


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    return sp.run(written(folder, CLASSES), out=folder / "out")


@pytest.fixture(scope="module")
def curves(tmp_path_factory):
    folder = tmp_path_factory.mktemp("curves")
    return sp.run(written(folder, CURVES), out=folder / "out")


def test_classes(classes, tmp_path):
    page = made(classes, tmp_path)
    assert_alone(page)
    assert page.headings == ["Accuracy over epochs", "Confusion", "Spikes of test samples", "Weights"]
    found = scores(classes)
    for layer in range(2):
        assert number(found.last(layer).value, 3) in page.text
    assert "Not shown" not in page.text


def test_curves(curves, tmp_path):
    page = made(curves, tmp_path)
    assert_alone(page)
    assert "Curves that were followed" in page.headings
    means = scores(curves).outputs[-1, :, -1].mean(axis=1)
    said = ", ".join(f"{name} {number(float(r), 3)}" for name, r in zip(("ramp", "cosine", "sine"), means, strict=True))
    assert said in page.text
    assert "Not shown" in page.text and "record.spikes" in page.text


def test_equal_runs_have_equal_pages(classes, tmp_path):
    first, second = ((sp.report(classes, tmp_path / name)).read_bytes() for name in ("a.html", "b.html"))
    assert first == second


def test_several_runs(classes, tmp_path):
    other = sp.run(written(tmp_path), out=tmp_path / "other", settings={"training.rate": 1e-3})
    page = made([classes, other], tmp_path)
    assert_alone(page)
    assert "training.rate" in page.text and "Accuracy over epochs" in page.headings


def test_a_stopped_run_says_so(tmp_path):
    def stop(at):
        if at.done == 3:
            raise ValueError("enough")

    with pytest.raises(sp.errors.RunError):
        sp.run(written(tmp_path), out=tmp_path / "out", progress=stop)
    page = Page(sp.report(sp.Results.open(tmp_path / "out"), tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "This run is failed" in page.text and "those of a finished run" in page.text


def test_kinds_do_not_mix(classes, curves, tmp_path):
    circuit = complete(tmp_path / "run")
    for runs in ([classes, circuit], [classes, curves]):
        with pytest.raises(FileError, match="write two pages"):
            sp.report(runs, tmp_path / "page.html")
