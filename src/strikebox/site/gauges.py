"""How the site stands, read from the database whenever Prometheus asks. What cannot be read is left out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import quantiles
from typing import final

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from strikebox.errors import StrikeboxError
from strikebox.jobs.job import FINAL, State
from strikebox.site.context import Site
from strikebox.site.pictures import PictureState
from strikebox.site.remembered import Remembered

_STATES: tuple[State, ...] = ("waiting", "running", *FINAL)
_COUNTED = 60.0  # seconds for which what takes long to count is as it was
_FEWEST = 10  # judged estimates that quantiles are taken of


@final
@dataclass(frozen=True, slots=True)
class Gauges(Collector):
    """The gauges of one site."""

    site: Site
    pictures: Remembered[dict[PictureState, int]]
    votes: Remembered[int]

    @classmethod
    def of(cls, site: Site) -> CollectorRegistry:
        registry = CollectorRegistry(auto_describe=False)
        counted = Remembered(site.pictures.counts, _COUNTED), Remembered(site.votes.total, _COUNTED)
        registry.register(cls(site, *counted))
        return registry

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing: registering must not read the database."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All gauges; where the database fails, only that it does."""
        readers = (self._jobs, self._pictures, self._budget, self._people, self._workers, self._estimates)
        try:
            found = [family for read in readers for family in read()]
        except StrikeboxError:
            found = []
        yield _gauge("database_up", "Whether the database can be read", float(bool(found)))
        yield from found

    def _jobs(self) -> Iterator[GaugeMetricFamily]:
        counts = self.site.queue.count()
        family = GaugeMetricFamily("strikebox_jobs", "Jobs by state", labels=["state"])
        for state in _STATES:
            family.add_metric([state], counts.get(state, 0))
        yield family

    def _pictures(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily("strikebox_pictures", "Pictures by state", labels=["state"])
        for state, number in self.pictures().items():
            family.add_metric([state], number)
        yield family

    def _budget(self) -> Iterator[GaugeMetricFamily]:
        today = self.site.budget.today()
        family = GaugeMetricFamily("strikebox_budget_dollars", "The day's money", labels=["part"])
        for part in ("limit", "spent", "reserved", "left"):
            family.add_metric([part], getattr(today, part))
        yield family

    def _people(self) -> Iterator[GaugeMetricFamily]:
        yield _gauge("reports_open", "Reports that nobody closed", self.site.reports.count_open())
        yield _gauge("votes", "Votes that stand", self.votes())

    def _workers(self) -> Iterator[GaugeMetricFamily]:
        alive = self.site.workers.alive()
        yield _gauge("workers", "Workers that were heard of lately", len(alive))
        yield _gauge("workers_busy", "Jobs in their hands", sum(worker.busy for worker in alive))
        stuck = len(self.site.workers.stuck())
        yield _gauge("workers_stuck", "Workers that cannot be ended: their devices are out of service", stuck)

    def _estimates(self) -> Iterator[GaugeMetricFamily]:
        """How wrong the time left was that visitors were told when they ordered."""
        judged = self.site.waiting.errors()
        yield _gauge("estimates_judged", "Latest estimates of waiting that can be judged", len(judged))
        if len(judged) < _FEWEST:
            return
        yield _quantiles(
            "estimate_error_seconds",
            "Seconds between the wait that was estimated and the wait that was",
            [abs(said - was) for said, was in judged],
        )
        yield _quantiles(
            "estimate_error_ratio",
            "The same, as a share of the wait that was",
            [abs(said - was) / was for said, was in judged if was > 0],
        )


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"strikebox_{name}", text, value)


def _quantiles(name: str, text: str, values: list[float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"strikebox_{name}", text, labels=["quantile"])
    if len(values) >= _FEWEST:
        tenths = quantiles(values, n=10)
        family.add_metric(["0.5"], tenths[4])
        family.add_metric(["0.9"], tenths[8])
    return family
