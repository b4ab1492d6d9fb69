"""Where what costs time to make is kept for later runs; all of it may be deleted at any time."""

from __future__ import annotations

import os
from pathlib import Path


def user_cache(name: str) -> Path | None:
    """The folder called `name` in the user's cache, which need not be there; None where there is no home folder."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "warpsmith" / name
    except RuntimeError:
        return None
