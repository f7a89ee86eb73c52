"""`python -m pingze`, and the `pingze` command: runs the command line and turns every failure into one line.

Nothing that takes time is imported before `run` stands ready for Ctrl-C.
"""

import _signal as signal  # type: ignore[import-not-found]  # what `signal` wraps in enumerations, slowly
import gc
import os
import sys


def run(arguments: list[str] | None = None) -> None:
    """Run the command line on `arguments` (by default the process's own) and leave with its exit status."""
    # Raised inside an import, a KeyboardInterrupt may be taken for a failed import: meanwhile Ctrl-C ends the process.
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    _replace_closed_streams()
    gc.set_threshold(100_000)  # what starting up makes lives on, and to look for garbage in it takes time
    from pingze.cli import app, print_start
    from pingze.cli.failures import guarded

    signal.signal(signal.SIGINT, before)
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments and "_PINGZE_COMPLETE" not in os.environ:  # a shell that completes gives no arguments
        sys.exit(guarded(print_start))
    status = guarded(lambda: app(arguments, prog_name="pingze", standalone_mode=False))
    gc.freeze()  # else the last collection looks through all that was loaded, which takes as long as a poem
    sys.exit(status)


def _leave(*_: object) -> None:
    os.write(2, b"pingze: stopped\n")
    os._exit(130)


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


if __name__ == "__main__":
    run()
