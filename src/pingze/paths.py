"""Where pingze keeps what it fetches and makes: the user's cache and data folders, or `$PINGZE_HOME`."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """The folder of what can be fetched again: the corpus archive. Not created here."""
    return _under_home("cache") or platformdirs.user_cache_path("pingze", appauthor=False)


def data_folder() -> Path:
    """The folder of what was built: the cleaned corpus and its index. Not created here."""
    return _under_home("data") or platformdirs.user_data_path("pingze", appauthor=False)


def _under_home(name: str) -> Path | None:
    home = os.environ.get("PINGZE_HOME")
    return Path(home).expanduser() / name if home else None
