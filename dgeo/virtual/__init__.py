"""Virtual basins, whose truth is known, and scores of what a model learned without being shown."""

from dgeo.virtual.law_scores import fitted_textbook, law_score, truth_visits
from dgeo.virtual.laws import HIDDEN_LAWS, hidden_laws
from dgeo.virtual.products import ERRORS, ProductErrors, Products, products, some_products
from dgeo.virtual.scores import hidden_scores, recovery
from dgeo.virtual.weighting import optimal_weights
from dgeo.virtual.world import VirtualWorld, also_observed, basins

__all__ = [
    "ERRORS",
    "HIDDEN_LAWS",
    "ProductErrors",
    "Products",
    "VirtualWorld",
    "also_observed",
    "basins",
    "fitted_textbook",
    "hidden_laws",
    "hidden_scores",
    "law_score",
    "optimal_weights",
    "products",
    "recovery",
    "some_products",
    "truth_visits",
]
