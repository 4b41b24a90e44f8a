"""GR4J in plain Python, straight from the equations of Perrin, Michel & Andréassian (2003)."""

from math import ceil, tanh


def slow_curve(t, x4):
    """SH1: the share of the slow branch that has arrived by the time t."""
    return 0.0 if t <= 0 else (t / x4) ** 2.5 if t < x4 else 1.0


def quick_curve(t, x4):
    """SH2, for the quick branch."""
    if t <= 0:
        return 0.0
    if t <= x4:
        return 0.5 * (t / x4) ** 2.5
    return 1 - 0.5 * (2 - t / x4) ** 2.5 if t < 2 * x4 else 1.0


def ordinates(curve, x4, days):
    """The differences of an S-curve from day to day."""
    return [curve(j, x4) - curve(j - 1, x4) for j in range(1, days + 1)]


def run(rain, demand, x1, x2, x3, x4, s, r):
    """Fluxes of every day [mm]: the unit hydrographs as sums over the effective rain of all days before."""
    slow, quick = ordinates(slow_curve, x4, ceil(x4)), ordinates(quick_curve, x4, ceil(2 * x4))
    effective: list[float] = []
    found: dict[str, list[float]] = {"evapotranspiration": [], "slow_outflow": [], "routed_flow": [], "quick_flow": []}
    for p, e in zip(rain, demand, strict=True):
        ps = es = 0.0
        if p >= e:
            w = tanh((p - e) / x1)
            ps = x1 * (1 - (s / x1) ** 2) * w / (1 + s / x1 * w)
        else:
            w = tanh((e - p) / x1)
            es = s * (2 - s / x1) * w / (1 + (1 - s / x1) * w)
        s = s - es + ps
        percolation = s * (1 - (1 + (4 / 9 * s / x1) ** 4) ** -0.25)
        s -= percolation
        effective.append(percolation + max(p - e, 0.0) - ps)
        q9 = 0.9 * sum(u * pr for u, pr in zip(slow, effective[::-1], strict=False))
        q1 = 0.1 * sum(u * pr for u, pr in zip(quick, effective[::-1], strict=False))
        f = x2 * (r / x3) ** 3.5
        r = max(0.0, r + q9 + f)
        qr = r * (1 - (1 + (r / x3) ** 4) ** -0.25)
        r -= qr
        for name, value in zip(found, (min(p, e) + es, q9, qr, max(0.0, q1 + f)), strict=True):
            found[name].append(value)
    return found
