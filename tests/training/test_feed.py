"""Windows read ahead from a store: the same losses as from memory, and what happens when reading fails."""

import dataclasses

import pytest

from dgeo import data
from dgeo.training import fit
from dgeo.training.arrays import Streamed, day_mask
from dgeo.training.feed import Reader
from tests.training.cases import config, member, task, trainer, world

SETTINGS = config(training={"steps": 8})


@pytest.fixture
def stored(tmp_path):
    data.write_store(world(), tmp_path / "world.zarr")
    return data.open_store(tmp_path / "world.zarr")


def streamed(settings, one, dataset):
    """The same member, its series read from `dataset` during the training."""
    training, split = settings.training, settings.split
    source = Streamed(dataclasses.replace(one.source.inputs, forcing={}), one.source.scale)
    seen = day_mask(dataset, split.train, split.validation)
    length = training.warmup + training.window
    read = Reader(dataset, settings.model.needed_forcings, tuple(training.targets), seen, length)
    return dataclasses.replace(one, source=source, read=read)


def test_losses_are_those_of_data_in_memory(stored, tmp_path):
    one = member(SETTINGS, task(tmp_path))
    (memory,) = fit(trainer(SETTINGS), [one])
    other = dataclasses.replace(one, task=task(tmp_path, checkpoint=tmp_path / "b.safetensors"))
    (stream,) = fit(trainer(SETTINGS), [streamed(SETTINGS, other, stored)])
    for a, b in zip(memory.progress.history, stream.progress.history, strict=True):
        print(a["loss"], b["loss"], a["loss"] == b["loss"], a["gradient"] == b["gradient"])
        assert a["loss"] == b["loss"]
