"""dgeo: differentiable geoscientific modelling in JAX."""
