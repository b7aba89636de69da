"""Make a picture of the README from the directory of a run or of a comparison of bit widths.

``python docs/make_picture.py RUN docs/reversal.png``, ``python docs/make_picture.py COMPARISON docs/quantization.svg``.
"""

import sys
from pathlib import Path

from spikerl.report.picture import picture
from spikerl.report.quantizing_picture import quantizing_picture
from spikerl.results import Results
from spikerl.results.quantizing import Comparison, holds_comparison

if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python docs/make_picture.py DIRECTORY PICTURE")
    if holds_comparison(Path(sys.argv[1])):
        quantizing_picture(Comparison.open(sys.argv[1]), sys.argv[2])
    else:
        picture(Results.open(sys.argv[1]), sys.argv[2])
