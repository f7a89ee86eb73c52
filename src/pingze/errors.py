"""Define every error that pingze raises on purpose: one line that says what is wrong and what to do.

::

    PingzeError
    ├── InputError            a value that a person gave cannot be used
    ├── InfeasibleError       the constraints cannot be met together
    ├── UnfinishedError       no particle reached the end of a poem
    ├── MissingExtraError     a part that is not installed: `pip install pingze[…]`
    ├── CorpusError           the corpus is absent, damaged or cannot be fetched
    ├── CheckpointError       a model file is absent, damaged or of another kind
    ├── TrainingError         a training run cannot start or go on
    └── StoppedError          a person stopped what can go on later

The command line prints the message and exits with `exit_status`: 1 when the answer is no, 2 when the request is at
fault, 130 after Ctrl-C. `cause` holds the message's code and its parameters; `messages.toml` has the sentences, in
English and Chinese.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pingze.messages import Language, Parameter, catalogue, say

Cause = dict[str, Parameter]
"""A message's code under "code", and its parameters by name."""


@dataclass(frozen=True, slots=True)
class Clash:
    """One constraint of those that are to be given up; lines and positions count from 1."""

    constraint: str
    """In words, as "rhyme 陽"."""
    field: str
    """The option that asks for it."""
    line: int | None = None
    position: int | None = None
    has: str | int | None = None
    """What the option asks for, as 陽."""
    wanted: str | None = None
    """What the rest wants at that place: a tone, a character, or the names of rhyme groups, where it is one thing."""
    reason: str = ""
    """The same as a sentence."""

    def __str__(self) -> str:
        return f"{self.constraint} ({self.reason})" if self.reason else self.constraint

    def in_language(self, language: Language) -> "Clash":
        """Say the constraint in a language.

        Args:
            language: en or zh.
        """
        if language == "en" or self.has is None:
            return self
        kind = self.field
        if self.line and self.wanted:
            kind = "tone" if self.wanted in "平仄" else "place_wants"
        elif self.line:
            kind = "place"
        if (code := f"clash_{kind}") not in catalogue():
            return self
        names = ("field", "has", "line", "position", "wanted")
        sentence = say(code, {name: getattr(self, name) for name in names}, language)
        return replace(self, constraint=sentence, reason="")


class PingzeError(Exception):
    """Base of all errors that pingze raises on purpose.

    Args:
        code: A code of messages.toml.
        **parameters: What the sentence names: the `field` at fault, what it `has`, what was `wanted`.
    """

    exit_status = 2

    def __init__(self, code: str, **parameters: Parameter) -> None:
        self.code, self.parameters = code, parameters
        super().__init__(say(code, parameters))

    def __reduce__(self) -> tuple[object, ...]:
        """Restored from its fields, since several errors are made from other arguments than these."""
        return _restored, (type(self), self.args, vars(self))

    @property
    def cause(self) -> Cause:
        """The code and its parameters."""
        return {"code": self.code, **self.parameters}

    def text(self, language: Language) -> str:
        """Say the message in a language.

        Args:
            language: en or zh.
        """
        return say(self.code, self.parameters, language)


def _restored(
    kind: type[PingzeError], arguments: tuple[object, ...], values: dict[str, object]
) -> PingzeError:
    error = kind.__new__(kind, *arguments)
    vars(error).update(values)
    return error


class InputError(PingzeError):
    """A value that a person gave cannot be used; the message names it and what would do."""

    @property
    def field(self) -> str | None:
        """The option at fault, where it is known."""
        field = self.parameters.get("field")
        return field if isinstance(field, str) else None


def wrong_type(name: str, value: object, wanted: str) -> InputError:
    """Make the error for a value of another type than is wanted."""
    return InputError("type", field=name, has=type(value).__name__, wanted=wanted)


class InfeasibleError(PingzeError):
    """No poem can keep all constraints; the message names a minimal set to give up.

    Args:
        form: The form 體 that was asked for, as 七絕.
        clashing: What to give up; nothing where the model's own vocabulary does not suffice.
    """

    exit_status = 1

    def __init__(self, form: str, clashing: Sequence[Clash]) -> None:
        self.clashing = tuple(clashing)
        code = "clash" if clashing else "too_few_characters"
        super().__init__(code, form=form, clashing=" and ".join(map(str, clashing)))

    def text(self, language: Language) -> str:
        """Say the message in a language.

        Args:
            language: en or zh.
        """
        if language == "en" or not self.clashing:
            return super().text(language)
        code = "clash_mend" if any(clash.field == "keep" for clash in self.clashing) else "clash"
        return say(
            code, {"clashing": [str(clash.in_language(language)) for clash in self.clashing]}, language
        )


class UnfinishedError(PingzeError):
    """Every particle of a population would copy the corpus, though some poem may keep all that is asked for."""

    exit_status = 1


class MissingExtraError(PingzeError):
    """A part of pingze needs a package that is not installed.

    Args:
        what: The part, as "pingze serve".
        extra: The extra that brings the package, as serve.
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__("extra_train" if extra == "train" else "extra", what=what, extra=extra)


class CorpusError(PingzeError):
    """The corpus is absent, damaged, or cannot be fetched."""

    @property
    def cause(self) -> Cause:
        """The code alone: no answer of a server names a path."""
        return {"code": "no_corpus"}


class CheckpointError(PingzeError):
    """A model file is absent, damaged, or not what it says."""


class TrainingError(PingzeError):
    """A training run cannot start or go on."""

    exit_status = 1


class StoppedError(PingzeError):
    """A person stopped, by Ctrl-C, what can go on later."""

    exit_status = 130
