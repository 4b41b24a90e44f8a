"""Net photosynthesis of a leaf from the CO2 within it: C3 by Farquhar, von Caemmerer and Berry, and C4.

    C3   A = (C − Γ*)·min(Vcmax/(C + Km), J/(4C + 8Γ*)) − Rd,    Km = Kc·(1 + O/Ko),    and at most 3·TPU − Rd
    C4   A = min(P + L − Rm, Vcmax − Rd, x·J/2 + L − Rm, (1 − x)·J/3 − Rd),    P = Vpmax·C/(C + Kp),  L = gbs·C
    both θ·J² − (α·Q + Jmax)·J + α·Q·Jmax = 0, the smaller root

| symbol | meaning | unit |
|---|---|---|
| A | net assimilation | µmol m⁻² s⁻¹ |
| C | CO2 within the leaf | µmol mol⁻¹ |
| Q | photons that fall on the leaf | µmol m⁻² s⁻¹ |
| J, Jmax | electron transport, the most of it | µmol m⁻² s⁻¹ |
| Vcmax, Vpmax | most carboxylation by Rubisco, by PEP carboxylase | µmol m⁻² s⁻¹ |
| TPU | use of triose phosphate | µmol m⁻² s⁻¹ |
| Rd, Rm | respiration by day; of the mesophyll, Rd/2 | µmol m⁻² s⁻¹ |
| Γ* | CO2 at which photorespiration takes what is fixed | µmol mol⁻¹ |
| Kc, Kp | Michaelis constants for CO2, of Rubisco, of PEP carboxylase | µmol mol⁻¹ |
| Ko, O | Michaelis constant for oxygen, oxygen (210) | mmol mol⁻¹ |
| α, θ | quantum yield of electron transport, curvature | 1 |
| gbs | conductance of the bundle sheath, 0.003 | mol m⁻² s⁻¹ |
| x | share of electrons that goes into the C4 cycle, 0.4 | 1 |

The C3 minimum is taken of the rates of carboxylation, as in the original, so that it stays right below Γ*. C4 is the
simplified form for a tight bundle sheath.

C3: Farquhar et al. (1980), doi:10.1007/BF00386231, constants of Bernacchi et al. (2001),
doi:10.1111/j.1365-3040.2001.00668.x. C4: von Caemmerer (2000), Biochemical models of leaf photosynthesis,
doi:10.1071/9780643103405, chapter 4; constants of von Caemmerer (2021), doi:10.1093/jxb/erab266.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from dgeo.numerics import HARD, Thresholds
from dgeo.physics.arrhenius import arrhenius

Scalar = Float[Array, ""]

OXYGEN = 210.0  # [mmol mol-1]
COMPENSATION, KC, KO = 42.75, 404.9, 278.4  # at 25 °C [µmol mol-1], the last [mmol mol-1]
COMPENSATION_ENERGY, KC_ENERGY, KO_ENERGY = 37830.0, 79430.0, 36380.0  # [J mol-1]
KP, KP_ENERGY, PEP_ENERGY = 82.0, 38300.0, 50100.0  # [µmol mol-1], [J mol-1]
SHEATH_CONDUCTANCE = 0.003  # [mol m-2 s-1]
C4_SHARE = 0.4


def electron_transport(photons: Scalar, most: Scalar, quantum_yield: Scalar, curvature: Scalar) -> Scalar:
    """Electron transport J [µmol m-2 s-1] from photons [µmol m-2 s-1]; 0 in the dark, and where there is no Jmax."""
    caught = quantum_yield * jnp.maximum(photons, 0)
    total = caught + most
    dark = total <= 0
    root = jnp.sqrt(jnp.where(dark, 1.0, total**2 - 4 * curvature * caught * most))
    return 2 * caught * most / (jnp.where(dark, 1.0, total) + root)


def compensation_point(temperature: Scalar) -> Scalar:
    """Γ*, the CO2 [µmol mol-1] without net fixation but for respiration, at a temperature [degC]."""
    return COMPENSATION * arrhenius(temperature, activation=COMPENSATION_ENERGY)


def michaelis_constant(temperature: Scalar) -> Scalar:
    """Km of Rubisco in air [µmol mol-1] at a temperature [degC]."""
    carbon = KC * arrhenius(temperature, activation=KC_ENERGY)
    return carbon * (1 + OXYGEN / (KO * arrhenius(temperature, activation=KO_ENERGY)))


def c3(
    intercellular_co2: Scalar,
    leaf_temperature: Scalar,
    carboxylation: Scalar,
    electron_transport: Scalar,
    respiration: Scalar,
    *,
    thresholds: Thresholds = HARD,
) -> Scalar:
    """Net assimilation of a C3 leaf [µmol m-2 s-1]: the lesser of what Rubisco and what light allows.

    From the CO2 in it [µmol mol-1], temperature [degC], and Vcmax, J and Rd at that temperature [µmol m-2 s-1].
    """
    point, half = compensation_point(leaf_temperature), michaelis_constant(leaf_temperature)
    by_rubisco = carboxylation / (intercellular_co2 + half)
    by_light = electron_transport / (4 * intercellular_co2 + 8 * point)
    return (intercellular_co2 - point) * thresholds.minimum(by_rubisco, by_light) - respiration


def c3_with_triose_phosphate(
    intercellular_co2: Scalar,
    leaf_temperature: Scalar,
    carboxylation: Scalar,
    electron_transport: Scalar,
    respiration: Scalar,
    triose_phosphate_use: Scalar,
    *,
    thresholds: Thresholds = HARD,
) -> Scalar:
    """As `c3`, and no more than the leaf can turn into sugar: 3·TPU less respiration [µmol m-2 s-1]."""
    free = c3(
        intercellular_co2,
        leaf_temperature,
        carboxylation,
        electron_transport,
        jnp.zeros_like(respiration),
        thresholds=thresholds,
    )
    return thresholds.minimum(free, 3 * triose_phosphate_use) - respiration


def c4(
    intercellular_co2: Scalar,
    leaf_temperature: Scalar,
    carboxylation: Scalar,
    pep_carboxylation_25: Scalar,
    electron_transport: Scalar,
    respiration: Scalar,
    *,
    thresholds: Thresholds = HARD,
) -> Scalar:
    """Net assimilation of a C4 leaf [µmol m-2 s-1].

    From the CO2 in it [µmol mol-1], temperature [degC], Vcmax, J and Rd at that temperature and Vpmax at 25 °C
    [µmol m-2 s-1]. Gross rates are compared, so that all are positive where thresholds are rounded.
    """
    leak = SHEATH_CONDUCTANCE * intercellular_co2 + respiration / 2
    most = pep_carboxylation_25 * arrhenius(leaf_temperature, activation=PEP_ENERGY)
    half = KP * arrhenius(leaf_temperature, activation=KP_ENERGY)
    by_pep = most * intercellular_co2 / (intercellular_co2 + half) + leak
    by_light = C4_SHARE / 2 * electron_transport + leak
    sheath = thresholds.minimum(carboxylation, (1 - C4_SHARE) / 3 * electron_transport)
    return thresholds.minimum(thresholds.minimum(by_pep, by_light), sheath) - respiration
