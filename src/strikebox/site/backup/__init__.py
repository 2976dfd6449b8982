"""A site as a folder that can be carried elsewhere: rows as of one moment, pictures, and what signs for them.

    manifest.json              what is here, as of when; written last
    database-<hash>.sqlite     or .dump, as pg_dump writes it
    pictures-<hash>.txt        names of the files that the rows need, in order
    media/                     those files, as the site has them
    secret, provenance/        keep the folder as secret as the site itself

Rows are copied before files: a file that a row names was there before the row.
"""

from strikebox.site.backup.making import Made, back_up
from strikebox.site.backup.restoring import Restored, restore

__all__ = ["Made", "Restored", "back_up", "restore"]
