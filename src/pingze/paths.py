"""Find the folders where pingze stores files: the user's cache and data folders, or those in `$PINGZE_HOME`."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Return the folder for files that can be fetched again: the corpus archive. The folder may not exist yet."""
    return _under_home("cache") or platformdirs.user_cache_path("pingze", appauthor=False)


def data_folder() -> Path:
    """Return the folder for files that were built: the cleaned corpus and its index. The folder may not exist yet."""
    return _under_home("data") or platformdirs.user_data_path("pingze", appauthor=False)


def _under_home(name: str) -> Path | None:
    home = os.environ.get("PINGZE_HOME")
    return Path(home).expanduser() / name if home else None
