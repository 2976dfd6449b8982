"""The admin pages, put together."""

from fastapi import FastAPI

from strikebox.site.admin import curation, house, login, moderation
from strikebox.site.admin.parts import Parts
from strikebox.site.admin.session import Sessions
from strikebox.site.context import Site
from strikebox.site.templates_env import Templates


def install(app: FastAPI, site: Site, templates: Templates) -> None:
    """Put the pages under /admin. Raises SettingsError on a password hash that is none."""
    app.state.sessions = Sessions.of(site.settings, site.secret)
    parts = Parts(site=site, templates=templates)
    for part in (login, house, moderation, curation):
        app.include_router(part.router(parts))
