"""Networks in the place of a law, for the proofs of the contracts."""

import jax
import numpy as np

from dgeo.hybrid.law_inputs import scaling_of
from dgeo.hybrid.laws import NetworkLaw, network_law
from dgeo.models import Law, Model
from dgeo.nn import mlp


def own_network(model: Model, slot: str, inputs: tuple[str, ...], random: np.random.Generator) -> Law:
    """A network that a user brings along, from equinox."""
    network = mlp(len(inputs), 1, width=4, depth=1, key=jax.random.key(random.integers(2**31)))
    return NetworkLaw(network, scaling_of(model, slot, inputs, {}), model.slots[slot].limits)


def learned_law(model: Model, slot: str, random: np.random.Generator) -> Law:
    """A network of two layers with every constraint."""
    return network_law(
        model,
        slot,
        ("soil_moisture", "potential_evapotranspiration", "temperature"),
        width=3,
        depth=2,
        increasing=("soil_moisture",),
        zero_at=("soil_moisture",),
        storage_limited=True,
        factor=("potential_evapotranspiration",),
        key=jax.random.key(random.integers(2**31)),
    )
