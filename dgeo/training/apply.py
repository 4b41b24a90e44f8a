"""A trained run applied elsewhere: into memory, or basins in blocks into a store that may be larger than it."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import xarray as xr

from dgeo import data
from dgeo.training.application import Application, applied
from dgeo.training.states import Carries, all_sites, fingerprints, read_state, write_state


def apply(
    folder: str | Path,
    *,
    file: str | Path | None = None,
    start: str | None = None,
    end: str | None = None,
    state: str | Path | None = None,
    save_state: str | Path | None = None,
) -> xr.Dataset:
    """Simulate a period with a run's models; the mean over its seeds, labelled, and with several seeds their spread.

    Models in continuous time come with `solver_failure`, 1 where a step failed and nothing moved, and that in `words`.

    **Arguments**

    - `file`: a NetCDF file, or a store `….zarr`, with the forcings and attributes of any basins; the run's own data by
      default.
    - `start`, `end`: the first and last day; all days, or those from the state on, by default. Without `state`, the
      stores are filled with the forcings of the days before `start`.
    - `state`: a file that `save_state` wrote at the end of an earlier simulation; the run continues it exactly.

    **Raises** `DgeoError` for missing variables, dates outside the record, or a state of other basins.
    """
    task = applied(folder, file=file, start=start, end=end, state=state)
    labelled, carries = task.simulated()
    if save_state is not None:
        write_state(save_state, carries, folder, task.basins, task.next_day)
    return labelled


def apply_to_store(
    folder: str | Path,
    out: str | Path,
    *,
    file: str | Path | None = None,
    start: str | None = None,
    end: str | None = None,
    state: str | Path | None = None,
    save_state: str | Path | None = None,
    watch: Callable[[int, int], object] = lambda done, basins: None,
) -> tuple[str, ...]:
    """The same, written to a Zarr store of `dgeo.data.open_store`, in memory for one block of basins.

    A block is `data.blocks.BASINS` basins, read, simulated and written before the next. An interruption costs the block
    at hand: the same call goes on after the last that is whole. `watch` is told how many basins are done, and of how
    many. Returns the sentences on steps that failed, of each block that has some.
    """
    task = applied(folder, file=file, start=start, end=end, state=state)
    parts, kept = data.parts_of(len(task.basins)), Path(out).with_name(f".{Path(out).name}.states")
    words: list[str] = []

    def block(part: slice) -> xr.Dataset:
        labelled, carries = task.simulated(part)
        words.extend(sentence for series in labelled.data_vars.values() if (sentence := series.attrs.pop("words", "")))
        if save_state is not None:
            kept.mkdir(exist_ok=True)
            write_state(kept / str(part.start), carries, folder, task.basins[part], task.next_day)
        return labelled

    sites = task.dataset.drop_vars(list(task.dataset.data_vars)).isel(time=slice(task.first, task.last))
    data.grow_store(out, sites, block, _mark(task), lambda done: watch(done, len(task.basins)))
    if save_state is not None:
        of_parts = [_carries(task, kept / str(part.start), part) for part in parts]
        whole = {name: all_sites([carries[name] for carries in of_parts]) for name in task.models}
        write_state(save_state, whole, folder, task.basins, task.next_day)
        shutil.rmtree(kept)
    return tuple(words)


def _carries(task: Application, path: Path, part: slice) -> Carries:
    sites = part.stop - part.start
    return read_state(path, {name: model.initial_carry(sites) for name, model in task.models.items()})


def _mark(task: Application) -> str:
    """What tells one simulation from another."""
    begun = b"" if task.state is None else task.state.read_bytes()
    recipe = task.config.recipe
    read = data.fingerprint(task.dataset[[*recipe.needed_forcings, *recipe.needed_attributes]])
    told = (fingerprints(task.folder), task.outputs, task.first, task.last, read)
    return hashlib.sha256(repr(told).encode() + begun).hexdigest()
