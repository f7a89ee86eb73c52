"""Exchange models with a model hub by the package huggingface_hub.

docs/decisions/0016-huggingface-hub.md lists what the package does on its own account.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from pingze.errors import CheckpointError
from pingze.files import sha256_of
from pingze.messages import one_line

# The package reads these variables when it is imported. Without the second, it logs what it tries.
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_VERBOSITY"] = "error"
SHA256_DIGITS = 64


def download(repository: str, file: str) -> Path:
    """Fetch the newest version of a file into the package's cache, and return the path there.

    If the hub cannot be reached, return the path of the version that was fetched last.

    Args:
        repository: The owner and the name, such as owner/name.
        file: The file's name in the repository.

    Raises CheckpointError if the package or the file is not available, or if the file differs from
    the hub's SHA-256.
    """
    if find_spec("huggingface_hub") is None:
        raise CheckpointError("hub_extra", has=repository)
    with _as_checkpoint_error(repository, "hub_fetch_failed"):
        from huggingface_hub import hf_hub_download

        # The package returns a link; only the name of the link's target is a digest.
        path = Path(hf_hub_download(repository, file)).resolve()
    # A large file is named in the cache by the SHA-256 that the hub gives for it.
    if len(path.name) == SHA256_DIGITS and path.name != sha256_of(path):
        raise CheckpointError("hub_digest", path=str(path))
    return path


def upload(folder: Path, repository: str) -> None:
    """Upload the files of an exported folder, except hidden ones, to a repository that exists.

    Raises CheckpointError if that fails.
    """
    with _as_checkpoint_error(repository, "hub_upload_failed"):
        from huggingface_hub import upload_folder

        upload_folder(repo_id=repository, folder_path=folder, ignore_patterns=[".*"])


@contextmanager
def _as_checkpoint_error(repository: str, code: str) -> Iterator[None]:
    """Raise a CheckpointError with a reason of one line in place of any error of the package.

    `code` is the error's code, unless the repository is missing.
    """
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        yield
    except RepositoryNotFoundError as error:
        raise CheckpointError("hub_missing", has=repository) from error
    # The package also lets the errors of its HTTP client through, and that client depends on the
    # package's version.
    except Exception as error:
        reason = one_line(str(error))
        raise CheckpointError(code, has=repository, reason=reason) from error
