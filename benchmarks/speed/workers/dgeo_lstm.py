"""dgeo: one optimiser step of an LSTM streamflow model, on all devices."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from dgeo_side import VERSIONS, notes, require_gpu, spread
from jax.sharding import AxisType, PartitionSpec
from protocol import Implementation, problem, serve

from dgeo.nn import LSTM

RATE = 1e-3
WEIGHTS = (
    *("encoder_weight", "encoder_bias"),
    *("input_weight", "hidden_weight", "bias"),
    *("decoder_weight", "decoder_bias"),
)


def network(arrays: dict) -> LSTM:
    """The network with the weights of the problem."""
    hidden, inputs = arrays["encoder_weight"].shape
    empty = LSTM.create(inputs, 1, hidden=hidden, key=jax.random.key(0))

    def leaves(lstm: LSTM) -> tuple[jax.Array, ...]:
        inner = lstm.input_weight, lstm.hidden_weight, lstm.bias
        return lstm.encoder.weight, lstm.encoder.bias, *inner, lstm.decoder.weight, lstm.decoder.bias

    return eqx.tree_at(leaves, empty, tuple(jnp.asarray(arrays[name]) for name in WEIGHTS))


def loss(lstm: LSTM, series: jax.Array, target: jax.Array) -> jax.Array:
    """Mean squared error of all days."""
    flow, _ = lstm(series, lstm.initial_carry(series.shape[1]))
    return jnp.mean((flow[..., 0] - target) ** 2)


def gradient(lstm: LSTM, series: jax.Array, target: jax.Array) -> tuple[jax.Array, LSTM]:
    """The loss and its gradient; devices meet once, as they do in training."""
    mesh = jax.make_mesh((jax.device_count(),), ("site",), axis_types=(AxisType.Auto,))

    def local(lstm: LSTM, series: jax.Array, target: jax.Array) -> tuple[jax.Array, LSTM]:
        return jax.lax.pmean(eqx.filter_value_and_grad(loss)(lstm, series, target), "site")

    everywhere, of_site = PartitionSpec(), PartitionSpec(None, "site")
    specs = {"in_specs": (everywhere, of_site, of_site), "out_specs": (everywhere, everywhere)}
    return jax.shard_map(local, mesh=mesh, check_vma=False, **specs)(lstm, series, target)


def prepare() -> Implementation:
    require_gpu()
    arrays = problem()
    data = spread({name: arrays[name] for name in ("series", "target")})
    given = (data["series"], data["target"])
    lstm, optimiser = network(arrays), optax.adam(RATE)
    jax.config.update("jax_default_matmul_precision", "highest")  # whole single precision on a GPU too

    @eqx.filter_jit(donate="all-except-first")
    def step(given, lstm, memory):
        value, slope = gradient(lstm, *given)
        with jax.numpy_dtype_promotion("standard"):
            updates, memory = optimiser.update(slope, memory)
        return eqx.apply_updates(lstm, updates), memory, value

    state = [lstm, optimiser.init(eqx.filter(lstm, eqx.is_array))]

    def once() -> None:
        *state[:], value = step(given, *state)
        jax.block_until_ready(value)

    def result() -> dict[str, jax.Array]:
        value, slope = eqx.filter_jit(gradient)(network(arrays), *given)
        return {"loss": value, "gradient": slope.hidden_weight[None], "gradient_input": slope.input_weight[None]}

    return Implementation({"step": once}, result, VERSIONS, notes())


if __name__ == "__main__":
    serve(prepare)
