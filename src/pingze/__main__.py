"""`python -m pingze`, and the `pingze` command: runs the command line and turns every failure into one line."""

import os
import sys
import warnings
from typing import Any, cast

import typer

from pingze.cli import app
from pingze.composing.input_characters import ConversionWarning
from pingze.errors import PingzeError, StoppedError

UsageError = cast("type[Exception]", typer.BadParameter.__bases__[0])
"""The base of what typer raises on wrong arguments; typer exports only some of its subclasses."""


def run(arguments: list[str] | None = None) -> None:
    """Run the command line on `arguments` (by default the process's own) and leave with its exit status."""
    warnings.showwarning = _show_warning  # type: ignore[assignment]
    try:
        status = app(arguments or sys.argv[1:] or ["--help"], prog_name="pingze", standalone_mode=False)
        sys.stdout.flush()
        if status == StoppedError.exit_status:  # what newer versions of typer make of Ctrl-C
            _fail("stopped", status)
    except UsageError as error:
        status = _fail(_usage(error), 2)
    except PingzeError as error:
        status = _fail(str(error), error.exit_status)
    except (KeyboardInterrupt, typer.Abort):
        status = _fail("stopped", StoppedError.exit_status)
    except BrokenPipeError:
        # The reader of our output has gone; what Python would still flush at exit has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except Exception as error:
        if os.environ.get("PINGZE_DEBUG"):
            raise
        status = _fail(f"a fault in pingze ({type(error).__name__}: {error}); PINGZE_DEBUG=1 shows where", 2)
    sys.exit(status)


def _usage(error: Any) -> str:
    command = error.ctx.command_path if error.ctx else "pingze"
    return f"{error.format_message()} ({command} --help shows what fits)"


def _fail(message: str, status: int) -> int:
    print("pingze:", " ".join(message.split()), file=sys.stderr)  # noqa: T201
    return status


def _show_warning(message: Warning | str, category: type[Warning], *_: Any) -> None:
    """Tell a person what was converted; other libraries' warnings are for their developers."""
    if issubclass(category, ConversionWarning):
        _fail(str(message), 0)


if __name__ == "__main__":
    run()
