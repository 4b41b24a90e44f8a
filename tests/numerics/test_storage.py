"""Stored trees: what was written comes back bitwise, and a damaged file is met with a sentence."""

import hashlib

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file

from dgeo.errors import DgeoError
from dgeo.numerics import read_metadata, read_tree, write_atomically, write_tree


def tree(key):
    """Floats, integers, booleans, an empty array, a random key and something that is no array."""
    return {
        "network": eqx.nn.MLP(2, 3, 4, 1, key=key),
        "steps": jnp.asarray(7, jnp.int32),
        "mask": jnp.array([True, False]),
        "none": jnp.zeros((0, 3), jnp.float32),
        "odd": jnp.asarray([np.nan, -0.0, np.inf, 1e-45], jnp.float32),
        "key": jax.random.fold_in(key, 1),
        "word": "hbv",
    }


def blank(model):
    """The same tree with every array zero."""

    def zero(leaf):
        if not eqx.is_array(leaf):
            return leaf
        return jax.random.key(0) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else jnp.zeros_like(leaf)

    return jax.tree.map(zero, model)


def bits(model):
    """The raw bytes of every array."""
    arrays = jax.tree.leaves(eqx.filter(model, eqx.is_array))
    plain = (jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x for x in arrays)
    return [(x.dtype, x.shape, np.asarray(x).tobytes()) for x in plain]


@pytest.fixture
def stored(tmp_path, key):
    path = tmp_path / "model.safetensors"
    write_tree(path, tree(key), {"recipe": {"components": 4}})
    return path


def test_all_bits_come_back(stored, key):
    """NaN, −0, a denormal and the random key included; what the key draws next is what it would have drawn."""
    found, metadata = read_tree(stored, blank(tree(key)))
    assert bits(found) == bits(tree(key))
    assert metadata == {"recipe": {"components": 4}}
    assert found["word"] == "hbv"
    np.testing.assert_array_equal(jax.random.normal(found["key"]), jax.random.normal(tree(key)["key"]))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_file_is_named(stored, key, share):
    content = stored.read_bytes()
    stored.write_bytes(content[: int(share * len(content))])
    with pytest.raises(
        DgeoError, match=r"model\.safetensors is damaged .* delete it to begin again, or restore a copy\."
    ):
        read_tree(stored, tree(key))


def test_one_flipped_bit_is_seen(stored, key):
    content = bytearray(stored.read_bytes())
    content[-3] ^= 4
    stored.write_bytes(bytes(content))
    with pytest.raises(DgeoError, match="checksum"):
        read_tree(stored, tree(key))


@given(st.integers(0, 2**31), st.integers(0, 7))
def test_any_flipped_bit_is_seen_or_does_no_harm(stored, key, place, bit):
    """Of header, metadata, shapes, names and numbers; a blank that fills up the header may become another blank."""
    content = bytearray(stored.read_bytes())
    content[place % len(content)] ^= 1 << bit
    damaged = stored.with_name("damaged.safetensors")
    damaged.write_bytes(bytes(content))
    try:
        found, metadata = read_tree(damaged, blank(tree(key)))
    except DgeoError:
        return
    assert bits(found) == bits(tree(key))
    assert metadata == {"recipe": {"components": 4}}


def test_a_file_of_the_first_version_is_still_read(stored, key):
    """Its checksum is that of names and bytes alone."""
    arrays, header = {}, {}
    with safe_open(stored, framework="numpy") as file:
        header = file.metadata()
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    digest = hashlib.sha256(b"".join(name.encode() + arrays[name].tobytes() for name in sorted(arrays)))
    save_file(arrays, stored, {"metadata": header["metadata"], "sha256": digest.hexdigest()})
    assert bits(read_tree(stored, blank(tree(key)))[0]) == bits(tree(key))


@pytest.mark.parametrize("text", ["[" * 100_000, "[1]", '"word"', "{", "\\ud800"])
def test_metadata_that_are_none_are_refused(text, tmp_path):
    """Deep enough to exhaust Python's stack, of another kind, or no JSON; the checksum fits."""
    digest = hashlib.sha256(b"afloat32(2,)" + np.ones(2, np.float32).tobytes() + text.encode()).hexdigest()
    header = {"metadata": text, "sha256": digest, "version": "2"}
    save_file({"a": np.ones(2, np.float32)}, tmp_path / "a.safetensors", header)
    with pytest.raises(DgeoError, match="damaged"):
        read_metadata(tmp_path / "a.safetensors")


def test_a_missing_file_is_named(tmp_path, key):
    with pytest.raises(DgeoError, match=r"absent\.safetensors does not exist"):
        read_tree(tmp_path / "absent.safetensors", tree(key))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("mask", jnp.zeros(3, bool), r"\['mask'\] is bool\[2\] in the file and bool\[3\] in the model"),
        ("steps", jnp.zeros((), jnp.float32), r"\['steps'\] is int32\[\] in the file and float32\[\] in the model"),
        ("another", jnp.zeros(1), r"\['another'\] is on one side only"),
    ],
)
def test_another_model_is_refused_by_name(stored, key, name, value, message):
    with pytest.raises(DgeoError, match=message):
        read_tree(stored, tree(key) | {name: value})


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), RuntimeError("bug")])
def test_a_failed_write_leaves_the_old_file(stored, error):
    """A full disk, Ctrl-C and a bug, each after half of the file: the old bytes stay, no fragment remains beside
    them, and the full disk is told in a sentence."""
    before = stored.read_bytes()

    def fail(path):
        path.write_bytes(before[: len(before) // 2])
        raise error

    with pytest.raises(DgeoError if isinstance(error, OSError) else type(error)) as caught:
        write_atomically(stored, fail)
    assert stored.read_bytes() == before
    assert list(stored.parent.iterdir()) == [stored]
    if isinstance(error, OSError):
        assert "No space left on device" in str(caught.value)


def test_a_write_replaces_the_file(stored, key):
    write_tree(stored, tree(jax.random.fold_in(key, 2)), {})
    assert read_tree(stored, tree(key))[1] == {}
