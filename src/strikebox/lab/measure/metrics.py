"""All that is measured of a run, as the report declares it."""

from strikebox.metrics import anatomy, collapse, copying, handoff, leakage, lettering, style
from strikebox.metrics.features import Metric

METRICS: tuple[Metric, ...] = (
    style.METRIC,
    anatomy.WHOLE,
    anatomy.NAMED,
    anatomy.MARGIN,
    anatomy.NOISE,
    leakage.METRIC,
    copying.METRIC,
    lettering.LETTERING,
    lettering.TEXT_AREA,
    lettering.TEXT_OVERLAP,
    collapse.EFFECTIVE_PICTURES,
    collapse.SEED_LOCK,
    collapse.GLOBAL_COLLAPSE,
    handoff.OWN_PASS,
    handoff.CONTROL,
)
