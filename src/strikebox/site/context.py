"""Everything that the app holds, put together once."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from strikebox import files
from strikebox.errors import PromptRefused, StoreError
from strikebox.jobs import Database, Notices, Queue
from strikebox.recipe import Recipe
from strikebox.site import served_recipes
from strikebox.site.api_keys import ApiKeys
from strikebox.site.budget import Budget
from strikebox.site.hall import Hall
from strikebox.site.log import Log
from strikebox.site.media import Media, open_media
from strikebox.site.moderation.prompts import PromptRules
from strikebox.site.orders import Orders, PromptRule
from strikebox.site.pictures import Pictures
from strikebox.site.pricing import Pricing
from strikebox.site.progress import ProgressReader
from strikebox.site.reports import Reports
from strikebox.site.serving import served_recipe
from strikebox.site.settings import Settings
from strikebox.site.votes import Votes
from strikebox.site.waiting import Waiting
from strikebox.site.workers import Workers

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The parts of one site. `open_site` puts them together."""

    settings: Settings
    recipe: Recipe  # that is served
    secret: bytes  # signs cookies
    database: Database
    notices: Notices  # what other processes did
    queue: Queue
    media: Media
    pictures: Pictures
    orders: Orders
    pricing: Pricing
    budget: Budget
    waiting: Waiting
    progress: ProgressReader
    votes: Votes
    reports: Reports
    hall: Hall
    log: Log
    api_keys: ApiKeys
    workers: Workers

    def close(self) -> None:
        self.notices.close()
        self.database.close()


def open_site(settings: Settings) -> Site:
    """The site of a configuration; folder, database and secret are made where they are missing.

    Raises SettingsError, RecipeError, StoreError or JobsError.
    """
    recipe = served_recipe(settings.recipe)
    folder = settings.storage.folder
    files.make_folder(folder)
    database = Database(settings.database)
    with database.writing() as connection:
        served_recipes.remember(connection, recipe)
    return _put_together(settings, recipe, database, _rule(settings))


def _put_together(settings: Settings, recipe: Recipe, database: Database, rule: PromptRule) -> Site:
    money = settings.budget
    queue, log = Queue(database), Log(database)
    budget = Budget(database, money.dollars_per_day, money.time_zone)
    pricing = Pricing(dollars_per_hour=money.dollars_per_hour, first_guess=money.first_guess)
    waiting = Waiting(database, settings.model.batch)
    return Site(
        settings=settings,
        recipe=recipe,
        secret=_secret(settings.site.secret_file or settings.storage.folder / "secret"),
        database=database,
        notices=Notices(database),
        queue=queue,
        media=open_media(settings.pictures),
        pictures=Pictures(database),
        orders=Orders(database, queue, budget, pricing, waiting, settings.limits, recipe, rule),
        pricing=pricing,
        budget=budget,
        waiting=waiting,
        progress=ProgressReader(database, waiting),
        votes=Votes(database),
        reports=Reports(database, log),
        hall=Hall(database, queue, budget, pricing, log),
        log=log,
        api_keys=ApiKeys(database),
        workers=Workers(database),
    )


def _rule(settings: Settings) -> PromptRule:
    """Refuses what the word lists refuse. Raises ModerationError where a list cannot be read."""
    rules = PromptRules.read(settings.moderation.lists, settings.moderation.languages)

    def refuse(subject: str) -> None:
        if (refusal := rules.check(subject)) is not None:
            raise PromptRefused(refusal.reason("en"), refusal.reasons)

    return refuse


def _secret(path: Path) -> bytes:
    """The bytes in `path`, made where they are missing. Raises StoreError where they are too few."""
    if not path.exists():
        files.make_folder(path.parent)
        files.write(path, secrets.token_bytes(_SECRET_BYTES))
        path.chmod(0o600)
    secret = files.read(path)
    if len(secret) < _SECRET_BYTES:
        raise StoreError(f"{path}: holds {len(secret)} bytes; put at least {_SECRET_BYTES} random ones there")
    return secret
