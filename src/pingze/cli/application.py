"""Define the application to which commands are added, and what several commands share."""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import Field
from importlib.util import find_spec
from inspect import Parameter, Signature, signature
from os.path import isfile
from pathlib import Path
from typing import Annotated, Any, get_origin

import typer

from pingze.composing.options import Bounded, Composing, fields_in_order, hints_of
from pingze.errors import CheckpointError, InputError, MissingExtraError
from pingze.machine import threads
from pingze.network import DEFAULT, SHIPPED
from pingze.verse.character_table import to_traditional
from pingze.verse.characters import HAN, MARKS
from pingze.verse.forms import FORMS
from pingze.verse.patterns import STRICTNESSES
from pingze.verse.rhyme_groups import GROUPS
from pingze.verse.tunes import tunes

# -- completion in the shell --
# Simplified characters that the user has typed are kept, because every option accepts them.
# typer passes the command's context to the parameter named `ctx`.


def offering(values: Callable[[Any], Iterable[str]]) -> Callable[[Any, str], list[str]]:
    """Return a shell completion function.

    It lists those of `values(context)` that begin with the text typed so far.
    """

    def complete(ctx: Any, incomplete: str) -> list[str]:
        beginning = to_traditional(incomplete)
        completions = []
        for value in values(ctx):
            if value.startswith(beginning):
                rest = value[len(beginning) :]
                # A shell replaces only text that a completion begins with, so the characters that
                # were typed are kept even if they are Simplified.
                completions.append(incomplete + rest)
        return completions

    return complete


def _poets(ctx: Any) -> list[str]:
    """List the poets known to the model that is named in the same command."""
    from pingze.network import checkpoint
    from pingze.network.conditions import Conditions

    try:
        return Conditions(checkpoint.load(ctx.params.get("model") or DEFAULT).vocabulary).poets
    except CheckpointError:
        return []


def _models(_: Any) -> list[str]:
    """List shipped models, checkpoints in this folder, and runs one or two levels below."""
    from pingze.network.checkpoint import MODEL_FILE

    folder = Path()
    files = sorted(str(path) for path in folder.glob("*.safetensors"))
    runs = [str(path.parent) for path in folder.glob(f"*/{MODEL_FILE}")]
    runs.extend(str(path.parent) for path in folder.glob(f"*/*/{MODEL_FILE}"))
    return list(SHIPPED) + files + sorted(runs)


BY_FIELD = {
    "form": offering(lambda _: [*FORMS, *tunes().of_tune]),
    "tune": offering(lambda _: tunes().of_tune),
    "level": offering(lambda _: STRICTNESSES),
    "poet": offering(_poets),
    "rhyme": offering(lambda _: GROUPS),
}
"""Completion functions by option name, for options whose schema lists no values as an `enum`."""


