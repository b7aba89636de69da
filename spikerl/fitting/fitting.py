"""A circuit fitted to recorded choices: search on one half of the blocks, judge on the other, beside rate models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from spikerl.analysis.intervals import mean_over_blocks
from spikerl.behaviour.splitting import SPLITS, halves
from spikerl.errors import DescriptionError, FileError, message
from spikerl.experiment.reading import changed, read_circuit
from spikerl.experiment.tables import Experiment
from spikerl.files import read_whole, replace_whole, sha256
from spikerl.fitting.evaluating import Evaluation, Evaluator
from spikerl.fitting.fitted import Fitted
from spikerl.fitting.following import check_circuit
from spikerl.fitting.ranges import Range, ranges
from spikerl.fitting.record import begin, read_evaluations, write_evaluations, write_held_out, write_summary
from spikerl.fitting.scoring import BEGINNINGS, closed, ladder, scores
from spikerl.fitting.search import Search
from spikerl.tasks.recorded import read_recording
from spikerl.units import whole_number

EVALUATIONS = 30
MOST_EVALUATIONS = 100_000
MOST_REPEATS = 1000
_LARGEST_DATA = 2**26


class Progress(NamedTuple):
    """How far a fit is: `done` of `evaluations`, with a fraction, and the lowest nats per trial yet.

    The experiment's own numbers are one evaluation more than was asked for.
    """

    done: float
    evaluations: int
    best: float | None


def fit(
    experiment: str | Path,
    data: str | Path,
    over: Mapping[str, str] | None = None,
    *,
    backend: str = "native",
    seed: int | None = None,
    settings: Mapping[str, object] | None = None,
    evaluations: int = EVALUATIONS,
    split: int = 0,
    repeats: int = 1,
    stickiness: bool = True,
    out: str | Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Fitted:
    """Fit numbers of the circuit of `experiment` to the blocks recorded in `data`, and write the fit to a directory.

    The circuit is led through recorded choices and rewards, spike by spike, and its votes foresee the next choice
    through a link (`spikerl.behaviour.link`) with a slope and, unless `stickiness` is False, what the last choice adds.
    Numbers and link are those under which the choices of one half of the blocks are most probable; the other half is
    scored once, at the end, beside rate models fitted to the same half.

    `data`: a CSV file as `spikerl.tasks.recorded` describes it. `over`: ranges as text by key, such as
    ``{"circuit.tau_elig": "200ms:2s"}``, by default those of `spikerl.fitting.ranges.DEFAULTS`. `evaluations`: so many
    vectors of numbers are tried (30), beside the experiment's own. `split`: which of the 10 pairs of halves that the
    seed draws (0). `repeats`: instances a block, whose votes are averaged (1). `seed` and `settings` are as in `run`.
    `out`: by default ``runs/<experiment>-fit``; where the same fit is there already, it goes on: evaluations that were
    made are kept, and with more `evaluations` the search goes further. `progress` is called while blocks are played.

    Raises `DescriptionError`, `UnitError`, `FileError`, `UnsupportedError`, `MissingSimulatorError` or
    `MissingPackageError` before anything runs or is written.
    """
    whole_number(evaluations, 1, MOST_EVALUATIONS, "evaluations")
    whole_number(repeats, 1, MOST_REPEATS, "repeats")
    whole_number(split, 0, SPLITS - 1, "split")
    if not isinstance(stickiness, bool):
        raise DescriptionError(message("stickiness", stickiness, "True or False"))
    given: dict[str, object] = {"run.backend": backend, **(settings or {})}
    if seed is not None:
        if "run.seed" in given:
            raise DescriptionError(message("run.seed", seed, "one value", "it is among the settings too"))
        given["run.seed"] = seed
    chosen = read_circuit(experiment, given, "fit")
    recording = read_recording(data)
    check_circuit(chosen)
    space = ranges(chosen, over)
    cut = halves(len(recording.choices), chosen.run.seed, SPLITS)[split]
    evaluator = Evaluator(chosen, recording, cut, repeats, stickiness)
    search = Search(space, chosen.run.seed)
    place = Path(out) if out is not None else Path("runs") / f"{chosen.name}-fit"
    asked = {
        "spikerl": version("spikerl"),
        "experiment": chosen.toml(),
        "data": sha256(read_whole(Path(data), _LARGEST_DATA, "recorded blocks")),
        "ranges": {one.key: list(one[1:]) for one in space},
        "split": split,
        "repeats": repeats,
        "stickiness": stickiness,
    }
    begin(place, asked)
    done = _searched(place, chosen, evaluator, space, search, evaluations, progress)
    fitted = _judged(place, chosen, evaluator, space, done, recording.numbers[cut.test].tolist())
    write_summary(place, {"search": asked, "status": "finished", **fitted.facts()})
    return fitted


def _searched(
    place: Path,
    experiment: Experiment,
    evaluator: Evaluator,
    space: tuple[Range, ...],
    search: Search,
    evaluations: int,
    progress: Callable[[Progress], None] | None,
) -> list[Evaluation]:
    """Return all evaluations, the experiment's own first: those kept in `place` and those that were left to make."""
    done = read_evaluations(place, space)
    for kept in done[1:]:
        asked = search.ask()
        ends = kept.first is not None and search.hopeless(kept.first)
        if asked != kept.settings or ends != (kept.nll is None):
            where = f"{place}, evaluation {kept.number}"
            raise FileError(message(where, dict(kept.settings), "what this search asked for", "give another --out"))
        search.tell(kept.nll)
    while len(done) <= evaluations:
        number = len(done)
        if progress is not None:
            progress(Progress(number, evaluations + 1, _lowest(done)))

        def show(share: float, number: int = number) -> None:
            if progress is not None:
                progress(Progress(number + share, evaluations + 1, _lowest(done)))

        if number == 0:
            table = experiment.tables()["circuit"]
            own = {one.key: one.setting(one.number(table[one.key.partition(".")[2]])) for one in space}
            done.append(evaluator.evaluate(0, own, lambda nll: False, show))
        else:
            done.append(evaluator.evaluate(number, search.ask(), search.hopeless, show))
            search.tell(done[-1].nll)
        write_evaluations(place, space, done)
    if progress is not None:
        progress(Progress(len(done), evaluations + 1, _lowest(done)))
    return done


