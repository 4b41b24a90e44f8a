"""C that is compiled when it is first needed, kept for later processes, and called by XLA.

Compiled libraries lie beside XLA's compilations, by what they are made of: source, compiler, flags and the interface
of this jaxlib. A library's name ends with its own hash, so that one that was cut off or changed is not loaded but made
again.
"""

import ctypes
import os
import shutil
import subprocess
import tempfile
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax

from dgeo.engine.processor import kept_folder

FLAGS = (
    *("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast"),
    "-fno-tree-pre",  # what it moves out of branches, the vectoriser cannot put together again
    *("-std=gnu11", "-w", "-shared", "-fPIC"),
)
LONGEST = 120  # seconds of compiling

_loaded: dict[str, ctypes.CDLL] = {}
_temporary: list[tempfile.TemporaryDirectory] = []


class NotCompiled(RuntimeError):
    """A source that the compiler does not take."""


@cache
def compiler() -> str | None:
    """The C compiler of this machine: what CC says, or cc; None if there is none."""
    return shutil.which(os.environ.get("CC", "cc"))


@cache
def missing() -> str | None:
    """Why nothing can be compiled here, as the words after "since"; None if it can."""
    if compiler() is None:
        return "this machine has no C compiler (cc, or what CC says)"
    try:
        _kept('#include <math.h>\n#include "xla/ffi/api/c_api.h"\n', "dgeo_probe_" + _hash(_made_by().encode()))
    except (NotCompiled, OSError) as error:
        return f"the C compiler of this machine does not work ({error})"
    return None


def registered(source: str) -> str:
    """The name by which XLA calls the function `dgeo_native` of a source. Raises `NotCompiled`."""
    name = f"dgeo_native_{_hash(source.encode(), _made_by().encode())}"
    if name not in _loaded:
        library = ctypes.CDLL(str(_kept(source, name)))
        jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(library.dgeo_native), platform="cpu")
        _loaded[name] = library
    return name


@cache
def _folder() -> Path:
    """Where libraries are kept; if nothing shall be, a folder that ends with the process."""
    settings: Any = jax.config  # not every jax says which there are
    if settings.jax_enable_compilation_cache:
        return kept_folder("native")
    _temporary.append(tempfile.TemporaryDirectory(prefix="dgeo-native-"))
    return Path(_temporary[0].name)


def _kept(source: str, name: str) -> Path:
    folder = _folder()
    for path in sorted(folder.glob(f"{name}-*.so")):
        if path.stem == f"{name}-{_hash(path.read_bytes())}" and _is_ours(path):
            return path
        path.unlink(missing_ok=True)
    return _compiled(source, name, folder)


def _is_ours(path: Path) -> bool:
    """Whether a library was put there by this user or the machine's own, and nobody else may write over it."""
    found = path.stat()
    return found.st_uid in (os.geteuid(), 0) and not found.st_mode & 0o002


def _compiled(source: str, name: str, folder: Path) -> Path:
    """Made under another name in the same folder, so that nobody ever finds half of it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making-") as place:
        text, made = Path(place, "step.c"), Path(place, "step.so")
        text.write_text(source, encoding="utf-8")
        command = [compiler() or "cc", *FLAGS, f"-I{jax.ffi.include_dir()}", str(text), "-o", str(made), "-lm"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotCompiled(str(error)) from error
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if "error" in line]
            raise NotCompiled(lines[0] if lines else "it gives no reason")
        path = folder / f"{name}-{_hash(made.read_bytes())}.so"
        made.replace(path)
    return path


@cache
def _made_by() -> str:
    told = subprocess.run([compiler() or "cc", "--version"], capture_output=True, text=True, check=False)
    return f"{told.stdout} {FLAGS} {version('jaxlib')}"


def _hash(*parts: bytes) -> str:
    return sha256(b"\0".join(parts)).hexdigest()[:24]
