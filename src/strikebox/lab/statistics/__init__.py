"""Estimates with intervals, paired contrasts, equivalence and rates, all clustered by subject."""

from strikebox.lab.statistics.contrasts import Contrast, adjusted, compare, contrast
from strikebox.lab.statistics.equivalence import Equivalence, equivalence
from strikebox.lab.statistics.intervals import Mean, mean
from strikebox.lab.statistics.multiplicity import clusters_needed, holm
from strikebox.lab.statistics.rates import Rate, clopper_pearson, rate, rate_contrast, upper_bound, wilson
from strikebox.lab.statistics.signflips import smallest_p
from strikebox.lab.statistics.values import Cell, Flags, Values

__all__ = [
    "Cell",
    "Contrast",
    "Equivalence",
    "Flags",
    "Mean",
    "Rate",
    "Values",
    "adjusted",
    "clopper_pearson",
    "clusters_needed",
    "compare",
    "contrast",
    "equivalence",
    "holm",
    "mean",
    "rate",
    "rate_contrast",
    "smallest_p",
    "upper_bound",
    "wilson",
]
