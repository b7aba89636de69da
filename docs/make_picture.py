"""Make the picture of the README from the directory of a run: ``python docs/make_picture.py RUN docs/reversal.png``."""

import sys

from spikerl.report.picture import picture
from spikerl.results import Results

if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python docs/make_picture.py RUN PICTURE.png")
    picture(Results.open(sys.argv[1]), sys.argv[2])
