"""Trees of arrays in one portable file: safetensors, checked by a checksum, written atomically, never unpickled."""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from dgeo.errors import DgeoError

VERSION = "2"  # of the file; the checksum of the first did not cover metadata and shapes
_LEFT = re.compile(r"\..+\.(yaml|json|csv|nc|html|safetensors|txt)\.[a-z0-9_]{8}")  # as tempfile names them


def write_atomically(path: str | Path, write: Callable[[Path], object]) -> None:
    """Call `write` on a temporary file beside `path`, flush it to the disk, then move it into place.

    A crash, a full disk or an interruption leaves the old file as it was. Raises `DgeoError` where it cannot be
    written.
    """
    path = Path(path)
    try:
        with _beside(path) as temporary:
            write(temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
    except (OSError, SafetensorError) as error:
        raise DgeoError(f"{path} could not be written ({error}); free some space or choose another folder.") from error


def make_folder(path: str | Path) -> Path:
    """The folder, made where it is not there yet; raises `DgeoError` where it cannot be made."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise DgeoError(f"The folder {path} cannot be made ({error}); choose another.") from error
    return Path(path)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def write_tree(path: str | Path, tree: Any, metadata: dict[str, Any]) -> None:
    """Write every array of `tree`, named by its place in the tree, with JSON metadata."""
    arrays = {name: _storable(leaf) for name, leaf in _named_arrays(tree).items()}
    text = json.dumps(metadata)
    header = {"metadata": text, "sha256": _checksum(arrays, text), "version": VERSION}
    write_atomically(path, lambda temporary: save_file(arrays, temporary, header))


def left_behind(folder: Path) -> list[Path]:
    """What writes that were killed have left in a folder, beside the files that they were to become."""
    return [path for path in folder.glob(".*.*") if _LEFT.fullmatch(path.name) and path.is_file()]


def read_metadata(path: str | Path) -> dict[str, Any]:
    """The metadata alone."""
    return _read(path)[1]


def count_numbers(path: str | Path) -> int:
    """How many numbers a file holds in all."""
    return sum(array.size for array in _read(path)[0].values())


def read_tree(path: str | Path, like: Any) -> tuple[Any, dict[str, Any]]:
    """The tree of `like` with the arrays of the file, and the metadata.

    Raises `DgeoError` where the file is missing, damaged, or holds other arrays than `like`.
    """
    arrays, metadata = _read(path)
    expected = _named_arrays(like)
    if missing := sorted(expected.keys() ^ arrays.keys()):
        raise DgeoError(
            f"{path} does not fit this model: {missing[0]} is on one side only; check that both are of one config."
        )
    for name, leaf in expected.items():
        _check_alike(path, name, arrays[name], _storable(leaf))
    return _replace(like, arrays), metadata


def take_over(path: str | Path, like: Any) -> tuple[Any, tuple[str, ...], tuple[str, ...]]:
    """The tree of `like` with those arrays of the file that have a place of the same shape in it.

    Returns the tree, the names of the arrays that were taken over, and of those of `like` that were not.
    """
    arrays, _ = _read(path)
    expected = _named_arrays(like)
    alike = {n for n, leaf in expected.items() if n in arrays and arrays[n].shape == leaf.shape}
    chosen = {name: arrays[name] if name in alike else _storable(leaf) for name, leaf in expected.items()}
    return _replace(like, chosen), tuple(sorted(alike)), tuple(sorted(expected.keys() - alike))


def _named_arrays(tree: Any) -> dict[str, Any]:
    leaves = jax.tree_util.tree_leaves_with_path(eqx.filter(tree, eqx.is_array))
    return {jax.tree_util.keystr(path): leaf for path, leaf in leaves}


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _storable(leaf: Any) -> np.ndarray:
    return np.array(jax.random.key_data(leaf) if _is_key(leaf) else leaf, order="C")


def _replace(like: Any, arrays: dict[str, np.ndarray]) -> Any:
    def restore(path: Any, leaf: Any) -> Any:
        if not eqx.is_array(leaf):
            return leaf
        value = jnp.asarray(arrays[jax.tree_util.keystr(path)])
        return jax.random.wrap_key_data(value) if _is_key(leaf) else value

    return jax.tree_util.tree_map_with_path(restore, like)


def _checksum(arrays: dict[str, np.ndarray], text: str | None) -> str:
    """Of names, types, shapes and bytes, and of the text of the metadata; of files before version 2, less."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        if text is not None:
            digest.update(f"{arrays[name].dtype}{arrays[name].shape}".encode())
        digest.update(arrays[name].tobytes())
    digest.update((text or "").encode())
    return digest.hexdigest()


def _check_alike(path: str | Path, name: str, found: np.ndarray, wanted: np.ndarray) -> None:
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        raise DgeoError(
            f"{path} does not fit this model: {name} is {found.dtype}{list(found.shape)} in the file and "
            f"{wanted.dtype}{list(wanted.shape)} in the model; check that both are of one config."
        )


def _read(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    if not Path(path).is_file():
        raise DgeoError(f"{path} does not exist; check the name of the run folder.")
    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        metadata = json.loads(header.get("metadata", "{}"))
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DgeoError(
            f"{path} is damaged or no dgeo file ({error}); delete it to begin again, or restore a copy."
        ) from error
    text = header.get("metadata", "") if header.get("version") == VERSION else None
    if header.get("sha256") != _checksum(arrays, text) or not isinstance(metadata, dict):
        raise DgeoError(f"{path} is damaged: its checksum does not match; delete it to begin again, or restore a copy.")
    return arrays, metadata
