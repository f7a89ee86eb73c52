"""Run the command line for `python -m pingze` and for the command `pingze`.

Every failure is reported in one line. Nothing slow is imported before `run` has installed its
handler for Ctrl-C.
"""

import _signal as signal  # type: ignore[import-not-found]  # importing `signal` is slow
import gc
import os
import sys


def run(arguments: list[str] | None = None) -> None:
    """Run the command line on `arguments` (by default `sys.argv[1:]`), and exit with its status."""
    # Until the imports are done, Ctrl-C ends the process: a KeyboardInterrupt inside one can look
    # like a failed import.
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    _replace_closed_streams()
    # objects made at start-up are not garbage, and scanning them takes time
    gc.set_threshold(100_000)
    from pingze.cli import START, application_for, guarded

    if arguments is None:
        arguments = sys.argv[1:]
    app = application_for(arguments)
    signal.signal(signal.SIGINT, before)
    # shell completion passes no arguments
    if arguments in ([], ["--"]) and "_PINGZE_COMPLETE" not in os.environ:
        sys.exit(guarded(lambda: print(START)))  # noqa: T201
    status = guarded(lambda: app(arguments, prog_name="pingze", standalone_mode=False))
    # otherwise the last collection scans everything loaded, which takes as long as composing a poem
    gc.freeze()
    sys.exit(status)


def _leave(*_: object) -> None:
    os.write(2, b"pingze: stopped\n")
    os._exit(130)


def _replace_closed_streams() -> None:
    """Replace each closed standard stream with a stream that raises an error when it is used.

    Otherwise the next file that is opened would get the descriptor of the closed stream.
    """
    for name, flags, mode in (
        ("stdin", os.O_WRONLY, "r"),
        ("stdout", os.O_RDONLY, "w"),
        ("stderr", os.O_WRONLY, "w"),
    ):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, flags)
            setattr(sys, name, open(descriptor, mode, encoding="utf-8"))  # noqa: SIM115


if __name__ == "__main__":
    run()
