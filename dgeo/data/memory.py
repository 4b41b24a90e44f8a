"""Data that a file declares, held against the memory that is free: a few bytes can declare any size."""

import os
from pathlib import Path

import xarray as xr

from dgeo.errors import DgeoError


def require_memory(dataset: xr.Dataset, path: Path) -> None:
    """Raise `DgeoError` where the variables of a file, not read yet, are larger than the memory that is free."""
    free = free_bytes()
    sizes = {str(name): variable.size * variable.dtype.itemsize for name, variable in dataset.variables.items()}
    needed = sum(sizes.values())
    if free is not None and needed > free:
        largest = max(sizes, key=sizes.__getitem__)
        raise DgeoError(
            f"'{path}' declares {needed / 1e9:.3g} GB of data, most of it '{largest}' of shape "
            f"{list(dataset[largest].shape)}, and {free / 1e9:.3g} GB of memory are free; read fewer basins, or make a "
            "store of it with dgeo.data.write_store."
        )


def free_bytes() -> int | None:
    """The memory that is free on this machine, in its control group and under the limit of the process, if known."""
    known = [found for found in (_of_machine(), _of_group(), _of_process()) if found is not None]
    return min(known) if known else None


def _of_machine() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None


def _of_group() -> int | None:
    folder = Path("/sys/fs/cgroup")
    try:
        most, used = ((folder / name).read_text(encoding="ascii").strip() for name in ("memory.max", "memory.current"))
        return None if most == "max" else max(int(most) - int(used), 0)
    except (OSError, ValueError):
        return None


def _of_process() -> int | None:
    try:
        import resource

        most, _ = resource.getrlimit(resource.RLIMIT_AS)
        used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
        return None if most == resource.RLIM_INFINITY else max(most - used, 0)
    except (ImportError, OSError, ValueError, IndexError):  # not every system has such limits
        return None
