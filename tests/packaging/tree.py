"""The checkout as packaging sees it: its folders, the packages they become, what setup.cfg says of them."""

import configparser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {
    "spikerl": "spikerl",
    "models": "spikerl.models",
    "hardware": "spikerl.hardware",
    "data": "spikerl.data",
}


def setup() -> configparser.ConfigParser:
    """Return setup.cfg, parsed."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def lines(text: str) -> list[str]:
    """Return the entries of a setup.cfg list."""
    return [line for line in text.splitlines() if line.strip()]


def package_name(folder: Path) -> str:
    """Return the package that `folder` (inside the checkout) becomes when installed."""
    top, *below = folder.relative_to(ROOT).parts
    return ".".join([FOLDERS[top], *below])


def files() -> list[Path]:
    """Return every file of the four package folders that is not a cache."""
    return sorted(
        path
        for top in FOLDERS
        for path in (ROOT / top).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    )


def installed_paths() -> set[str]:
    """Return where each of `files()` must lie under site-packages."""
    return {f"{package_name(path.parent).replace('.', '/')}/{path.name}" for path in files() if path.suffix}
