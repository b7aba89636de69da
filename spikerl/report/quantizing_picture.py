"""``quantizing_picture(comparison, out)``: scores over bits as one SVG file, for light and dark grounds."""

from __future__ import annotations

import re
from pathlib import Path

from spikerl.analysis.quantizing import compared
from spikerl.files import replace_whole
from spikerl.report import palette
from spikerl.report.drawing import inline
from spikerl.report.quantizing_sections import measure
from spikerl.results.quantizing import Comparison

_SANS = '"Inter", "Helvetica Neue", "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif'
_GROUNDS = ("#fdfdfb", "#16191d")


def quantizing_picture(comparison: Comparison, out: str | Path) -> Path:
    """Write the main figure of a comparison to `out`, atomically, and return its path; equal files give equal bytes.

    It needs nothing else, and has a ground of its own, since it does not know the page that shows it. Raises
    `FileError` where there is no cell in floating point, none in few bits, or `out` cannot be written.
    """
    drawn = measure(comparison, compared(comparison))
    element = inline(drawn.drawing, "quantization", drawn.caption)
    head, _, body = element.partition(">")
    light, dark = (f"--ground: {ground};" for ground in _GROUNDS)
    style = (
        f"<style>:root {{ --sans: {_SANS}; {light} {palette.variables(dark=False)} }}"
        f" @media (prefers-color-scheme: dark) {{ :root {{ {dark} {palette.variables(dark=True)} }} }}</style>"
    )
    box = re.search(r'viewBox="[0-9.]+ [0-9.]+ ([0-9.]+) ([0-9.]+)"', head)
    assert box is not None
    names = f'width="{box[1]}pt" height="{box[2]}pt" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    ground = '<rect width="100%" height="100%" style="fill: var(--ground)"/>'
    text = head.replace("<svg", f"<svg {names}", 1) + f">{style}{ground}{body}\n"
    path = Path(out)
    replace_whole(path, text.encode("utf-8"))
    return path
