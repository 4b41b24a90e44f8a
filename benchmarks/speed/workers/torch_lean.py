"""An expert's torch: HBV's streamflow alone, static parameters, one compiled function for some days in a Python loop.

Days are unbound once, for `x[t]` in the loop costs a gradient of the whole series each time. Options: `days` of one
compiled call; `compile`.
"""

from hbv_parameters import BOUNDS, FORCINGS, INITIAL_STORAGE
from protocol import Implementation, options, problem, serve, versions
from torch_side import prepared

torch, NOTES = prepared()
DAYS = options().get("days", 1)


def step(state, precipitation, temperature, demand, parameters):
    beta, fc, k0, k1, k2, lp, perc, uzl, tt, cfmax, cfr, cwh = parameters
    snow, liquid, soil, upper, lower = state
    warmth = temperature - tt
    snowfall = precipitation * (warmth < 0)
    snow = snow + snowfall
    melt = torch.minimum(cfmax * torch.relu(warmth), snow)
    snow, liquid = snow - melt, liquid + melt
    frozen = torch.minimum(cfr * cfmax * torch.relu(-warmth), liquid)
    snow, liquid = snow + frozen, liquid - frozen
    released = torch.relu(liquid - cwh * snow)
    liquid = liquid - released
    water = precipitation - snowfall + released
    recharge = water * torch.clamp(torch.pow(soil / fc, beta), max=1.0)
    soil = soil + water - recharge
    excess = torch.relu(soil - fc)
    soil = soil - excess
    soil = soil - torch.minimum(demand * torch.clamp(soil / (lp * fc), max=1.0), soil)
    upper = upper + recharge + excess
    percolated = torch.minimum(perc, upper)
    upper, lower = upper - percolated, lower + percolated
    quick = k0 * torch.relu(upper - uzl)
    upper = upper - quick
    inter, base = k1 * upper, k2 * lower
    return (snow, liquid, soil, upper - inter, lower - base), quick + inter + base


def march(state, days, parameters):
    """Some days → the state after them and the flow of each."""
    flows = []
    for now in days:
        state, flow = step(state, *now, parameters)
        flows.append(flow)
    return state, flows


def prepare() -> Implementation:
    arrays = {name: torch.from_numpy(value) for name, value in problem().items()}
    raw = arrays["raw"].requires_grad_()
    series = zip(*(arrays[name][..., None].unbind(0) for name in FORCINGS), strict=True)
    days = list(series)
    parts = [days[i : i + DAYS] for i in range(0, len(days), DAYS)]
    compiled = torch.compile(march, fullgraph=True, dynamic=False) if options().get("compile", True) else march
    low, high = torch.tensor(list(BOUNDS.values())).T[..., None, None]

    def streamflow():
        parameters = (low + (high - low) * torch.sigmoid(raw)).unbind(0)
        state = (torch.full(raw.shape[1:], INITIAL_STORAGE),) * 5
        flows = []
        for part in parts:
            state, flow = compiled(state, part, parameters)
            flows += flow
        return torch.stack(flows).mean(-1)

    def loss():
        return torch.mean((streamflow() - arrays["target"]) ** 2)

    def forward():
        with torch.no_grad():
            return streamflow()

    def gradient():
        value = loss()
        return value.detach(), torch.autograd.grad(value, raw)[0]

    def result():
        return {**dict(zip(("loss", "gradient"), gradient(), strict=True)), "streamflow": forward()}

    works = {"forward": forward, "gradient": gradient}
    return Implementation(works, result, versions("torch"), {**NOTES, "days of one compiled call": str(DAYS)})


if __name__ == "__main__":
    serve(prepare)
