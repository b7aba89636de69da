"""``python -m spikerl`` is the same program as ``spikerl``."""

from spikerl.cli import main

if __name__ == "__main__":
    main()