def _judged(
    place: Path,
    experiment: Experiment,
    evaluator: Evaluator,
    space: tuple[Range, ...],
    done: list[Evaluation],
    blocks: list[int],
) -> Fitted:
    """Score the other half with the best of what was `done`, and write all but the summary."""
    best = min((one for one in done[1:] if one.nll is not None), key=lambda one: one.nll or 0.0)
    held_out, seed = evaluator.held_out(best), experiment.run.seed
    models = scores(evaluator.learned_from, evaluator.tested_on, seed)
    shares = {}
    for initial in BEGINNINGS:
        steps = ladder(initial)
        simple, full = (models[model.name].held_out for model in (steps[0], steps[-1]))
        shares[initial] = closed(simple, held_out, full, seed)
    columns = {"circuit": held_out.tolist()} | {name: score.held_out.tolist() for name, score in models.items()}
    write_held_out(place, blocks, columns)
    path = place / f"{experiment.name}-fitted.toml"
    keys = ", ".join(one.key for one in space)
    text = changed(experiment, best.settings).toml()
    replace_whole(path, f"# {keys}: fitted to recorded choices.\n{text}".encode())
    assert best.nll is not None and done[0].nll is not None
    return Fitted(
        path=place,
        experiment=path,
        settings=best.settings,
        ranges=space,
        link=best.link,
        train=best.nll,
        written=done[0].nll,
        held_out=mean_over_blocks(held_out),
        models=tuple(models.values()),
        closed=shares,
        evaluations=len(done) - 1,
        cut_short=sum(one.nll is None for one in done),
    )


def _lowest(done: list[Evaluation]) -> float | None:
    return min((one.nll for one in done if one.nll is not None), default=None)
