"""One command for one LoRA: checklist, a run over its scales, a certificate, and what it memorised."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from strikebox import api, files
from strikebox.generation.backend import Backend
from strikebox.generation.render import Progress
from strikebox.lab import audit as audits
from strikebox.lab import checklist, memorised, report
from strikebox.lab.audit import Audit
from strikebox.lab.checklist import Evidence
from strikebox.lab.design import Design
from strikebox.lab.measure import OnProgress
from strikebox.lab.memorised import Memorised
from strikebox.lab.run import Run
from strikebox.lab.verdict import Verdict
from strikebox.measuring import evidence, runs
from strikebox.measuring.evidence import Sources, Watch
from strikebox.measuring.runs import Options

PAGE, FACTS = "audit.html", "audit.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How thorough an audit is, and on what it runs."""

    subjects: tuple[str, ...] = ()  # empty: what the dataset says that its pictures show
    share: float = 0.05  # to be certified: at most so many pictures repeat a training picture
    white_box: bool = True  # compare the model's losses on training and on held-out pictures
    judge: str | None = None  # a CLIP, SigLIP or dual encoder that knows the subjects
    device: str = "auto"
    dtype: str = "auto"
    batch_size: int = 8
    dollars_per_hour: float | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """An audit, and where it lies."""

    evidence: Evidence
    audit: Audit
    verdict: Verdict
    page: Path

    def facts(self) -> dict[str, object]:
        """What audit.json holds."""
        return {**self.audit.facts(), "recommended": self.verdict.recommendation.recipe}


def audit(sources: Sources, out: Path, cache: Path, settings: Settings, watch: Watch) -> Done:
    """Audit a LoRA; everything is kept in `out`, and what is there already is not made again.

    Writes audit.html, audit.json, and the runs in scales/ and certificate/. Raises StrikeboxError.
    """
    gathered = evidence.gather(sources, api.load_design("audit"), cache, watch)
    chosen = settings.subjects or audits.subjects(gathered.training)
    design = audits.scales(chosen, gathered.trigger)
    listed = checklist.check(gathered)
    lora = sources.file
    backend = api.load_backend(sources.model, lora, device=settings.device, dtype=settings.dtype)
    work = _Work(sources, out, settings, backend, watch)
    run = work.make(design, "scales")
    verdict, _ = runs.judge_run(run, work.options, work.watcher("measured"))
    certificates = work.certificates(audits.certifying(run, verdict, chosen, settings.share))
    remembered = work.memorised(gathered) if settings.white_box else None
    found = Audit(
        checklist=listed,
        certificates=certificates,
        memorised=remembered,
        missing=tuple(_missing(gathered, settings, bool(certificates))),
    )
    done = Done(gathered, found, verdict, out / PAGE)
    _write(run, done, settings)
    return done


@dataclass(frozen=True, slots=True)
class _Work:
    """What the parts of an audit share."""

    sources: Sources
    out: Path
    settings: Settings
    backend: Backend
    watch: Watch

    @property
    def options(self) -> Options:
        return Options(
            training=self.sources.training_folder,
            held_out=self.sources.held_out_folder,
            judge=self.settings.judge,
            language=self.sources.language,
            dollars_per_hour=self.settings.dollars_per_hour,
        )

    def make(self, design: Design, name: str) -> Run:
        settings = self.settings
        return api.ablate(
            design,
            self.out / name,
            backend=self.backend,
            settings={"dtype": api.precision(settings.device, settings.dtype)},
            spectrum=api.latent_spectrum(self.sources.model, design.size),
            batch_size=settings.batch_size,
            on_progress=_steps(self.watch(f"steps of {name}")),
        )

    def watcher(self, what: str) -> OnProgress:
        bars: dict[str, Callable[[int, int], None]] = {}

        def show(name: str, done: int, of: int) -> None:
            bars.setdefault(name, self.watch(f"pictures {what} by {name}"))(done, of)

        return show

    def certificates(self, design: Design) -> tuple[audits.Certificate, ...]:
        if self.sources.held_out is None:
            return ()
        run = self.make(design, "certificate")
        return audits.certificates(
            run,
            runs.load_instruments(run.model, self.options),
            runs.find_references(run.model, self.options),
            self.watcher("compared"),
        )

    def memorised(self, gathered: Evidence) -> Memorised:
        return memorised.look(
            self.backend,
            gathered.training,
            gathered.held_out,
            batch_size=self.settings.batch_size,
            prompt=gathered.trigger or "",
            on_progress=self.watch("losses of pictures"),
        )


def _steps(bar: Callable[[int, int], None]) -> Callable[[Progress], None]:
    return lambda progress: bar(progress.steps_done, progress.steps)


def _missing(gathered: Evidence, settings: Settings, certified: bool) -> list[str]:
    lines: list[str] = []
    if not certified:
        lines.append(
            "Nothing is certified: give 5 or more pictures of the style that the LoRA never saw (--held-out)."
        )
    if not settings.white_box:
        lines.append("Losses were not compared, as asked; leave --no-white-box out to see what is memorised.")
    if gathered.trigger is None:
        lines.append("The LoRA names no trigger words, so prompts had none; give them with --style.")
    return lines


def _write(run: Run, done: Done, settings: Settings) -> None:
    training = {picture.name: picture.path for picture in done.evidence.training.pictures}
    facts = json.dumps(done.facts(), ensure_ascii=False, indent=1) + "\n"
    files.write(done.page.with_name(FACTS), facts.encode())
    page = report.html(run, settings.dollars_per_hour, done.verdict, training, done.audit)
    files.write(done.page, page.encode())
