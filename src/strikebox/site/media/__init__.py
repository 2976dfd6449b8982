"""Files of pictures, each named by the SHA-256 of its bytes: in a folder, or on a store of objects.

Files are written before the rows that name them: what no row names is left over from a worker that died, and
swept when it is old enough not to belong to one that lives.
"""

from strikebox.site.media.contract import SHARDS, Media
from strikebox.site.media.folder import Folder
from strikebox.site.media.opening import open_media
from strikebox.site.media.sweeping import ORPHAN_AGE, orphans, sweep

__all__ = ["ORPHAN_AGE", "SHARDS", "Folder", "Media", "open_media", "orphans", "sweep"]
