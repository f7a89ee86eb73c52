"""Complete the values of options in the shell: forms, poets, rhyme groups and models.

Simplified characters that the user has typed are kept, because every option accepts them.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pingze.errors import CheckpointError
from pingze.network import DEFAULT, SHIPPED
from pingze.verse.character_table import to_traditional
from pingze.verse.forms import FORMS
from pingze.verse.patterns import STRICTNESSES
from pingze.verse.rhyme_groups import GROUPS

# typer passes the command's context to the parameter named `ctx`.
Completion = Callable[[Any, str], list[str]]


def offering(values: Callable[[Any], Iterable[str]]) -> Completion:
    """Return a completion function, which offers the values that begin with the typed text."""

    def complete(ctx: Any, incomplete: str) -> list[str]:
        begun = to_traditional(incomplete)
        return [incomplete + value[len(begun) :] for value in values(ctx) if value.startswith(begun)]

    return complete


def _poets(ctx: Any) -> list[str]:
    """List the poets that the model knows. The model is the one named in the same command."""
    from pingze.network import checkpoint
    from pingze.network.conditions import Conditions

    try:
        return Conditions(checkpoint.load(ctx.params.get("model") or DEFAULT).vocabulary).poets
    except CheckpointError:
        return []


def _models(_: Any) -> list[str]:
    """List the shipped models, the checkpoints in the current folder, and the runs at most two levels below it."""
    from pingze.network.checkpoint import MODEL_FILE

    here = Path()
    files = [str(path) for path in here.glob("*.safetensors")]
    runs = [str(path.parent) for depth in ("*/", "*/*/") for path in here.glob(depth + MODEL_FILE)]
    return [*SHIPPED, *sorted(files), *sorted(runs)]


models = offering(_models)
BY_FIELD = {
    "form": offering(lambda _: FORMS),
    "level": offering(lambda _: STRICTNESSES),
    "poet": offering(_poets),
    "rhyme": offering(lambda _: GROUPS),
}
"""The completion functions, by the name of the option."""
