"""Put what was measured into README.md and docs/evidence.md: ``python benchmarks/readme.py``.

README shows the claims that begin with one of `SHOWN`; docs/evidence.md has all of them, with what was published, and
docs/quantization.md the tables of few bits.
"""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHOWN = (
    "P(better)",
    "tonic dopamine",
    "dopamine, ",
    "gain over chance",
    "cue bandit, P(better)",
    "CartPole, mean return (n",
    "digits, ",
    "curves, ",
    "random manifolds, accuracy",
    "N-MNIST, ",
)
EVIDENCE = """# Evidence

Every claim about the circuits and the learning, measured by `make evidence` from one command, with 95 % intervals over
independent seeds, blocks or networks (n). A claim that fails stands here as missed. The figures are those of
`evidence.json`, which says what each was measured on.

"""
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
        lines[places[0] : places[-1] + 1] = _table(shown(rows) if file == "docs/evidence.json" else rows, spread)
        text = f"{before}## {heading}\n{chr(10).join(lines)}\n\n## {after}".replace("\n\n\n## ", "\n\n## ")
    page.write_text(text, encoding="utf-8")
    measured = json.loads((ROOT / "docs/evidence.json").read_text(encoding="utf-8"))
    (ROOT / "docs/evidence.md").write_text(evidence(measured), encoding="utf-8")
    import quantization_tables  # found beside this file where it is run, not where its functions are imported

    (ROOT / "docs/quantization.md").write_text(quantization_tables.page(), encoding="utf-8")


def shown(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the rows of evidence that README shows."""
    return [row for row in rows if str(row["name"]).startswith(SHOWN)]


def evidence(rows: list[dict[str, object]]) -> str:
    """Return docs/evidence.md: all rows, each with its n and what was published."""
    lines = ["| measure | value | interval | should be | beside it |", "|---|---|---|---|---|"]
    for row, line in zip(rows, _table(rows, "interval")[2:], strict=True):
        name = str(row["name"])
        lines.append(f"{line.replace(name.split(' (n')[0], name, 1)} {row['source']} |")
    return EVIDENCE + "\n".join(lines) + "\n"


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
