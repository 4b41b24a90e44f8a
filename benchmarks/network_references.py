"""Outputs of other implementations of the baseline networks, with their weights, for the tests of `dgeo.nn`.

    ../peer/bin/pip install torch==2.13.0 neuralhydrology==1.13.0
    ../peer/bin/python benchmarks/network_references.py tests/nn/network_references.json

`lstm` is torch.nn.LSTM, `ea_lstm` and `mc_lstm` are the models of neuralhydrology. All run in double precision on
random numbers. The MC-LSTM there divides its cells by the sum over the whole batch before its gates read them, so that
a site's flow depends on what stands beside it; here each site runs in a batch of its own. It loses the mass of a cell
whose row of the redistribution has no positive number; a bias of 1 keeps the rows from that here.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from neuralhydrology.modelzoo.ealstm import EALSTM
from neuralhydrology.modelzoo.mclstm import MCLSTM
from neuralhydrology.utils.config import Config

DAYS, SITES, HIDDEN = 12, 3, 4
FORCINGS, ATTRIBUTES = ["rain", "warmth"], ["height", "dryness", "forest"]


def config(model: str, **changes: Any) -> Config:
    """The least that these models ask for."""
    given = {
        "model": model,
        "hidden_size": HIDDEN,
        "dynamic_inputs": FORCINGS,
        "static_attributes": ATTRIBUTES,
        "target_variables": ["streamflow"],
        "head": "regression",
        "output_activation": "linear",
        "initial_forget_bias": 3,
        "output_dropout": 0.0,
    }
    return Config({**given, **changes})


def numbers(tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    """As JSON holds them."""
    return {name: tensor.detach().numpy().tolist() for name, tensor in tensors.items()}


def lstm(series: torch.Tensor, site: torch.Tensor) -> dict[str, Any]:
    """torch.nn.LSTM over forcings and attributes side by side."""
    network = torch.nn.LSTM(len(FORCINGS) + len(ATTRIBUTES), HIDDEN).double()
    hidden, (_, cell) = network(torch.cat([series, site.expand(DAYS, -1, -1)], -1))
    return numbers({**network.state_dict(), "hidden": hidden, "cell": cell[0]})


def ea_lstm(series: torch.Tensor, site: torch.Tensor) -> dict[str, Any]:
    """EALSTM of neuralhydrology; its gates stand in the order f, o, g."""
    network = EALSTM(config("ealstm")).double()
    for weight in network.parameters():  # its recurrent weights start as identities, which would hide a wrong order
        weight.data += 0.3 * torch.randn_like(weight)
    by_name = {name: series[..., [i]].transpose(0, 1) for i, name in enumerate(FORCINGS)}
    found = network({"x_d": by_name, "x_s": site})
    return numbers({**network.state_dict(), "hidden": found["h_n"].transpose(0, 1), "output": found["y_hat"][..., 0].T})


def mc_lstm(series: torch.Tensor, site: torch.Tensor, mass: torch.Tensor) -> dict[str, Any]:
    """MCLSTM of neuralhydrology; its gates read the mass first, then forcings, attributes and cells."""
    changes = {"mass_inputs": ["mass"], "initial_forget_bias": -3}
    network = MCLSTM(config("mclstm", **changes)).double()
    network.mclstm.redistribution.fc.bias.data += 1.0
    leaving, cells = [], []
    for one in range(SITES):
        by_name = {name: series[:, [one], i : i + 1].transpose(0, 1) for i, name in enumerate(FORCINGS)}
        found = network({"x_d": {**by_name, "mass": mass[:, one][None, :, None]}, "x_s": site[[one]]})
        leaving.append(found["m_out"][0])
        cells.append(found["c"][0, -1])
    return numbers({**network.state_dict(), "leaving": torch.stack(leaving, 1), "cells": torch.stack(cells)})


def main() -> None:
    """Write inputs, weights and outputs."""
    torch.manual_seed(0)
    series, site = torch.randn(DAYS, SITES, len(FORCINGS)).double(), torch.randn(SITES, len(ATTRIBUTES)).double()
    mass = torch.relu(3 * torch.randn(DAYS, SITES).double())
    content = {
        "made_by": "benchmarks/network_references.py",
        **numbers({"series": series, "site": site, "mass": mass}),
        "lstm": lstm(series, site),
        "ea_lstm": ea_lstm(series, site),
        "mc_lstm": mc_lstm(series, site, mass),
    }
    Path(sys.argv[1]).write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
