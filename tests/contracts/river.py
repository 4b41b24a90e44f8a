"""A river network: every reach a linear reservoir, implicit in time, all reaches solved at once."""

from typing import ClassVar

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular

from dgeo.models import Budget, Model, Parameter, Values, Variable
from dgeo.numerics import Bounds


class River(Model):
    """V' = lateral inflow + Σ_upstream Q − Q with Q = V/K; reaches are numbered downstream."""

    upstream: jax.Array  # [reach, reach], True where the column's reach flows into the row's
    forcings: ClassVar = {"lateral_inflow": Variable("m3 d-1", "")}
    states: ClassVar = {"volume": Variable("m3", "")}
    budget = Budget({"inflow": (None, "volume"), "outflow": ("volume", None)})
    fluxes: ClassVar = {name: Variable("m3 d-1", "") for name in ("inflow", "outflow", "discharge")}
    all_parameters: ClassVar = {"residence_time": Parameter("d", "", Bounds(0.01, 10.0, "logarithmic"), 0.5)}

    def initial_state(self) -> Values:
        return {"volume": jnp.zeros(len(self.upstream))}

    def step(self, state, forcing, parameters, dt):
        volume, lateral, residence = state["volume"], forcing["lateral_inflow"], parameters["residence_time"]
        connected = self.upstream.astype(volume.dtype)
        # (1 + dt/K) Q·K = V + dt (lateral + upstream Q), solved for Q
        matrix = jnp.diag(residence + dt) - dt * connected
        discharge = solve_triangular(matrix, volume + dt * lateral, lower=True)
        gain = lateral + jnp.matmul(connected, discharge, precision="highest") - discharge
        outflow = jnp.where(jnp.any(self.upstream, axis=0), jnp.zeros_like(discharge), discharge)
        return {"volume": volume + dt * gain}, {"inflow": lateral, "outflow": outflow, "discharge": discharge}