app = typer.Typer(
    help="pingze 平仄: classical Chinese poems from a small LSTM.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

LARGEST_FILE = 20  # MB of a file of poems; reading the file takes about ten times as much memory
LONGEST_ROW = 30_000  # bytes of a line of a file: ten thousand characters
LONGEST_BLOCK = 10_000  # lines without a blank line between
MOST_ROWS = 1_000_000  # lines of a file
START = """\
pingze 平仄 writes classical Chinese verse, and checks yours.

  pingze compose --form 七絕 --title 山居     a poem
  pingze check 獨坐寒窗下，…                  form, tones and rhyme of any poem
  pingze mend 獨坐寒窗下，…                   a draft without its faults
  pingze serve                              a page to compose on

pingze --help lists every command, pingze compose --help what a poem may be asked to keep."""
"""The text that `pingze` prints when it is run without a command."""


def option(name: str, sentence: str = "") -> Any:
    """Build the option for the `Composing` field `name`.

    Its help is `sentence`, by default the field's description.
    """
    return _option(Composing.__dataclass_fields__[name], sentence)


def _option(field: Field[Any], sentence: str = "", flags: Sequence[str] = ()) -> Any:
    completion = BY_FIELD.get(field.name)
    choices = [value for value in field.metadata["json_schema_extra"].get("enum", ()) if value]
    if choices:
        completion = offering(lambda _: choices)
    description = sentence or field.metadata["description"]
    return typer.Option(*flags, help=description, hidden=not description, autocompletion=completion)


@app.callback(invoke_without_command=True)
def _(
    show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if show_version:
        from importlib.metadata import version  # other commands start sooner without it

        typer.echo(f"pingze {version('pingze')}")
        raise typer.Exit
    threads()  # refuse a bad PINGZE_THREADS before any command


def command(
    group: typer.Typer = app, argument: str = "", omit: Sequence[str] = ()
) -> Callable[[Callable[..., None]], Any]:
    """Return a decorator that adds a function to `group` as a command, with options.

    The parameter that is called `asked` has a dataclass as its type, the schema. It is replaced by
    one option for each field of the schema. The field that `argument` names becomes a positional
    argument instead, and those in `omit` keep their defaults.
    The parameters `model` and `as_json` become the shared options --model and --json. If a
    parameter without `Annotated` has the same name as a field of `Composing`, it becomes the option
    of that field.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        # 1) list the command's parameters: first the schema's fields, then the function's own. All
        # are keywords, because a keyword without a default may follow one with a default.
        own_parameters = dict(signature(function).parameters)
        schema = None
        listed = []
        field_names = []
        if "asked" in own_parameters:
            schema = own_parameters.pop("asked").annotation
            for field in fields_in_order(schema):
                if field.name not in omit:
                    field_names.append(field.name)
                    listed.append(_parameter_of_field(field, schema, argument))
        for parameter in own_parameters.values():
            keyword = parameter.replace(kind=Parameter.KEYWORD_ONLY)
            listed.append(_with_shared_option(keyword))
        # A command's help lists the parameters in this order: those that must be given come first.
        listed.sort(key=lambda parameter: parameter.default is not Parameter.empty)

        # 2) build a function with these parameters
        def called(**values: Any) -> None:
            if schema:
                fields = {name: values.pop(name) for name in field_names}
                values["asked"] = schema(**fields)
            function(**values)

        # `functools.wraps` would also set `__wrapped__`, and then typer would read the parameters
        # of `function`.
        for name in ("__name__", "__doc__", "__module__"):
            setattr(called, name, getattr(function, name))
        called.__signature__ = Signature(listed)  # type: ignore[attr-defined]
        return group.command()(called)

    return decorate


def _parameter_of_field(field: Field[Any], schema: type[Bounded], argument: str) -> Parameter:
    """Return the parameter of a command for a field of its schema."""
    hint = hints_of(schema)[field.name]
    if field.name == argument:
        option_or_argument = typer.Argument(help=field.metadata["description"])
    elif hint is bool:
        # With the flag given, typer adds no second flag --no-… beside it.
        flag = "--" + field.name.replace("_", "-")
        option_or_argument = _option(field, flags=[flag])
    elif field.name == "poets":
        option_or_argument = _option(field, flags=["--from"])
    else:
        option_or_argument = _option(field)
    return Parameter(
        field.name,
        Parameter.KEYWORD_ONLY,
        default=field.default,
        annotation=Annotated[hint, option_or_argument],
    )


def _with_shared_option(parameter: Parameter) -> Parameter:
    """Add flags and help to a parameter that several commands share; return any other as it is."""
    name = parameter.name
    has_own_option = get_origin(parameter.annotation) is Annotated
    if name == "model":
        default = parameter.default or "tang, or ci for 詞"
        shared_option = typer.Option(
            metavar="NAME|FILE|FOLDER|OWNER/NAME",
            help="A shipped model, a checkpoint, the folder of a run or an export, or a repository "
            f"of a model hub; by default {default}.",
            show_default=False,
            autocompletion=offering(_models),
        )
    elif name == "as_json":
        shared_option = typer.Option("--json", help="Print JSON and nothing else.")
    elif name in Composing.__dataclass_fields__ and not has_own_option:
        shared_option = option(name)
    else:
        return parameter
    return parameter.replace(annotation=Annotated[parameter.annotation, shared_option])


EXTRAS = {
    "train": ("jaxtyping", "numba", "torch"),
    "plots": ("matplotlib",),
    "serve": ("fastapi", "segno", "uvicorn"),
    "mcp": ("fastapi", "httpx2", "mcp", "uvicorn"),
    "hub": ("huggingface_hub",),
}
"""The packages of each extra that a command needs, by the names under which they are imported."""


def need(extra: str, what: str) -> None:
    """Raise MissingExtraError if a package of `extra` is not installed.

    The error says that `what` needs `extra`.
    """
    if any(find_spec(package) is None for package in EXTRAS[extra]):
        raise MissingExtraError(what, extra)


def show(value: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """Print `value` as JSON if `as_json` is set; otherwise print `lines`."""
    typer.echo(_as_json(value) if as_json else "\n".join(lines))


@contextmanager
def json_list() -> Iterator[Callable[[Any], None]]:
    """Yield a function that prints one more item of a JSON list.

    Each item is printed at once, so that a long list need not fit in memory. Without any item,
    nothing is printed, not even an empty list.
    """
    is_empty = True

    def add(value: Any) -> None:
        nonlocal is_empty
        before = "[" if is_empty else ","
        indented = _as_json(value).replace("\n", "\n  ")
        # The line is ended by the next item's comma or by the list's bracket.
        typer.echo(f"{before}\n  {indented}", nl=False)
        is_empty = False

    yield add
    if not is_empty:
        typer.echo("\n]")


def _as_json(value: Any) -> str:
    """Convert a value to JSON, in ASCII if standard output cannot encode its characters."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2)
    return text


def read_file(file: str) -> str:
    """Read a file, or standard input (-), as UTF-8.

    Raises InputError if it is larger than `LARGEST_FILE` MB, or as soon as a line, a block of lines
    or the number of lines is too long for verse.
    """
    name = file_name(file)
    rows: list[bytes] = []
    bytes_read = 0
    rows_of_block = 0
    try:
        is_standard_input = file == "-"
        descriptor_or_path = 0 if is_standard_input else file
        # Standard input stays open, because this process did not open it.
        with open(descriptor_or_path, "rb", closefd=not is_standard_input) as source:
            while True:
                # One byte more than a row may have shows that a row is too long, without all of it.
                row = source.readline(LONGEST_ROW + 1)
                if not row:
                    break
                rows.append(row)
                bytes_read += len(row)
                rows_of_block += 1
                if not row.strip():  # a blank line ends a block
                    rows_of_block = 0
                if bytes_read > LARGEST_FILE * 1_000_000:
                    raise InputError("file_too_large", name=name, most=LARGEST_FILE)
                if len(row) > LONGEST_ROW:
                    raise InputError("row_too_long", name=name, most=LONGEST_ROW)
                if len(rows) > MOST_ROWS:
                    raise InputError("too_many_rows", name=name, most=MOST_ROWS)
                if rows_of_block > LONGEST_BLOCK:
                    raise InputError("block_too_long", name=name, most=LONGEST_BLOCK)
    except (OSError, ValueError) as error:  # a ValueError for a name that no file can have
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError("unreadable", name=name, reason=reason) from error
    try:
        return b"".join(rows).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("not_utf8", name=name) from None


def file_name(file: str) -> str:
    """Return the name of a file, or of standard input (-), for use in messages."""
    if file == "-":
        return "standard input"
    return file.strip()[:60] or "''"


# a Chinese mark, a Western one between characters, a long run of them, or a line of 5 or 7
_VERSE = re.compile(
    f"[{MARKS}]|[{HAN}][,.;:!?｡､] ?[{HAN}]|[{HAN}]{{20}}|^[{HAN}]{{5}}(?:[{HAN}]{{2}})?$"
)


def read_text(given: str) -> str:
    """Return the argument itself if it is a poem and names no file; otherwise read that file.

    An argument counts as a poem if it is empty, has punctuation as in `山，` or `山,水`, has twenty
    Han characters in a row, consists of several words without any ASCII character, or is a line of
    five or seven.
    """
    words = given.split()
    has_ascii = any(character.isascii() for character in "".join(words))
    is_empty_or_several = len(words) != 1
    # A file's name may consist of several words too, but then an ending such as .txt is in ASCII.
    is_verse = _VERSE.search(given) or (is_empty_or_several and not has_ascii)
    if is_verse and not isfile(given):
        return given
    return read_file(given)
