"""Machine code that was kept is not used once a source from which it was inlined has changed."""

import shutil
import subprocess
import sys
from pathlib import Path

from spikerl.hardware.emulation import compiling

RUN = "import sys; sys.path.insert(0, '.'); from package.emulation.outer import outer; print(outer())"
OUTER = """
from package.emulation.compiling import compiled
from package.emulation.inner import inner

@compiled
def outer():
    return inner() + 1
"""
INNER = """
from package.emulation.compiling import inlined

@inlined
def inner():
    return {number}
"""


def test_an_edit_of_another_file_is_noticed(tmp_path):
    """Numba by itself goes on with what it compiled before the edit."""
    folder = tmp_path / "package" / "emulation"
    folder.mkdir(parents=True)
    shutil.copy(compiling.__file__, folder)
    (tmp_path / "package" / "program.py").write_text("")
    (folder / "outer.py").write_text(OUTER)
    for number in (1, 2):
        (folder / "inner.py").write_text(INNER.format(number=number))
        for _ in range(2):  # the second takes what the first has kept
            done = subprocess.run(
                [sys.executable, "-c", RUN], cwd=tmp_path, capture_output=True, text=True, check=True
            )
            assert done.stdout.strip() == str(number + 1)
        kept = list(Path(folder / "__pycache__").glob("outer.outer-*.nbi"))
        assert len(kept) == 1
