"""`strikebox worker`."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from strikebox.cli import cluster_options, site_options

if TYPE_CHECKING:
    from strikebox.site.settings import Settings
    from strikebox.worker.parts import Check, Enlarge, Parts, Seal


def worker(
    config: site_options.Config = None,
    recipe: site_options.Recipe = None,
    ray: cluster_options.Ray = None,
    least: Annotated[int, typer.Option("--min", min=0, help="With --ray: workers at least.")] = 1,
    most: Annotated[
        int | None, typer.Option("--max", min=1, help="With --ray: workers at most. Default: as many as fit.")
    ] = None,
    cpus_per_actor: cluster_options.CpusPerActor = 1,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Make the pictures that a site's visitors order, in a process of its own; ctrl-C ends it in order.

    With --ray it makes none itself but keeps workers on the nodes of a cluster, as many as the queue needs.
    """
    settings = site_options.settings(config, recipe)
    if ray is not None:
        _keep(settings, ray, least, most, cpus_per_actor)
        return
    from strikebox.site import logs
    from strikebox.site.context import open_site
    from strikebox.worker.loop import Worker
    from strikebox.worker.pulse import Pulse

    pulse = Pulse.inherited()
    site = open_site(settings)
    logs.set_up()
    one = Worker(
        site,
        _parts(settings),
        still_wanted=lambda: parent is None or os.getppid() == parent,
        pulse=pulse,
    )

    def leave(_number: int, _frame: object) -> None:
        one.drain()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    one.run()
    site.close()


def _keep(settings: "Settings", address: str, least: int, most: int | None, cpus: int) -> None:
    """Workers on a cluster, until a signal."""
    import threading

    from strikebox.cluster.joining import joined
    from strikebox.cluster.keeper import Keeper
    from strikebox.cluster.pool import needs, room
    from strikebox.errors import SettingsError
    from strikebox.site import logs
    from strikebox.site.context import open_site
    from strikebox.site.scaling import Scale
    from strikebox.worker.remote import crew_of

    if most is not None and least > most:
        raise SettingsError(f"--min {least} is above --max {most}; give a smaller --min")
    site = open_site(settings)
    logs.set_up()
    leaving = threading.Event()

    def leave(_number: int, _frame: object) -> None:
        leaving.set()

    with joined(address) as ray:
        asked = needs(ray.cluster_resources(), cpus, gpu=settings.model.device != "cpu")
        scale = Scale(least, max(least, most or room(ray.cluster_resources(), asked)))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, leave)
        Keeper(ray, site, crew_of(settings), asked, scale).run(leaving)
    site.close()


def _parts(settings: "Settings") -> "Parts":
    from strikebox import api
    from strikebox.klein.device import pick_device
    from strikebox.worker.parts import Parts
    from strikebox.worker.pulse import WARMING

    chosen = settings.model
    check, ready = _check(settings)
    return Parts(
        backend=api.load_backend(
            chosen.model, chosen.lora, device=chosen.device, dtype=chosen.dtype, speed=chosen.speed
        ),
        device=str(pick_device(chosen.device)),
        style=chosen.style or api.style_of(chosen.model, chosen.lora),
        check=check,
        ready=ready,
        seal=_seal(settings),
        enlarge=_enlarge(settings),
        warming=WARMING,
    )


def _check(settings: "Settings") -> "tuple[Check | None, Callable[[], None]]":
    """What looks at pictures, loading while the weights do; and what waits until it has."""
    from concurrent.futures import ThreadPoolExecutor

    from strikebox.extractors.picture_checks import PictureChecks
    from strikebox.site.moderation.picture import Check

    asked = settings.moderation
    if not (asked.classifier or asked.leak or asked.lettering):
        return None, lambda: None
    check = Check(
        PictureChecks(
            classifier=asked.classifier,
            leak=asked.leak,
            lettering=asked.lettering,
            training=asked.training or _embedded(settings, "labels/train"),
            held_out=asked.held_out or _embedded(settings, "labels/held-out"),
            cache=settings.storage.folder / "checks",
            language=asked.script,
        )
    )
    # Its process inherits this: ctrl-C is for us alone. The worker sets its own handler when all is loaded.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    loading = ThreadPoolExecutor(1, "checks").submit(check.start)

    def ready() -> None:
        loading.result()

    return check, ready


def _embedded(settings: "Settings", name: str) -> Path | None:
    """What comes with the embedded LoRA, where that is the one."""
    from strikebox import api

    embedded = settings.model.model is None and settings.model.lora is None
    return api.embedded(name) if embedded else None


def _seal(settings: "Settings") -> "Seal":
    from strikebox.site import provenance

    asked = settings.provenance
    return provenance.Seal.open(
        settings.storage.folder / "provenance",
        site=settings.site.title,
        chain=asked.certificate,
        key=asked.key,
        marks=asked.watermark,
    )


def _enlarge(settings: "Settings") -> "Enlarge | None":
    """None where what enlarges is not installed: pictures are made all the same."""
    import logging

    from strikebox.errors import ModelError
    from strikebox.klein.device import pick_device

    try:
        if pick_device(settings.model.device).type == "cuda":
            from strikebox.klein.upscale import TorchUpscaler

            return TorchUpscaler(settings.model.device)
        from strikebox.upscaling.processor import ProcessorUpscaler

        return ProcessorUpscaler()
    except ModelError as error:
        logging.getLogger(__name__).warning("pictures of the hall are not enlarged: %s", error)
        return None
