"""torch: one optimiser step of an LSTM streamflow model, by `torch.nn.LSTM`."""

from protocol import Implementation, Unavailable, options, problem, serve, versions
from torch_side import prepared

torch, NOTES = prepared()
RATE = 1e-3


class Network(torch.nn.Module):
    """Linear layer, rectifier, LSTM, linear layer."""

    def __init__(self, arrays):
        super().__init__()
        hidden, inputs = arrays["encoder_weight"].shape
        self.encoder, self.decoder = torch.nn.Linear(inputs, hidden), torch.nn.Linear(hidden, 1)
        self.lstm = torch.nn.LSTM(hidden, hidden)
        inner = {"weight_ih_l0": arrays["input_weight"], "weight_hh_l0": arrays["hidden_weight"]}
        self.lstm.load_state_dict({**inner, "bias_ih_l0": arrays["bias"], "bias_hh_l0": 0 * arrays["bias"]})
        for name in ("encoder", "decoder"):
            weights = {part: arrays[f"{name}_{part}"] for part in ("weight", "bias")}
            getattr(self, name).load_state_dict(weights)

    def forward(self, series):
        return self.decoder(self.lstm(torch.relu(self.encoder(series)))[0])[..., 0]


def prepare() -> Implementation:
    device = "cuda" if options().get("gpu") else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise Unavailable("no GPU")
    torch.backends.cudnn.allow_tf32 = False  # whole single precision, as on dgeo's side
    arrays = {name: torch.from_numpy(value) for name, value in problem().items()}
    series, target = arrays["series"].to(device), arrays["target"].to(device)
    network = Network(arrays).to(device)
    optimiser = torch.optim.Adam(network.parameters(), RATE)

    def gradient():
        optimiser.zero_grad()
        value = torch.mean((network(series) - target) ** 2)
        value.backward()
        return value.detach()

    def step():
        gradient()
        optimiser.step()
        if device == "cuda":
            torch.cuda.synchronize()

    def result():
        value, lstm = gradient().cpu(), network.lstm
        slopes = {"gradient": lstm.weight_hh_l0.grad.cpu()[None], "gradient_input": lstm.weight_ih_l0.grad.cpu()[None]}
        return {"loss": value, **slopes}

    return Implementation({"step": step}, result, versions("torch"), NOTES)


if __name__ == "__main__":
    serve(prepare)
