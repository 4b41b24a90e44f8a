"""Learning parameters through an emulator, and the whole experiment on a handful of basins."""

import json
from pathlib import Path

import jax
import numpy as np
import pytest
import xarray as xr
import yaml

from dgeo.errors import DgeoError
from dgeo.surrogate import (
    LearningConfig,
    learn_parameters,
    learned_parameters,
    parse_surrogate_config,
    read_surrogate_config,
    run_surrogate,
)
from dgeo.surrogate.learn import inputs_of
from tests.surrogate.cases import emulated, reservoir, training, weather

BASINS, DAYS = 5, 120
RECESSION = np.array([0.15, 0.2, 0.3, 0.4, 0.45])
PERIODS = {"train": ["2000-10-01", "2000-12-09"], "test": ["2000-12-10", "2001-01-28"]}
SHORT = {"batch": 4, "warmup": 10, "window": 15, "steps": 4, "steps_per_call": 4}
SHORT |= {"validate_every": 4, "checkpoint_every": 4}
CONTENT = {
    "data": {"source": "netcdf", "potential_evapotranspiration": "given"},
    "black_box": "numpy_bucket",
    "twin": {"noise": 0.1, "scatter": 0.1},
    "split": {**PERIODS, "unseen": 1},
    "runs": {"count": 8, "held_out": 3, "days": 60, "batch": 4},
    "emulator": {"width": 4, "training": SHORT},
    "learning": {"attributes": ["slope"], "width": 4, "training": SHORT},
}


def basins() -> xr.Dataset:
    """Five basins whose streamflow is that of the reservoir, its recession a straight line of no attribute."""
    forcing = weather(DAYS, BASINS, seed=11)
    series = forcing | {"streamflow": reservoir(forcing, {"recession": RECESSION})["runoff"]}
    units = {"temperature": "degC"}
    variables = {n: (("time", "basin"), v, {"units": units.get(n, "mm d-1")}) for n, v in series.items()}
    variables["slope"] = ("basin", np.linspace(0.0, 4.0, BASINS), {"units": "m km-1"})
    time = np.datetime64("2000-10-01", "ns") + np.arange(DAYS) * np.timedelta64(1, "D")
    return xr.Dataset(variables, {"time": time, "basin": [f"b{i}" for i in range(BASINS)]})


def learned(folder: Path):
    """A table of recessions, learned through the emulator of the reservoir."""
    with jax.enable_x64(False):
        config = LearningConfig(parameters="table", training=training(200).model_copy(update={"batch": BASINS}))
        place, dataset = folder / "table.safetensors", basins()
        period = ("2000-10-01", "2001-01-28")
        model = learn_parameters(emulated().model, dataset, period, {}, config, place).model
        return model, learned_parameters(model, inputs_of(dataset, tuple(model.physics.forcings), ()))


def test_parameters_are_found_through_the_emulator_whose_weights_stay(tmp_path):
    """Streamflow without noise, of a reservoir whose recession is all there is to know: the table's order is the true
    one, and its error a tenth of the bounds' width, 0.04, where the start (0.3 everywhere) is off by 0.12. The
    emulator's weights are bitwise what they were."""
    model, found = learned(tmp_path)
    error = np.sqrt(np.mean((found["recession"] - RECESSION) ** 2))
    assert (np.diff(found["recession"]) > 0).all()
    assert error < 0.04
    before, after = (jax.tree.leaves(physics.network) for physics in (emulated().model.frozen(), model.physics))
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


def written(folder: Path) -> Path:
    """The config and its data in a folder."""
    basins().to_netcdf(folder / "data.nc", engine="h5netcdf")
    content = {**CONTENT, "data": {**CONTENT["data"], "file": str(folder / "data.nc")}}
    (folder / "surrogate.yaml").write_text(yaml.safe_dump(content))
    return folder / "surrogate.yaml"


def test_an_experiment_leaves_numbers_models_and_a_picture(tmp_path):
    """Every stage with four steps, so that the numbers mean nothing: they are there, finite, and counted."""
    with jax.enable_x64(False):
        config = read_surrogate_config(written(tmp_path))
        found = run_surrogate(config, tmp_path / "run")
        with pytest.raises(DgeoError, match="already holds an experiment"):
            run_surrogate(config, tmp_path / "run")
    assert found["runs"] == {"trained_on": 8, "held_out": 3, "verified": 2, "default": 1, "days_each": 60}
    assert {"default_parameters", "through_emulator", "black_box", "price_of_emulation"} <= set(found["streamflow"])
    assert "learned_through_equations" in found["streamflow"]
    assert set(found["truth"]["parameters"]["shape"]) == {"correlation", "error"}
    assert set(found["emulator"]) == {"runoff", "evapotranspiration"}
    assert found["streamflow"]["black_box"]["n"] == 1
    assert json.loads((tmp_path / "run" / "surrogate.json").read_text())["emulator"] == found["emulator"]
    assert (tmp_path / "run" / "surrogate.png").read_bytes()[1:4] == b"PNG"
    names = {"config.yaml", "environment.json", "emulator.safetensors"}
    assert names <= {path.name for path in (tmp_path / "run").iterdir()}
    assert read_surrogate_config(tmp_path / "run" / "config.yaml") == config


FAULTS = {
    "key": ({"emulator": {"widht": 4}}, r"'emulator.widht' is unknown; did you mean width\?"),
    "deep key": ({"learning": {"attributes": ["slope"], "training": {"step": 4}}}, "did you mean steps"),
    "top key": ({"blackbox": "numpy_bucket"}, "'blackbox' is unknown; did you mean black_box"),
    "value": ({"runs": {"count": -3}}, "runs.count is not accepted: Input should be greater than 0"),
    "no attributes": ({"learning": {}}, "a network of parameters reads attributes"),
    "table": ({"twin": None, "learning": {"parameters": "table"}}, "a table of parameters knows training basins only"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_config_is_one_sentence(name):
    changes, words = FAULTS[name]
    with pytest.raises(DgeoError, match=words):
        parse_surrogate_config({**CONTENT, **changes}, "test")


def test_a_missing_section_and_file_are_named(tmp_path):
    with pytest.raises(DgeoError, match="the key 'split' is missing; add it"):
        parse_surrogate_config({name: value for name, value in CONTENT.items() if name != "split"}, "test")
    with pytest.raises(DgeoError, match=r"The config .*none.yaml cannot be read"):
        read_surrogate_config(tmp_path / "none.yaml")


def test_a_black_box_that_is_not_there_is_named(tmp_path):
    """A config only names what Python has registered."""
    config = read_surrogate_config(written(tmp_path)).model_copy(update={"black_box": "numpy_buckets"})
    with pytest.raises(DgeoError, match="no black box 'numpy_buckets': did you mean numpy_bucket"):
        run_surrogate(config, tmp_path / "run")


def test_the_example_is_a_config():
    """The one in the repository parses, and asks for what its header says."""
    place = Path(__file__).resolve().parents[2] / "benchmarks" / "configs" / "forms" / "5_surrogate.yaml"
    config = read_surrogate_config(place)
    assert (config.runs.count, config.data.count, config.split.unseen) == (1000, 60, 20)
