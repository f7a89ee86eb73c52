"""Find and run the command of a command line, and print every failure as one line.

Commands print results to standard output; progress, notes and failures go to standard error. Each
module defines a group of commands; importing the module adds the commands to `app`.
"""

import contextlib
import errno
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, TextIO, cast

import typer

from pingze.cli.application import START, app
from pingze.composing.typed_text import ConversionWarning
from pingze.errors import PingzeError, StoppedError
from pingze.messages import here, language, one_line

__all__ = ["START", "application_for", "guarded"]

COMMANDS = {
    "composing": ("compose", "collect", "couplet", "revise", "alternatives", "mend", "generate"),
    "corpus": ("corpus", "originality"),
    "derivation": ("derive",),
    "prosody": ("check", "tones", "rhyme", "find", "tunes"),
    "serve": ("serve", "mcp"),
    "training": ("train", "evaluate", "export"),
}
"""The names of the commands that each module defines.

Only the module of the requested command is imported.
"""
_UsageError = cast("type[Exception]", typer.BadParameter.__bases__[0])
"""The base class of typer's errors for wrong arguments; typer exports only some subclasses."""
_OUTPUT = {errno.ENOSPC, errno.EBADF, errno.EIO, errno.EFBIG, errno.EDQUOT}
"""The error numbers of a failed write to standard output.

They mean this only in an OSError without a file name.
"""


def application_for(arguments: Sequence[str]) -> typer.Typer:
    """Import the requested command's module and return `app`.

    Without a command, as for --help, import all modules.
    """
    name = arguments[0] if arguments else ""
    modules = [module for module, commands in COMMANDS.items() if name in commands]
    if not modules:  # the list of all commands, or the error for an unknown one, needs them all
        modules = list(COMMANDS)
    for module in modules:
        import_module(f"pingze.cli.{module}")
    return app


def guarded(command: Callable[[], int | None]) -> int:
    """Run a command and return its exit status; print one line for an error."""
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    try:
        status = command() or 0
        sys.stdout.flush()
    except BaseException as error:
        return _print_error(error)
    # Newer versions of typer return this status after Ctrl-C instead of raising an error.
    if status == StoppedError.exit_status:
        return _fail(here("stopped"), status)
    return status


def _print_error(error: BaseException) -> int:
    """Print one line for an error and return the exit status.

    Raises SystemExit as it is, and an unforeseen error if PINGZE_DEBUG is set.
    """
    match error:
        case SystemExit():  # typer ends this way too, with a status that is right already
            raise error
        case PingzeError():
            return _fail(error.text(language()), error.exit_status)
        case _UsageError():
            context: Any = vars(error).get("ctx")  # not every such error has a context
            command = context.command_path if context else "pingze"
            message = cast(Any, error).format_message()
            return _fail(here("usage", message=message, command=command), 2)
        case MemoryError():
            return _fail(here("memory"), 2)
        case BrokenPipeError():  # the reader of our output has gone
            _discard(sys.stdout)
            return 0
        # The codecs of Windows' code pages name themselves charmap.
        case UnicodeEncodeError() if error.encoding in (sys.stdout.encoding, "charmap"):
            character = error.object[error.start]
            escaped = ascii(character)  # standard error may not be able to encode it either
            return _fail(here("encoding", encoding=sys.stdout.encoding, has=escaped), 2)
        case OSError(errno=number, filename=None) if number in _OUTPUT:
            _discard(sys.stdout)
            reason = error.strerror or str(error)
            return _fail(here("unwritable_output", reason=reason), 2)
    # A library may have wrapped a KeyboardInterrupt in an error of its own.
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, KeyboardInterrupt | typer.Abort):
            return _fail(here("stopped"), StoppedError.exit_status)
        cause = cause.__cause__ or cause.__context__
    if os.environ.get("PINGZE_DEBUG"):
        raise error
    return _fail(here("fault", kind=type(error).__name__, error=str(error)), 2)


def _discard(stream: TextIO) -> None:
    """Redirect a stream to the null device, so that flushing it at exit cannot fail."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _fail(message: str, status: int) -> int:
    try:
        print("pingze:", one_line(message), file=sys.stderr, flush=True)  # noqa: T201
    except OSError:
        _discard(sys.stderr)
    return status


def _show_warning(message: Warning | str, *_: Any) -> None:
    """Print a ConversionWarning (typed text was changed on reading).

    Hide other warnings: they are for developers.
    """
    if isinstance(message, ConversionWarning):
        _fail(message.args[0].text(language()), 0)
