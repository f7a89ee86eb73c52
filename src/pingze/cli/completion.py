"""What the shell offers for the value of an option: forms, poets, rhyme groups, models.

What a person has typed in Simplified characters is kept as typed: every option reads it.
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

# typer knows the context of the command by the name `ctx`.
Completion = Callable[[Any, str], list[str]]


def offering(values: Callable[[Any], Iterable[str]]) -> Completion:
    """A completion that offers those of some values that begin as typed."""

    def complete(ctx: Any, incomplete: str) -> list[str]:
        begun = to_traditional(incomplete)
        return [incomplete + value[len(begun) :] for value in values(ctx) if value.startswith(begun)]

    return complete


def _poets(ctx: Any) -> list[str]:
    """The poets whom the model of the same command knows."""
    from pingze.network import checkpoint
    from pingze.network.conditions import Conditions

    try:
        return Conditions(checkpoint.load(ctx.params.get("model") or DEFAULT).vocabulary).poets
    except CheckpointError:
        return []


def _models(_: Any) -> list[str]:
    """The shipped models, and the checkpoints and runs in this folder and two below."""
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
"""The completion of an option by its name."""
