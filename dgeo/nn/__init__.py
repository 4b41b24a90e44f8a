"""Networks: what can stand in the place of a question mark. They know nothing of geoscience."""

from dgeo.nn.ealstm import EALSTM
from dgeo.nn.lstm import LSTM
from dgeo.nn.mclstm import MCLSTM
from dgeo.nn.mlp import mlp, with_output_bias
from dgeo.nn.monotone import PartiallyMonotone
from dgeo.nn.moving_average import MovingAverages
from dgeo.nn.plain_lstm import PlainLSTM
from dgeo.nn.product import Precision, linear
from dgeo.nn.standardise import Standardise

__all__ = [
    "EALSTM",
    "LSTM",
    "MCLSTM",
    "MovingAverages",
    "PartiallyMonotone",
    "PlainLSTM",
    "Precision",
    "Standardise",
    "linear",
    "mlp",
    "with_output_bias",
]
