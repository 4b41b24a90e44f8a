"""Many candidates for the parameters of every basin, simulated and scored at once."""

from dataclasses import replace
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, PartitionSpec
from jaxtyping import Array, Float

from dgeo.engine import initial_state, simulate
from dgeo.errors import DgeoError
from dgeo.hybrid import Hybrid, Inputs, Simulator, Table, parameters_of
from dgeo.models import Values
from dgeo.numerics import trainable
from dgeo.training.config import Config
from dgeo.training.devices import SITE
from dgeo.training.losses import LOSSES

Series = tuple[Array, Array, Array]
Z = Float[np.ndarray, "basin candidate number"]


class Observed(NamedTuple):
    """Streamflow [time, basin] of the days that count, NaN elsewhere, and the scale of its loss [basin]."""

    training: Array
    validation: Array
    scale: Array


class Population:
    """Scores candidates z, unbounded numbers of each basin, under a model whose free numbers are a table."""

    def __init__(self, model: Simulator, config: Config, inputs: Inputs, observed: Observed) -> None:
        """Spread the basins over the devices; copies of the last one fill up the last share.

        Raises `DgeoError` where more than a table of static parameters is free, or a basin has several components.
        """
        if not isinstance(model, Hybrid) or not _only_a_table(model):
            raise DgeoError(
                "Evolution calibrates numbers of each basin's own and nothing else: set static.source: table and "
                "components: 1, and leave out `dynamic`, `forcing` and networks in `laws`."
            )
        if tuple(config.training.targets) != ("streamflow",):
            raise DgeoError("Evolution calibrates towards streamflow alone; leave other names out of training.targets.")
        self.model, self.loss = model, LOSSES[config.training.targets["streamflow"].loss]
        self.start = {name: np.asarray(rows).reshape(inputs.sites) for name, rows in _table(model).values.items()}
        self.basins = inputs.sites
        devices = jax.local_devices()[: self.basins]
        self.mesh = jax.sharding.Mesh(np.asarray(devices), (SITE,), axis_types=(AxisType.Auto,))
        self.all = np.minimum(np.arange(-(-self.basins // len(devices)) * len(devices)), self.basins - 1)
        of_site, of_series = PartitionSpec(SITE), PartitionSpec(None, SITE)
        specs = (of_site, of_series, of_site, (of_series, of_series, of_site))
        self._run = jax.jit(
            jax.shard_map(self._scores, mesh=self.mesh, in_specs=specs, out_specs=of_site, check_vma=False)
        )
        series = {name: values[:, self.all] for name, values in inputs.forcing.items()}
        attributes = {name: values[self.all] for name, values in inputs.attributes.items()}
        seen = (observed.training[:, self.all], observed.validation[:, self.all], observed.scale[self.all])
        self._given = (series, attributes, seen)

    @property
    def first(self) -> Float[np.ndarray, "basin number"]:
        """The candidate of every basin to start from."""
        return np.stack(list(self.start.values()), axis=-1)

    def scores(self, candidates: Z) -> tuple[np.ndarray, np.ndarray]:
        """The loss over the training days and the NSE over the validation days, [basin, candidate]."""
        z = jnp.asarray(np.swapaxes(candidates, 1, 2)[self.all], jnp.float32)
        loss, validation = (np.asarray(part, float)[: self.basins] for part in self._run(z, *self._given))
        return np.where(np.isfinite(loss), loss, np.inf), validation

    def chosen(self, z: Float[np.ndarray, "basin number"]) -> Hybrid:
        """The model with these numbers in its table."""
        shapes = {name: rows.shape for name, rows in _table(self.model).values.items()}
        rows = {n: jnp.asarray(z[:, i], jnp.float32).reshape(shapes[n]) for i, n in enumerate(self.start)}
        return eqx.tree_at(lambda model: _table(model).values, self.model, rows)

    def _scores(self, z: Array, series: Values, attributes: Values, observed: Series) -> tuple[Array, Array]:
        training, validation, scale = observed
        flow = self._streamflow(z, Inputs(series, attributes, jnp.arange(len(z))))

        def one(flow: Array) -> tuple[Array, Array]:
            loss = self.loss.value(self.loss.sums(flow, training, scale))
            return loss, _nse(flow, validation)

        return jax.vmap(one, in_axes=2, out_axes=1)(flow)

    def _streamflow(self, z: Array, inputs: Inputs) -> Float[Array, "time basin candidate"]:
        """The candidates stand where the components of a site would, but are not averaged."""
        model, count = self.model, z.shape[-1]
        table = Table({name: z[:, i] for i, name in enumerate(self.start)})
        learned = replace(model.parameters, sources=(table,), components=count)
        parameters, _, _ = learned(inputs)
        physics = parameters_of(model.physics, parameters, inputs, count)
        state = initial_state(model.physics, (len(z), count), z.dtype)
        runoff = simulate(model.physics, inputs.forcing, physics, state, outputs=("runoff",))[0]["runoff"]
        if (routing := model.routing) is None:
            return runoff
        tail = jnp.zeros((routing.steps(1.0) - 1, len(z)), z.dtype)
        given = {name: parameters.static[name] for name in routing.parameters}

        def routed(runoff: Array, given: Values) -> Array:
            return routing(runoff, given, tail)[0]

        wide = {name: _wide(value, count) for name, value in given.items()}
        return jax.vmap(routed, in_axes=(2, 1), out_axes=2)(runoff, wide)


def _wide(value: Array, count: int) -> Float[Array, "basin candidate"]:
    """A fixed number is the same for all candidates."""
    return value if value.ndim == 2 else jnp.broadcast_to(value[:, None], (len(value), count))


def _table(model: Hybrid) -> Table:
    return next(source for source in model.parameters.sources if isinstance(source, Table))


def _only_a_table(model: Hybrid) -> bool:
    sources = model.parameters.sources
    if not (len(sources) == 1 and isinstance(sources[0], Table) and model.parameters.components == 1):
        return False
    free = jax.tree.leaves(eqx.filter(model, trainable(model)))
    return len(free) == len(sources[0].values) and model.forcing is None


def _nse(simulated: Float[Array, "time basin"], observed: Float[Array, "time basin"]) -> Float[Array, " basin"]:
    """Nash–Sutcliffe efficiency over the days that were observed; NaN without any."""
    seen = ~jnp.isnan(observed)
    there = jnp.where(seen, observed, 0.0)
    mean = jnp.sum(there, axis=0) / jnp.sum(seen, axis=0, dtype=there.dtype)
    errors = jnp.sum(jnp.where(seen, simulated - there, 0.0) ** 2, axis=0)
    return 1 - errors / jnp.sum(jnp.where(seen, there - mean[None], 0.0) ** 2, axis=0)
