"""What is written is read back, and equal runs are equal bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spikerl.errors import DescriptionError, FileError
from spikerl.results import Column, Contents, Results, RunFacts, RunWriter, Synapses, checkpoint
from spikerl.results.checkpoint import Checkpoint
from tests.files.small_runs import EXPERIMENT, TRIALS, append, contents, create, play, state, write_run


def test_a_run_is_read_as_it_was_written(tmp_path):
    """Catches swapped, lost or reordered rows in any table, and facts that are not kept."""
    results = Results.open(write_run(tmp_path / "run"))
    assert results.path == tmp_path / "run" and results.experiment == {
        "circuit": {"name": "striatum"},
        "run": {"seed": 7, "trials": 12},
    }
    assert results.manifest.status == "finished" and results.manifest.checkpoint == ()
    assert (results.manifest.seed, results.manifest.backend, results.manifest.instances) == (
        7,
        "reference",
        2,
    )
    assert (
        results.manifest.started <= results.manifest.ended
        and results.manifest.versions["numpy"] == np.__version__
    )
    assert results.contents.dt == 1e-3 and results.contents.trials["dopamine"].units == "Hz"
    assert results.contents.weights["cue_to_d1"].units == "mV" and results.contents.spikes["d1"] == 5
    step = {kind: [] for kind in ("d1", "dopamine", "value", "trial_dopamine")}
    for trial in range(TRIALS):
        random = np.random.default_rng(trial)
        spikes = int(random.integers(0, 9))
        step["d1"] += np.sort(random.integers(100 * trial, 100 * (trial + 1), spikes)).tolist()
        choice = random.integers(0, 2, 2)
        assert results.trials["choice"][2 * trial : 2 * trial + 2].tolist() == choice.tolist()
    assert results.spikes["d1"].step.tolist() == step["d1"] and len(results.spikes["silent"].step) == 0
    assert results.spikes["d1"].neuron.shape == results.spikes["d1"].instance.shape == (len(step["d1"]),)
    assert results.trials["trial"].tolist() == [trial for trial in range(TRIALS) for _ in range(2)]
    assert results.trials["instance"].tolist() == [0, 1] * TRIALS
    assert (
        set(results.trials["schedule"].tolist()) == {"80/20"} and results.trials["better"].dtype == np.int64
    )
    assert results.weights["cue_to_d1"].step.tolist() == [100 * trial for trial in range(TRIALS)]
    assert results.weights["cue_to_d1"].value.shape == (TRIALS, 2, 3)
    assert results.weights["cue_to_d1"].pre.tolist() == [0, 1, 2]
    assert results.weights["cue_to_d1"].post.tolist() == [4, 3, 2]
    assert results.modulators["dopamine"].shape == (4 * TRIALS, 2)
    assert (tmp_path / "run" / "log.txt").read_text().endswith(" finished\n")


def test_results_are_read_only(tmp_path):
    """Catches an analysis that changes what a later one reads."""
    results = Results.open(write_run(tmp_path / "run"))
    for array in (results.trials["better"], results.trials["schedule"], *results.weights["cue_to_d1"]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(TypeError):
        results.trials["better"] = 1
    with pytest.raises(AttributeError):
        results.path = tmp_path


def test_a_name_that_was_not_recorded_is_named_with_the_nearest(tmp_path):
    """Catches a bare KeyError, and a lookup that makes a new entry."""
    results = Results.open(write_run(tmp_path / "run"))
    with pytest.raises(FileError, match=r"spikes: got 'd11'.*did you mean 'd1'"):
        results.spikes["d11"]
    assert "d11" not in results.spikes and results.spikes.get("d11") is None


def test_equal_runs_are_equal_bytes_whatever_the_checkpoints(tmp_path):
    """Catches a time, an address or the number of appends in the file."""
    write_run(tmp_path / "one")
    with create(tmp_path / "two") as writer:
        for trial in range(TRIALS):
            append(writer, trial)
        writer.finish()
    one, two = ((tmp_path / name / "results.h5").read_bytes() for name in ("one", "two"))
    assert one == two


@pytest.mark.parametrize("cut", [0, 1, 5, 7, 11, 12])
def test_a_resumed_run_is_bit_identical(tmp_path, cut):
    """Catches rows played twice, lost, or stored otherwise after a resume, at and between checkpoints."""
    write_run(tmp_path / "whole")
    with create(tmp_path / "run") as writer:
        play(writer, 0, last=cut, every=5)
    assert len(Results.open(tmp_path / "run").trials["trial"]) == 2 * (cut - cut % 5)
    writer, found = RunWriter.resume(tmp_path / "run", EXPERIMENT)
    first = int(found["trial"]) if found else 0
    assert first == cut - cut % 5
    assert not found or found["session/v"].tobytes() == state(first)["session/v"].tobytes()
    with writer:
        play(writer, first, every=3)
        writer.finish()
    whole, resumed = ((tmp_path / name / "results.h5").read_bytes() for name in ("whole", "run"))
    assert whole == resumed
    manifest = Results.open(tmp_path / "run").manifest
    assert manifest.status == "finished" and len(manifest.resumed) == 1
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"experiment.toml", "manifest.json", "results.h5", "log.txt"}


ARRAYS = hnp.arrays(
    st.one_of(
        hnp.boolean_dtypes(),
        hnp.integer_dtypes(),
        hnp.unsigned_integer_dtypes(),
        hnp.floating_dtypes(sizes=(16, 32, 64)),
        hnp.complex_number_dtypes(sizes=(64, 128)),
        hnp.byte_string_dtypes(min_len=1),
    ),
    hnp.array_shapes(min_dims=0, min_side=0, max_side=4),
)
NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=80)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(NAMES, ARRAYS, max_size=5), st.dictionaries(NAMES, st.integers(0, 2**40), max_size=3))
def test_a_checkpoint_keeps_every_bit(states, rows):
    """Catches a type, shape, NaN or name that does not come back, and equal states with unequal bytes."""
    content = checkpoint.encode(Checkpoint(rows, states))
    assert content == checkpoint.encode(
        Checkpoint(dict(reversed(rows.items())), dict(reversed(states.items())))
    )
    found = checkpoint.decode(content, "checkpoint")
    assert found.rows == rows and set(found.state) == set(states)
    for name, array in states.items():
        assert found.state[name].shape == array.shape
        assert found.state[name].dtype == array.dtype.newbyteorder("<")
        assert found.state[name].tobytes() == array.astype(found.state[name].dtype).tobytes()


@pytest.mark.parametrize(
    "bad",
    [
        {"a": np.array([object()])},
        {"a": [1.0]},
        {"a": 1},
        {"": np.zeros(1)},
        {"ü": np.zeros(1)},
        {1: np.zeros(1)},
        {"a": np.array(["text"])},
        {"a": np.zeros(1, dtype="i4,f8")},
        {"a": np.array("2020", dtype="M8[Y]")},
        {"a" * 300: np.zeros(1)},
    ],
)
def test_a_state_that_cannot_be_stored_is_refused_before_anything_is_written(tmp_path, bad):
    """Catches a pickle in disguise, and a checkpoint of which only the results reach the disk."""
    with create(tmp_path / "run") as writer:
        play(writer, 0, 2)
        before = {path.name: path.read_bytes() for path in writer.path.iterdir()}
        append(writer, 2)
        with pytest.raises(DescriptionError, match="checkpoint state"):
            writer.checkpoint(bad)
        assert {path.name: path.read_bytes() for path in writer.path.iterdir()} == before


def trials(**changed):
    """Return valid trial rows, with changes."""
    zero = [0, 0]
    named = dict.fromkeys(("instance", "block", "trial", "choice", "reward", "better", "dopamine"), zero)
    return {**named, "schedule": ["80/20"] * 2, **changed}


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ({"trials": {"instance": [0]}}, "columns"),
        ({"trials": trials(other=[0, 0])}, "'other'"),
        ({"trials": trials(choice=[0])}, "one length"),
        ({"trials": trials(choice=0)}, "row"),
        ({"trials": trials(choice=[0.5, 1.0])}, "choice"),
        ({"trials": trials(choice=[2**63, 0])}, "choice"),
        ({"trials": trials(choice=["a", "b"])}, "choice"),
        ({"trials": trials(choice=[None, 0])}, "choice"),
        ({"trials": trials(instance=[0, 2])}, "0 to 1"),
        ({"trials": trials(instance=[-1, 0])}, "0 to 1"),
        ({"trials": trials(schedule=["80/20/20/20", ""])}, "S8"),
        ({"trials": trials(schedule=["80٪20", ""])}, "ASCII"),
        ({"spikes": {"d2": ([0], [0], [0])}}, "did you mean"),
        ({"spikes": {"d1": ([0], [0], [5])}}, "0 to 4"),
        ({"spikes": {"d1": ([0], [2], [0])}}, "0 to 1"),
        ({"spikes": {"d1": ([0], [0], [2**32])}}, "can hold"),
        ({"spikes": {"d1": ([0, 1], [0], [0])}}, "one length"),
        ({"weights": {"cue_to_d1": ([0], np.zeros((1, 2, 4)))}}, "row, 2, 3"),
        ({"weights": {"cue_to_d1": ([0], np.zeros((1, 2, 3), dtype=complex))}}, "can hold"),
        ({"modulators": {"dopamine": np.zeros((1, 3))}}, "row, 2"),
    ],
)
def test_rows_that_cannot_be_meant_are_refused_whole(tmp_path, rows, word):
    """Catches a value that wraps around or is cut, and rows of which only the good tables are kept."""
    with create(tmp_path / "run") as writer:
        good = {"modulators": {"dopamine": np.zeros((1, 2))}, "trials": trials()}
        with pytest.raises(DescriptionError, match=word):
            writer.append(**{**good, **rows})
        writer.finish()
    results = Results.open(tmp_path / "run")
    assert len(results.trials["trial"]) == len(results.modulators["dopamine"]) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"dt": 0.0},
        {"dt": float("nan")},
        {"instances": 0},
        {"spikes": {"d1": 0}},
        {"spikes": {"a/b": 1}},
        {"spikes": {"..": 1}},
        {"spikes": {"": 1}},
        {"trials": {"x": Column(dtype="O")}},
        {"trials": {"x": Column(dtype="S65")}},
        {"trials": {"reward": Column()}},
        {"trials": {"x": Column(units="")}},
        {"modulators": {"m": "µV"}},
        {"weights": {"w": Synapses("1", np.zeros(2), np.zeros(3))}},
    ],
)
def test_contents_that_cannot_be_stored_are_refused(wrong):
    """Catches a name that would be a path inside the file, and a type that would need a pickle."""
    with pytest.raises(DescriptionError, match="Contents"):
        Contents(**{"dt": 1e-3, "instances": 2, **wrong})


@pytest.mark.parametrize(("seed", "backend"), [(-1, "brian2"), (2**63, "brian2"), (1.5, "brian2"), (1, "")])
def test_facts_that_cannot_be_meant_are_refused(tmp_path, seed, backend):
    """Catches a run whose manifest could not be read back; no directory is left behind."""
    with pytest.raises(DescriptionError, match="manifest"):
        RunWriter.create(tmp_path / "run", EXPERIMENT, RunFacts(seed, backend), contents())
    assert list(tmp_path.iterdir()) == []
