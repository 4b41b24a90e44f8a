"""What a hybrid model is given, and how a network's output is cut into named parameters."""

from dataclasses import dataclass

import equinox as eqx
from jaxtyping import Array, Float, Int

from dgeo.models import Values


class Inputs(eqx.Module):
    """One array per variable: forcings [time, site], attributes [site], and the place of each site in the training set.

    `index` is read by tables, which hold one number per training site, and by draws of a site's own; leave it out for
    sites never seen.
    """

    forcing: Values
    attributes: Values
    index: Int[Array, " site"] | None = None

    @property
    def sites(self) -> int:
        """The number of sites."""
        return next(iter(self.forcing.values())).shape[1]


@dataclass(frozen=True)
class Layout:
    """Which columns of a network's output belong to which parameter.

    First the parameters that differ between components, parameter by parameter, each with its components side by side;
    then those that a site has once (routing).
    """

    components: int
    per_component: tuple[str, ...]
    per_site: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The number of columns."""
        return self.components * len(self.per_component) + len(self.per_site)

    def split(self, columns: Float[Array, "*shape column"]) -> Values:
        """Columns → {name: [..., component]} and {name: [...]}."""
        wide = self.components * len(self.per_component)
        shape = columns.shape[:-1]
        blocks = columns[..., :wide].reshape(*shape, len(self.per_component), self.components)
        named = {name: blocks[..., i, :] for i, name in enumerate(self.per_component)}
        return named | {name: columns[..., wide + i] for i, name in enumerate(self.per_site)}
