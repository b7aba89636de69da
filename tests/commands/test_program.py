"""The program as a whole: its names, its help, what it finds, and how it says that something is wrong."""

import subprocess
import sys
import time
from importlib.metadata import version

import pytest

from spikerl.cli.failing import clearly
from tests.commands.programs import invoke, program, short

COMMANDS = ((), ("run",), ("sweep",), ("report",), ("compare",), ("list",), ("doctor",), ("lava", "setup"))


@pytest.mark.parametrize("arguments", COMMANDS)
def test_help_comes_without_loading_what_is_not_needed(tmp_path, arguments):
    # Catches an import at module level: with one of these, help takes seconds.
    text = (
        "import sys\nfrom spikerl.cli import main\n"
        f"sys.argv = ['spikerl', *{list(arguments)!r}, '--help']\n"
        "try: main()\nexcept SystemExit as end: assert not end.code\n"
        "slow = {'numpy', 'h5py', 'gymnasium', 'matplotlib', 'torch', 'brian2', 'norse', 'rich', 'distributed'}\n"
        "print(sorted(slow & set(sys.modules)))\n"
    )
    before = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    print(f"spikerl {' '.join(arguments)} --help: {time.perf_counter() - before:.3f} s")
    assert "Usage: spikerl" in done.stdout and done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rum", "reversal"), "Did you mean 'run'"),
        (("run", "reversal", "--sed", "1"), "--seed"),
        (("run", "reversal", "--seed", "one"), "run.seed: got 'one'; allowed: a whole number"),
        (("run", "reversal", "--backnd=norse"), "--backend"),
        (("run", "reversl"), "did you mean 'reversal'"),
        (("run",), "EXPERIMENT"),
        (("list", "experiment"), "did you mean 'experiments'"),
        (("report", "nowhere"), "nowhere"),
    ],
)
def test_what_is_mistyped_is_refused_with_the_nearest_name(tmp_path, arguments, said):
    done = program(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and said in done.stderr and done.stdout == ""
    assert "Traceback" not in done.stderr and not list(tmp_path.iterdir())


def test_debug_shows_the_trace(tmp_path):
    done = program("run", "nowhere.toml", "--debug", cwd=tmp_path)
    assert done.returncode == 1 and "Traceback" in done.stderr and "FileError" in done.stderr


def test_a_fault_of_the_program_itself_is_no_bad_input(capsys):
    with pytest.raises(BaseException) as caught, clearly(debug=False):
        [].pop()
    assert caught.value.exit_code == 1 and "IndexError" in capsys.readouterr().err
    with pytest.raises(IndexError), clearly(debug=True):
        [].pop()


def test_list_names_what_can_be_run():
    for kind, names in {
        "experiments": {"bandit", "reversal"},
        "circuits": {"striatum"},
        "tasks": {"bandit", "reversal"},
        "backends": {"brian2", "norse", "reference"},
    }.items():
        done = invoke("list", kind)
        assert done.exit_code == 0 and names <= {line.split()[0] for line in done.stdout.splitlines()}
        assert done.stdout.strip() in invoke("list").stdout


def test_doctor_says_what_is_there_and_how_to_get_what_is_missing(tmp_path):
    done = program("doctor", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = {line[:20].strip(): line[20:].strip() for line in done.stdout.splitlines()}
    assert found["python"].startswith(".".join(map(str, sys.version_info[:3])))
    assert found["back end reference"] == "ready"
    for name in ("brian2", "norse"):
        said = found[f"back end {name}"]
        assert (said.startswith("ready, with ") and f"{name} " in said) or f"pip install 'spikerl[{name}]'" in said
    assert "cpu" in found["torch devices"] or "pip install" in found["torch devices"]
    clusters = found["sweeps on a cluster"]
    assert clusters.startswith("ready, with distributed ") or "pip install 'spikerl[cluster]'" in clusters
    assert found["Lava"].startswith("ready, in ") or "spikerl lava setup" in found["Lava"]


def test_doctor_finds_a_simulator_that_is_missing(tmp_path, monkeypatch):
    # A module of that name that cannot be imported stands in front of the real one.
    (tmp_path / "brian2.py").write_text("raise ModuleNotFoundError(\"No module named 'brian2'\", name='brian2')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = program("doctor", cwd=tmp_path)
    said = next(line for line in done.stdout.splitlines() if "back end brian2" in line)
    assert done.returncode == 0 and "missing" in said and "pip install 'spikerl[brian2]'" in said
    refused = program("run", short(tmp_path), "--backend", "brian2", "--out", "out", cwd=tmp_path)
    assert refused.returncode == 2 and "pip install 'spikerl[brian2]'" in refused.stderr
    assert not (tmp_path / "out").exists()


def test_version_is_that_of_the_package(tmp_path):
    """Catches a version that is written down a second time."""
    done = program("--version", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.split() == ["spikerl", version("spikerl")]
