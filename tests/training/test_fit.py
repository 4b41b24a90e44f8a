import errno
import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dgeo.errors import DgeoError
from dgeo.numerics import storage
from dgeo.training.step import window_sums
from tests.training.cases import config, fit_one, member, task, world

SETTINGS = config()


def leaves(model):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(model) if isinstance(leaf, jax.Array)]


def assert_same(found, expected):
    for a, b in zip(leaves(found), leaves(expected), strict=True):
        np.testing.assert_array_equal(a, b)


def interrupt_at(step):
    """A watch that presses Ctrl-C when a step is reached."""

    def watch(row):
        if row["step"] == step:
            raise KeyboardInterrupt

    return watch


def score_of(scores):
    """A validation that gives the scores of a list, one after another."""
    remaining = iter(scores)
    return lambda model: next(remaining)


@pytest.mark.parametrize("step", [2, 6])
def test_an_interrupted_phase_resumes_bit_for_bit(step, tmp_path):
    """Weights of the end and every loss, after a Ctrl-C between two calls and another one in the resumed run."""
    whole = fit_one(SETTINGS, task(tmp_path, checkpoint=tmp_path / "whole"))
    with pytest.raises(DgeoError, match=rf"Interrupted at step {step} of 8 .*continue with --resume"):
        fit_one(SETTINGS, task(tmp_path), watch=interrupt_at(step))
    resumed = fit_one(SETTINGS, task(tmp_path))
    assert_same(resumed.model, whole.model)
    losses = [[row["loss"] for row in fitted.progress.history] for fitted in (resumed, whole)]
    assert losses[0] == losses[1]
    assert [row["step"] for row in resumed.progress.history] == [2, 4, 6, 8]


def test_an_interruption_within_a_call_keeps_the_last_whole_one(tmp_path):
    """Ctrl-C during validation: the call it belongs to is done again, its validation too."""
    scores = [0.1, 0.3]

    def validate(model):
        if len(scores) == 1 and interrupted:
            interrupted.pop()
            raise KeyboardInterrupt
        return scores.pop(0)

    interrupted = [True]
    with pytest.raises(DgeoError, match="Interrupted at step 6 of 8"):
        fit_one(SETTINGS, task(tmp_path), validate=validate)
    resumed = fit_one(SETTINGS, task(tmp_path), validate=validate)
    assert (resumed.progress.best_step, resumed.progress.best_score) == (8, 0.3)
    assert [row["validation"] for row in resumed.progress.history] == [None, 0.1, None, 0.3]


def test_the_best_validated_step_is_kept_and_patience_ends(tmp_path):
    """Scores 0.5, 0.4, 0.3 at steps 4, 8, 12: with a patience of 2 training ends at 12 with the weights of step 4."""
    settings = config(training={"steps": 40, "patience": 2})
    fitted = fit_one(settings, task(tmp_path, 40), validate=score_of([0.5, 0.4, 0.3]))
    assert fitted.progress.finished
    assert (fitted.progress.best_step, fitted.progress.history[-1]["step"]) == (4, 12)
    four = fit_one(settings, task(tmp_path, 4, checkpoint=tmp_path / "four"))
    assert_same(fitted.model, four.model)


def test_a_validation_without_a_score_is_refused(tmp_path):
    with pytest.raises(DgeoError, match=r"validation score of step 4 is NaN .* split\.validation"):
        fit_one(SETTINGS, task(tmp_path), validate=lambda model: np.nan)


@pytest.mark.parametrize(
    ("name", "value", "day"), [("aridity", np.inf, None), ("precipitation", np.nan, slice(0, 700))]
)
def test_a_nan_is_blamed_on_step_and_basin(name, value, day, tmp_path):
    """An infinite attribute or a gap of forcing in one basin, slipped past the checks at the door.

    The basin is drawn at a step that depends on the sampler alone, so the sampler is asked which step that is.
    """
    dataset = world()
    dataset[name][(3,) if day is None else (day, 3)] = value
    sampler = member(SETTINGS, task(tmp_path), dataset).sampler
    draws = [sampler.draws(jax.random.fold_in(jax.random.key(0), step), 3)[0] for step in range(8)]
    step = next(number for number, basins in enumerate(draws, 1) if 3 in np.asarray(basins))
    names = ([str(basin) for basin in dataset["basin"].values], dataset["time"].values)
    basin = names[0][3]
    with pytest.raises(
        DgeoError, match=rf"of training step {step} is not finite, first in basin {basin} \(window from 200"
    ):
        fit_one(SETTINGS, task(tmp_path), dataset=dataset, names=names)


def test_a_full_disk_is_one_sentence_and_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    """The second checkpoint fails half-way with ENOSPC; the first is still there, whole, and resumes."""
    write, calls = storage.save_file, []

    def fails(arrays, path, header):
        calls.append(path)
        if len(calls) == 2:
            path.write_bytes(b"half of it")
            raise OSError(errno.ENOSPC, "No space left on device")
        write(arrays, path, header)

    monkeypatch.setattr(storage, "save_file", fails)
    with pytest.raises(DgeoError, match=r"c\.safetensors could not be written .*No space left.*free some space"):
        fit_one(SETTINGS, task(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["c.safetensors"]
    resumed = fit_one(SETTINGS, task(tmp_path))
    assert_same(resumed.model, fit_one(SETTINGS, task(tmp_path, checkpoint=tmp_path / "whole")).model)


@pytest.mark.parametrize("fault", ["truncated", "other"])
def test_a_checkpoint_that_cannot_be_used_is_refused(fault, tmp_path):
    with pytest.raises(DgeoError, match="Interrupted"):
        fit_one(SETTINGS, task(tmp_path), watch=interrupt_at(2))
    path = tmp_path / "c.safetensors"
    if fault == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(DgeoError, match=r"c\.safetensors is damaged .*delete it to begin again"):
            fit_one(SETTINGS, task(tmp_path))
    else:
        with pytest.raises(DgeoError, match="another config or other data"):
            fit_one(SETTINGS, task(tmp_path, fingerprint="of other data"))


def test_segments_of_the_config_cut_the_days_of_the_loss(tmp_path):
    """The program marches the 30 days of the window in 4 segments of 7 and 2 days; what that changes in the numbers
    (nothing but rounding) is shown of the loop."""

    def scans(**changes):
        settings = config(training=changes).training
        one = member(SETTINGS, task(tmp_path))
        places = jnp.zeros(3, jnp.int32)
        key = jax.random.key(0)
        program, *_ = eqx.filter_make_jaxpr(window_sums)(one.model, one.arrays, places, places, key, settings)
        return [int(length) for length in re.findall(r"\blength=(\d+)", str(program))]

    assert not {4, 7} & set(scans())
    assert {4, 7} <= set(scans(segment=7))
