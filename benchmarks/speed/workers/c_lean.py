"""Hand-written C (`hbv.c`), compiled here by gcc for this very processor and problem: what one core can do."""

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from hbv_parameters import FORCINGS
from protocol import Implementation, Unavailable, problem, serve

FLAGS = ("-O3", "-march=native", "-ffast-math")


def compiled(basins: int, components: int, folder: Path) -> ctypes.CDLL:
    """The library for so many basins and components."""
    if shutil.which("gcc") is None:
        raise Unavailable("gcc is not installed")
    library, source = str(folder / "hbv.so"), str(Path(__file__).with_name("hbv.c"))
    sizes = (f"-DBASINS={basins}", f"-DCOMPONENTS={components}")
    command = ["gcc", *FLAGS, *sizes, "-shared", "-fPIC", "-o", library, source, "-lm"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    if told.returncode:
        raise Unavailable(f"gcc failed: {told.stderr.strip().splitlines()[0]}")
    return ctypes.CDLL(library)


def prepare() -> Implementation:
    arrays = problem()
    days, basins = arrays["target"].shape
    with tempfile.TemporaryDirectory() as folder:
        function = compiled(basins, arrays["raw"].shape[-1], Path(folder)).streamflow
    pointer = np.ctypeslib.ndpointer(np.float32, flags="C_CONTIGUOUS")
    function.argtypes, function.restype = [ctypes.c_ssize_t, *[pointer] * 5], None
    flow = np.empty((days, basins), np.float32)

    def forward() -> np.ndarray:
        function(days, arrays["raw"], *(arrays[name] for name in FORCINGS), flow)
        return flow

    version = subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True, check=True).stdout.strip()
    works, notes = {"forward": forward}, {"flags": " ".join(FLAGS)}
    return Implementation(works, lambda: {"streamflow": forward()}, {"gcc": version}, notes)


if __name__ == "__main__":
    serve(prepare)
