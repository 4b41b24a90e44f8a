"""The Basic Model Interface of a trained run, function by function as the specification (2.0) has them."""

import inspect

import jax
import numpy as np
import pytest
from bmipy import Bmi

from dgeo import training
from dgeo.bmi import TrainedRun
from dgeo.errors import DgeoError
from tests.training import runs
from tests.training.cases import world

LONG = "atmosphere_water__precipitation_leq-volume_flux"


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """The file of a run of ten days, beside the run."""
    place = tmp_path_factory.mktemp("bmi")
    with jax.enable_x64(False):
        runs.made(place, runs.HYBRID, ["streamflow", "evapotranspiration", "soil_moisture"])
    text = f"run: run\nstart: 2001-10-01\nend: 2001-10-10\nnames: {{precipitation: {LONG}}}\n"
    (place / "bmi.yaml").write_text(text)
    return place / "bmi.yaml"


@pytest.fixture
def model(settings):
    with jax.enable_x64(False):
        made = TrainedRun()
        made.initialize(str(settings))
        yield made
        made.finalize()


def test_it_is_the_interface():
    """Every function of the interface is there, with its arguments."""
    for name, function in inspect.getmembers(Bmi, inspect.isfunction):
        assert list(inspect.signature(getattr(TrainedRun, name)).parameters) == list(
            inspect.signature(function).parameters
        )
    assert not inspect.isabstract(TrainedRun)


def test_what_it_says_of_itself(model):
    """Counts, names, types, sizes, units, places and times agree with each other, as bmi-tester asks."""
    assert model.get_component_name().startswith("dgeo: hbv")
    names = (*model.get_input_var_names(), *model.get_output_var_names())
    assert LONG in names
    assert "precipitation" not in names
    assert len(names) == model.get_input_item_count() + model.get_output_item_count()
    for name in names:
        values = model.get_value_ptr(name)
        assert (model.get_var_type(name), model.get_var_itemsize(name)) == (str(values.dtype), values.itemsize)
        assert model.get_var_nbytes(name) == values.nbytes == values.itemsize * model.get_grid_size(0)
        assert (model.get_var_location(name), model.get_var_grid(name)) == ("node", 0)
    assert model.get_var_units(LONG) == model.get_var_units("streamflow") == "mm d-1"
    assert (model.get_var_units("temperature"), model.get_var_units("soil_moisture")) == ("degC", "mm")
    assert (model.get_start_time(), model.get_current_time(), model.get_end_time()) == (0.0, 0.0, 10.0)
    assert (model.get_time_step(), model.get_time_units()) == (1.0, "d")


def test_the_grid_is_where_the_basins_are(model):
    """Nodes without edges or faces, at longitude and latitude."""
    assert (model.get_grid_type(0), model.get_grid_rank(0), model.get_grid_size(0)) == ("unstructured", 2, 5)
    counts = (model.get_grid_node_count(0), model.get_grid_edge_count(0), model.get_grid_face_count(0))
    assert counts == (5, 0, 0)
    for get, name in ((model.get_grid_x, "longitude"), (model.get_grid_y, "latitude")):
        place = np.full(5, np.nan)
        assert get(0, place) is place
        np.testing.assert_array_equal(place, world()[name].values)
    nothing = np.empty(0, np.int32)
    for get in (model.get_grid_edge_nodes, model.get_grid_face_edges, model.get_grid_face_nodes):
        assert get(0, nothing) is nothing
    assert model.get_grid_nodes_per_face(0, nothing) is nothing
    for get in (model.get_grid_shape, model.get_grid_spacing, model.get_grid_origin, model.get_grid_z):
        with pytest.raises(NotImplementedError, match="unstructured"):
            get(0, nothing)


def test_a_run_of_days_is_that_of_the_command(model, settings):
    """Forcings that nobody sets are the data's: day by day the flow of `dgeo simulate`, to 1e-5 of the largest."""
    whole = training.apply(settings.parent / "run", start="2001-10-01", end="2002-09-30")["streamflow"].values[:10]
    pointer, found = model.get_value_ptr("streamflow"), []
    for _ in range(4):
        assert model.update() is None
        found.append(pointer.copy())
    model.update_until(10.0)
    np.testing.assert_allclose(found, whole[:4], atol=1e-5 * whole.max())
    np.testing.assert_allclose(pointer, whole[-1], atol=1e-5 * whole.max())
    assert model.get_current_time() == model.get_end_time()
    with pytest.raises(DgeoError, match="ends after 10 days"):
        model.update()
    with pytest.raises(DgeoError, match="no whole day from 10 on"):
        model.update_until(9.0)


def test_what_is_set_is_what_rains(model):
    """A storm on one basin wets its soil and no other's; getters copy, also at indices; outputs cannot be set."""
    dry, wet = np.empty(5, "float32"), np.empty(2, "float32")
    model.set_value(LONG, np.zeros(5))
    model.set_value_at_indices(LONG, np.array([3]), np.array([80.0]))
    before = model.get_value("soil_moisture", np.empty(5, "float32")).copy()
    model.update()
    assert model.get_value("soil_moisture", dry) is dry
    np.testing.assert_array_equal(model.get_value_at_indices("soil_moisture", wet, np.array([1, 3])), dry[[1, 3]])
    assert (before == 0).all()
    assert model.get_value_ptr(LONG)[3] != 80.0
    with pytest.raises(DgeoError, match="is an output"):
        model.set_value("streamflow", dry)
    with pytest.raises(DgeoError, match="no variable 'steamflow'"):
        model.get_value("steamflow", dry)


@pytest.mark.parametrize("text", ["nothing: 1", "run: [", "just words"])
def test_a_settings_file_that_is_none_is_one_sentence(text, tmp_path):
    (tmp_path / "bmi.yaml").write_text(text)
    with pytest.raises(DgeoError, match="no settings file"):
        TrainedRun().initialize(str(tmp_path / "bmi.yaml"))
