"""Deployment on the emulator and on Lava at once."""

import json

import pytest

from tests.commands.programs import STEPS, invoke, short


@pytest.mark.xdist_group("lava")
def test_both_are_held_to_the_last_bit(tmp_path, lava_python):
    """The reversal circuit, learning, on the emulator and on Lava."""
    done = invoke(
        *("deploy", short(tmp_path), "--emulator", "both", "--instances", "1", "--trials", "2"),
        *("--json", "--out", tmp_path / "out"),
    )
    assert done.exit_code == 0, done.output
    agreement = json.loads(done.stdout)["deployment"]["agreement"]
    assert agreement["machines"] == ["loihi", "lava"]
    assert agreement["steps"] == 2 * STEPS and agreement["windows"] == 10
    assert agreement["integers"] > 2 * STEPS * 2 * 124  # u and v of every neuron in every step
