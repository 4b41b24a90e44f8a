"""All checks of one function's gradients in one call."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import jax

from dgeo.check.gradient_points import Draw, drawn, generator, real_arrays
from dgeo.check.gradient_report import Report
from dgeo.check.gradient_run import DEFAULT, TRANSFORMATIONS, Run, Tolerances


def gradients(
    function: Callable[..., Any],
    inputs: Mapping[str, Any] | tuple[Any, ...] | Draw,
    *,
    key: jax.Array,
    name: str | None = None,
    nasty: Mapping[str, Any] | None = None,
    closed_form: Callable[..., Any] | None = None,
    analytic: bool = False,
    dead: Collection[str] = (),
    points: int = 2,
    transformations: Collection[str] = TRANSFORMATIONS,
    kinks: bool = True,
    tolerances: Tolerances = DEFAULT,
) -> Report:
    """Check the gradients of any function of arrays.

    ```python
    report = check.gradients(melt, {"temperature": Bounds(-10, 10), "factor": Bounds(1, 6)}, key=jax.random.key(0))
    rich.print(report.table())
    report.require()
    ```

    **Arguments**

    - `function`: any JAX function; what it captures is not checked, so give weights as inputs.
    - `inputs`: its arguments by name, or a tuple of them in order. Each is a tree of floating-point arrays, about which
      random points are drawn (×e^{0.3·N(0, 1)}), or of `Bounds`, within which a number is drawn. Or a function
      from a `numpy.random.Generator` to such arguments.
    - `key`: random numbers.
    - `nasty`: further points by name, where derivatives must be finite and on one side of a kink: zeros, thresholds,
      empty stores.
    - `closed_form`: called like `function`, gives the derivative of the sum of all outputs, like the inputs.
    - `analytic`: whether the function means the same for complex numbers (it has no `abs`); then its derivative is also
      compared with the complex step, unless it refuses them.
    - `dead`: names of inputs (`"weights/0"`), of which the derivative is meant to be zero everywhere.
    - `points`: how many random points; `transformations`: which to compare with the plain compiled gradient, each a
      compilation more; `tolerances`: what errors may be.
    - `kinks`: whether derivatives at the nasty points must be one-sided ones. Where two kinks meet, as they do in a
      whole model, automatic differentiation may match neither side of their composition: then False.

    **Returns** a `Report`: `.passed`, `.table()`, `.to_json()`, `.require()`. Computes in float64 and float32 whatever
    the precision of the session.

    **Raises** `DgeoError` for inputs without derivatives, a function that cannot be traced or differentiated backwards
    or gives no floats, a nasty point of another shape, and a name in `dead` that there is not.
    """
    what = name or str(getattr(function, "__name__", type(function).__name__))
    random = generator(key)
    draw = inputs if callable(inputs) else _draw_about(real_arrays(what, inputs))
    run = Run(what, function, draw, random, points, tolerances)
    for place, point in (nasty or {}).items():
        run.add_nasty(place, point)
    run.exactness(closed_form, analytic)
    run.transformed(transformations)
    run.nastiness(kinks)
    run.liveness(dead)
    run.cost()
    return Report(tuple(run.rows))


def _draw_about(inputs: Any) -> Draw:
    return lambda random: drawn(inputs, random)
