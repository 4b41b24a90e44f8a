from pathlib import Path

import pytest
import yaml

from dgeo.errors import DgeoError
from dgeo.training import parse_config, read_config, write_config
from tests.training.cases import config, content

CONFIGS = sorted((Path(__file__).resolve().parents[2] / "benchmarks" / "configs").glob("*.yaml"))


def written(tmp_path, **changes):
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(content(**changes)))
    return path


def test_a_resolved_config_reads_back_the_same(tmp_path):
    original = config(training={"seeds": [1, 2], "targets": {"streamflow": {"loss": "kge", "weight": 2}}})
    write_config(tmp_path / "config.yaml", original)
    assert read_config(tmp_path / "config.yaml") == original


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_shipped_configs_are_valid(path, tmp_path):
    write_config(tmp_path / "config.yaml", read_config(path))
    assert read_config(tmp_path / "config.yaml") == read_config(path)


def test_set_changes_one_key_and_makes_sections(tmp_path):
    changes = ["training.steps=16", "model.dynamic.width=5", "training.targets.streamflow.loss=kge", "data.root="]
    found = read_config(written(tmp_path), changes)
    assert (found.training.steps, found.model.dynamic.width) == (16, 5)
    assert found.training.targets["streamflow"].loss == "kge"
    assert found.data.root is None
    assert found.training.batch == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("training.step=5", r"the key 'training\.step' is unknown; did you mean 'steps'"),
        ("trainig.steps=5", r"the key 'trainig' is unknown; did you mean 'training'"),
        ("model.physics.verson=1.0", r"'model\.physics\.verson' is unknown; did you mean 'version'"),
        ("model.dynamic.netwrk=lstm", r"'model\.dynamic\.netwrk' is unknown; did you mean 'network'"),
        (
            "training.targets.streamflow.los=nse",
            r"'training\.targets\.streamflow\.los' is unknown; did you mean 'loss'",
        ),
        ("training.targets.streamflow.loss=nsee", r"training\.targets\.streamflow is not accepted: .*did you mean nse"),
        ("training.optimiser.zzz=1", r"'training\.optimiser\.zzz' is unknown; the keys there are clip, final_fraction"),
        ("training.steps=-2", r"training\.steps = -2 is not accepted: Input should be greater than 0"),
        ("training.steps=7", r"training is not accepted: steps must be a multiple of steps_per_call \(2\)"),
        ("training.steps=many", r"training\.steps = 'many' is not accepted"),
        ("model.physics.version=3.0", r"model 'hbv' has no version '3\.0'"),
        ("split.test=", r"split\.test = None is not accepted"),
        ("training.steps", r"--set 'training\.steps' is no assignment"),
        ("training.steps.a=1", r"'steps' is a value and has no keys"),
        ("training.steps.a.b=1", r"what holds 'a' is a value and has no keys"),
        ("model.attributes.70.a=1", r"'70' is not one of the \d entries, counted from 0"),
        ("training.steps=[1", r"'\[1' is no YAML value"),
        ("training.steps=true", r"`steps` holds true, which stands for no number"),
        ("training.seeds=[0, yes]", r"`seeds` holds true"),
        ("training.seeds=[3, 3]", "a seed comes twice"),
        ("training.seeds=[4294967296]", "less than 4294967296"),
        ("training.optimiser.learning_rate=.inf", "finite number"),
        ("training.optimiser.options={b1: no}", "`options` holds false"),
        ("model.static.width=1000000000", "less than or equal to 4096"),
        (
            "model.laws=[{slots: [recharge_fraction], kind: table, inputs: [soil_moisture, a, b], knots: 1000}]",
            "fewer knots",
        ),
        ("data=&a [*a]", "is no YAML value"),
    ],
)
def test_a_wrong_key_or_value_is_one_sentence(change, words, tmp_path):
    """The key with its place, the value where there is one, and what would be right."""
    with pytest.raises(DgeoError, match=words) as caught:
        read_config(written(tmp_path), [change])
    assert len(str(caught.value)) < 400


def test_an_entry_of_a_list_goes_by_its_number(tmp_path):
    """Of two laws the second alone is changed."""
    laws = "model.laws=[{slots: [melt], inputs: [temperature]}, {slots: [evaporation], inputs: [soil_moisture]}]"
    first, second = read_config(written(tmp_path), [laws, "model.laws.1.width=5"]).model.laws
    assert (first.width, second.width, second.slots) == (16, 5, ("evaporation",))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("data: [", "is no YAML: .*line 1.*mend that line"),
        ("just words", "holds no sections"),
        ("data: {source: virtual}", "the key 'split' is missing; add it"),
        (b"\xff\xfe\x00", "is no YAML"),
    ],
)
def test_a_file_that_is_no_config_is_one_sentence(text, words, tmp_path):
    path = tmp_path / "run.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DgeoError, match=words):
        read_config(path)


def test_a_missing_config_is_named(tmp_path):
    with pytest.raises(DgeoError, match=r"nothing\.yaml cannot be read \(No such file"):
        read_config(tmp_path / "nothing.yaml")


def test_the_place_of_a_config_is_named():
    with pytest.raises(DgeoError, match=r"^here: the key 'model' is missing"):
        parse_config({key: value for key, value in content().items() if key != "model"}, "here")
