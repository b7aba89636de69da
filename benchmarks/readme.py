"""Put the measured tables into README.md, from the files of their figures: ``python benchmarks/readme.py``."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLES = (
    ("docs/evidence.json", "What it shows", "interval"),
    ("benchmarks/results.json", "How fast", "middle half"),
)


def main() -> None:
    """Replace the table of each section; the text around it stays."""
    page = ROOT / "README.md"
    text = page.read_text(encoding="utf-8")
    for file, heading, spread in TABLES:
        rows = json.loads((ROOT / file).read_text(encoding="utf-8"))
        before, _, rest = text.partition(f"## {heading}\n")
        section, _, after = rest.partition("\n## ")
        lines = section.splitlines()
        places = [number for number, line in enumerate(lines) if line.startswith("|")]
        lines[places[0] : places[-1] + 1] = _table(rows, spread)
        text = f"{before}## {heading}\n{chr(10).join(lines)}\n\n## {after}".replace("\n\n\n## ", "\n\n## ")
    page.write_text(text, encoding="utf-8")


def _table(rows: list[dict[str, object]], spread: str) -> list[str]:
    lines = [f"| measure | value | {spread} | should be |", "|---|---|---|---|"]
    for row in rows:
        name, target = str(row["name"]).split(" (n")[0], str(row["target"])
        value, low, high = (_number(row[key]) for key in ("value", "low", "high"))
        lines.append(f"| {name} | {value} | {low} to {high} | {target}{'' if row['holds'] else ': missed'} |")
    return lines


def _number(value: object) -> str:
    """Return two decimals, or two digits of what has none."""
    assert isinstance(value, (int, float))
    return f"{value:.2f}" if abs(value) >= 0.005 or value == 0 else f"{value:.1e}"


if __name__ == "__main__":
    main()
