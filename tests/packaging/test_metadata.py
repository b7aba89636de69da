"""setup.cfg says what the tree holds and what its code imports."""

import ast
import re
import sys
from importlib.metadata import entry_points, version

import pytest

import spikerl
from tests.packaging.tree import ROOT, files, lines, package_name, setup

EXTRAS = {
    "spikerl/sweep/cluster.py": "cluster",
    "spikerl/datasets/digits.py": "datasets",
    "spikerl/fitting/search.py": "fit",
    "spikerl/training/networks.py": "norse",
    "spikerl.dcll": "norse",
}
"""Modules and packages that import what only an extra requires."""
DISTRIBUTIONS = {"sklearn": "scikit_learn"}  # packages whose import has another name
SIDE_SCRIPTS = "spikerl.hardware.lava.worker"
GROUPS = ("spikerl.backends", "spikerl.circuits", "spikerl.tasks")


def test_setup_lists_every_package():
    """Catches a folder added without its line in setup.cfg: a checkout finds it, a wheel lacks it."""
    folders = {package_name(path.parent) for path in files() if path.suffix == ".py"}
    assert set(lines(setup()["options"]["packages"])) == folders
    without = {folder for folder in folders if not (_source(folder) / "__init__.py").is_file()}
    assert not without, "a folder with Python files and no __init__.py is left out of the wheel"


def _source(package):
    return next(path.parent for path in files() if package_name(path.parent) == package)


def test_version_is_written_the_same_everywhere():
    """Catches a release that raises the version in one place."""
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    declared = setup()["metadata"]["version"]
    assert cited and cited[1] == declared == version("spikerl") == spikerl.__version__


def _imports(path):
    """Return the top-level names that a file imports, anywhere in it, that are not Python's or ours."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return {DISTRIBUTIONS.get(name, name) for name in names - sys.stdlib_module_names - {"spikerl"}}


def _required(text):
    return {re.split(r"[^\w-]", line)[0].lower().replace("-", "_") for line in lines(text)}


def test_every_import_is_required_and_every_requirement_imported():
    """Catches a library that is on the developer's machine only, and one that nothing uses any more."""
    core, extras = _required(setup()["options"]["install_requires"]), setup()["options.extras_require"]
    seen = set()
    for path in files():
        if path.suffix != ".py":
            continue
        package = package_name(path.parent)
        if package == SIDE_SCRIPTS:  # they run in another interpreter, whose packages a lock of its own names
            continue
        backend = package.split(".")[2] if re.match(r"spikerl\.backends\.\w", package) else None
        optional = EXTRAS.get(path.relative_to(ROOT).as_posix(), EXTRAS.get(package, backend))
        allowed = core | (_required(extras[optional]) if optional and optional in extras else set())
        assert _imports(path) <= allowed, f"{path.relative_to(ROOT)} imports what setup.cfg does not require"
        seen |= _imports(path)
    assert core <= seen, "setup.cfg requires what nothing imports"


@pytest.mark.parametrize("group", GROUPS)
def test_every_entry_point_loads(group):
    """Catches a registered back end, circuit or task whose module or attribute is not there."""
    points, written = entry_points(group=group), lines(setup()["options.entry_points"][group])
    assert {f"{point.name} = {point.value}" for point in points} == set(written)
    for point in points:
        assert point.load() is not None
