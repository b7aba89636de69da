"""Files of events by the end of their names: ``.bs2``, ``.bin`` and ``.npz``, in and out."""

from __future__ import annotations

from pathlib import Path

from spikerl.datasets import event_archives, event_bytes
from spikerl.datasets.events import Events, check_sensor
from spikerl.errors import DescriptionError, message
from spikerl.files import read_whole, replace_whole

LARGEST_FILE = 256 * 2**20
_KINDS = (".bs2", ".bin", ".npz")


def read_events(path: str | Path, sensor: tuple[int, int] | None = None) -> Events:
    """Return the events of a file.

    ``.bs2`` and ``.bin`` hold five bytes an event (`spikerl.datasets.event_bytes`) and need the `sensor`'s
    ``(height, width)``; ``.npz`` says it itself, and where it is given the two must agree. Raises `FileError` naming
    file, value and what is allowed for a file that cannot be read, is damaged or has more than 256 MB, and
    `DescriptionError` for another end of the name or a missing sensor.
    """
    place = Path(path)
    kind = _kind(place)
    if sensor is not None:
        check_sensor(sensor, "sensor")
    elif kind != ".npz":
        raise DescriptionError(message("sensor", sensor, f"(height, width) in pixels, which {kind} does not say"))
    content = read_whole(place, LARGEST_FILE, "events")
    if kind != ".npz" and sensor is not None:
        return event_bytes.decode(content, sensor, kind == ".bin", str(place))
    events = event_archives.decode(content, str(place))
    if sensor is not None and events.sensor != sensor:
        raise DescriptionError(message("sensor", sensor, f"{events.sensor}, as {place} says"))
    return events


def write_events(path: str | Path, events: Events) -> None:
    """Write `events`, at least one, as ``.bs2``, ``.bin`` or ``.npz``, replacing a file that is there.

    Raises `DescriptionError` for another end of the name and for events that five bytes cannot hold, and `FileError`
    where the file cannot be written.
    """
    place = Path(path)
    kind = _kind(place)
    content = event_archives.encode(events) if kind == ".npz" else event_bytes.encode(events, kind == ".bin")
    replace_whole(place, content)


def _kind(path: Path) -> str:
    kind = path.suffix.lower()
    if kind not in _KINDS:
        raise DescriptionError(message("path", str(path), f"a name that ends in {', '.join(_KINDS)}"))
    return kind
