"""A wheel and an editable install, each in an environment with the core requirements and nothing else."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.packaging.tree import FOLDERS, ROOT, installed_paths

pytestmark = pytest.mark.xdist_group("packaging")


def _run(*command, cwd, code=0):
    """Run a command in a shell's plain environment; return its standard output, then its standard error."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Return a copy of the checkout, so that the checkout gets no build folder."""
    copy = tmp_path_factory.mktemp("tree")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "constraints.txt"):
        shutil.copy(ROOT / name, copy)
    return copy


@pytest.fixture(scope="module")
def wheel(tree, tmp_path_factory):
    """Return the wheel, built from the source distribution, as an index would build it."""
    out = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, tree, cwd=out)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Return the `bin` folder of a new, empty environment."""
    folder = tmp_path_factory.mktemp("environment")
    _run(sys.executable, "-m", "venv", folder, cwd=folder)
    return folder / "bin"


@pytest.fixture(scope="module", params=["wheel", "editable"])
def bin_folder(request, environment, wheel, tree):
    """Return the environment's `bin` folder with spikerl installed in one way and not in the other."""
    target = ["--editable", tree] if request.param == "editable" else [wheel]
    pip = [environment / "python", "-m", "pip", "--disable-pip-version-check", "--quiet"]
    _run(*pip, "uninstall", "--yes", "spikerl", cwd=environment)
    _run(*pip, "install", "--constraint", tree / "constraints.txt", *target, cwd=environment)
    return environment


def test_wheel_holds_the_tree_under_one_name(wheel):
    """Catches package data left out, and `models` or `hardware` installed as top-level names."""
    names = set(zipfile.ZipFile(wheel).namelist())
    inside = {name for name in names if not name.startswith("spikerl-")}
    assert inside == installed_paths()
    assert {name.split("/")[0] for name in inside} == {"spikerl"}
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_no_folder_name_reaches_the_environment(bin_folder, tmp_path):
    """Catches generic top-level packages, and sub-packages that an installation does not find."""
    code = (
        "import importlib.util as u, spikerl.models, spikerl.hardware, spikerl.data;"
        "names = ('models', 'hardware', 'data', 'tests', 'brian2', 'torch', 'norse');"
        "print([name for name in names if u.find_spec(name)])"
    )
    assert _run(bin_folder / "python", "-c", code, cwd=tmp_path).strip() == "[]"


def test_installed_package_works_from_the_checkout(bin_folder, tree):
    """Catches `spikerl` found in the working folder first and `spikerl.models` then missing beside it."""
    code = "import spikerl, spikerl.models, spikerl.hardware, spikerl.data; print(spikerl.__file__)"
    assert Path(_run(bin_folder / "python", "-c", code, cwd=tree).strip()) == tree / "spikerl" / "__init__.py"


def test_help_and_list_need_no_simulator(bin_folder, tmp_path):
    """Catches a command line that starts only where every simulator is installed."""
    assert "run" in _run(bin_folder / "spikerl", "--help", cwd=tmp_path)
    assert "run" in _run(bin_folder / "python", "-m", "spikerl", "--help", cwd=tmp_path)
    shown = _run(bin_folder / "spikerl", "list", cwd=tmp_path)
    assert all(name in shown for name in ("reversal", "bandit", "striatum", "reference", "brian2", "norse"))


def test_a_run_needs_the_core_only(bin_folder, tmp_path):
    """Catches shipped experiments or templates that the installation lacks, and an undeclared requirement."""
    short = ["--backend", "reference", "--instances", "1", "--trials", "2"]
    _run(bin_folder / "spikerl", "run", "reversal", *short, "--out", tmp_path / "run", cwd=tmp_path)
    written = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"experiment.toml", "manifest.json", "results.h5"} <= written
    _run(bin_folder / "spikerl", "report", tmp_path / "run", "--out", tmp_path / "page.html", cwd=tmp_path)
    assert "<svg" in (tmp_path / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("backend", ["brian2", "norse"])
def test_a_missing_simulator_says_how_to_install_it(bin_folder, tmp_path, backend):
    """Catches a traceback, a silent change of back end, or a half-written run."""
    said = _run(
        *[bin_folder / "spikerl", "run", "reversal", "--backend", backend, "--out", tmp_path / "run"],
        cwd=tmp_path,
        code=2,
    )
    assert backend in said and f"spikerl[{backend}]" in said and "Traceback" not in said
    assert not (tmp_path / "run").exists()
