"""`spikerl report`: a page from the directories of runs."""

import pytest

import spikerl as sp
from tests.commands.programs import invoke, program, short


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for seed in (1, 2):
        sp.run(short(folder), seed=seed, trials=12, out=folder / f"seed{seed}")
    return folder


def test_a_page_is_written_beside_the_results_or_where_asked(runs, tmp_path):
    done = program("report", runs / "seed1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    page = runs / "seed1" / "report.html"
    assert str(page) in done.stdout and "<svg" in page.read_text()
    both = tmp_path / "both.html"
    assert invoke("report", runs / "seed1", runs / "seed2", "--out", both).exit_code == 0
    assert "seed1" in both.read_text() and "seed2" in both.read_text()
    assert sp.report(sp.Results.open(runs / "seed1"), tmp_path / "one.html").read_bytes() == page.read_bytes()


def test_a_damaged_run_gives_no_page(runs, tmp_path):
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for file in (runs / "seed1").iterdir():
        content = file.read_bytes()
        (damaged / file.name).write_bytes(content[:-1] if file.name == "results.h5" else content)
    (damaged / "report.html").unlink(missing_ok=True)
    done = invoke("report", damaged)
    assert done.exit_code == 2 and "results.h5, SHA-256" in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (damaged / "report.html").exists()
    assert not (tmp_path / "page.html").exists() and invoke("report", tmp_path / "nothing").exit_code == 2
