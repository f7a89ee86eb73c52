"""`python -m pingze`, and the `pingze` command: runs the command line and turns every failure into one line.

Nothing of the package is imported before `run` stands ready for Ctrl-C.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT


def run(arguments: list[str] | None = None) -> None:
    """Run the command line on `arguments` (by default the process's own) and leave with its exit status."""
    _replace_closed_streams()
    with _leaving_at_once():
        from pingze.cli import app
        from pingze.cli.failures import guarded
    arguments = arguments or sys.argv[1:] or ["--help"]
    sys.exit(guarded(lambda: app(arguments, prog_name="pingze", standalone_mode=False)))


def _replace_closed_streams() -> None:
    """Put one that fails where it is used in place of each closed standard stream.

    Its number would else be given to the next file that is opened.
    """
    for name, flags, mode in (
        ("stdin", os.O_WRONLY, "r"),
        ("stdout", os.O_RDONLY, "w"),
        ("stderr", os.O_WRONLY, "w"),
    ):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.open(os.devnull, flags), mode, encoding="utf-8"))  # noqa: SIM115


@contextlib.contextmanager
def _leaving_at_once() -> Iterator[None]:
    """While modules are imported Ctrl-C ends the process: raised there, it may be taken for a failed import."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _leave(_: int, __: FrameType | None) -> None:
    os.write(2, b"pingze: stopped\n")
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    run()
