"""The queue: jobs as rows that workers lease. One schema, on SQLite and on PostgreSQL.

A worker may die at any time. What it leased is leased again when the lease runs out, under a higher fence,
and who comes back with the old one is told that the job is not its own any more.
"""

from strikebox.jobs.database import Database
from strikebox.jobs.job import Job, Request, State
from strikebox.jobs.notices import Notices
from strikebox.jobs.queue import Queue

__all__ = ["Database", "Job", "Notices", "Queue", "Request", "State"]
