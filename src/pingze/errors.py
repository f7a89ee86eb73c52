"""Define every error that pingze raises on purpose; each message is one line: what is wrong and what to do.

::

    PingzeError
    ├── InputError            a value that a person gave cannot be used
    ├── InfeasibleError       the constraints cannot be met together
    ├── UnfinishedError       no particle reached the end of a poem
    ├── MissingExtraError     a part of pingze is not installed: `pip install pingze[…]`
    ├── CorpusError           the corpus is absent, damaged or cannot be fetched
    ├── CheckpointError       a model file is absent, damaged or of another kind
    ├── TrainingError         a training run cannot start or continue
    └── StoppedError          a person stopped something that can be resumed later

The command line prints the message and exits with `exit_status`: 1 when the answer is no, 2 when the request is at
fault, 130 after Ctrl-C. `cause` holds the message's code and its parameters; `messages.toml` has the sentences, in
English and Chinese.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from pingze.messages import Language, Parameter, catalogue, say

Cause = dict[str, Parameter]
"""A message's code under "code", and its parameters by name."""


@dataclass(frozen=True, slots=True)
class Clash:
    """A constraint to give up so that the rest can be met; lines and positions count from 1."""

    constraint: str
    """The constraint in words, such as "rhyme 陽"."""
    field: str
    """The option that sets the constraint."""
    line: int | None = None
    position: int | None = None
    has: str | int | None = None
    """The option's value, such as 陽."""
    wanted: str | None = None
    """What the other constraints require there: a tone, a character or rhyme groups; None if it is none of these."""
    reason: str = ""
    """`wanted` in words, as in "line 2, character 5 must be level"."""

    def __str__(self) -> str:
        return f"{self.constraint} ({self.reason})" if self.reason else self.constraint

    def in_language(self, language: Language) -> "Clash":
        """Return the clash with its constraint worded in a language."""
        if language == "en" or self.has is None:
            return self
        kind = self.field
        if self.line:
            kind = "place" if not self.wanted else "tone" if self.wanted in "平仄" else "place_wants"
        if (code := f"clash_{kind}") not in catalogue():
            return self
        return replace(self, constraint=say(code, asdict(self), language), reason="")


class PingzeError(Exception):
    """The base class of all errors that pingze raises on purpose.

    Args:
        code: A code of messages.toml.
        **parameters: Values in the message, such as the `field` at fault, the value it `has` and what was `wanted`.
    """

    exit_status = 2

    def __init__(self, code: str, **parameters: Parameter) -> None:
        self.code, self.parameters = code, parameters
        super().__init__(say(code, parameters))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the fields, because several subclasses are constructed from other arguments."""
        return Exception.__new__, (type(self), *self.args), vars(self)

    @property
    def cause(self) -> Cause:
        """The message's code and parameters."""
        return {"code": self.code, **self.parameters}

    def text(self, language: Language) -> str:
        """Return the message in a language.

        Args:
            language: en or zh.
        """
        return say(self.code, self.parameters, language)


class InputError(PingzeError):
    """A value that a person gave cannot be used; the message names the value and what would be accepted."""

    @property
    def field(self) -> str | None:
        """The option at fault, or None if it is not known."""
        field = self.parameters.get("field")
        return field if isinstance(field, str) else None


def wrong_type(name: str, value: object, wanted: str) -> InputError:
    """Return the error for a value of the wrong type."""
    return InputError("type", field=name, has=type(value).__name__, wanted=wanted)


class InfeasibleError(PingzeError):
    """No poem can keep all constraints; the message names a minimal set to give up.

    Args:
        form: The form 體 that was asked for, such as 七絕.
        clashing: The constraints to give up; none if the model's vocabulary is too small.
    """

    exit_status = 1

    def __init__(self, form: str, clashing: Sequence[Clash]) -> None:
        self.clashing = tuple(clashing)
        code = "clash" if clashing else "too_few_characters"
        super().__init__(code, form=form, clashing=" and ".join(map(str, clashing)))

    def text(self, language: Language) -> str:
        """Return the message in a language.

        Args:
            language: en or zh.
        """
        if language == "en" or not self.clashing:
            return super().text(language)
        code = "clash_mend" if any(clash.field == "keep" for clash in self.clashing) else "clash"
        return say(code, {"clashing": [str(clash.in_language(language)) for clash in self.clashing]}, language)


class UnfinishedError(PingzeError):
    """Every particle of a population would copy the corpus, though some poem may meet all constraints."""

    exit_status = 1


class MissingExtraError(PingzeError):
    """A part of pingze needs a package that is not installed.

    Args:
        what: The part, such as "pingze serve".
        extra: The extra that installs the package, such as serve.
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__("extra_train" if extra == "train" else "extra", what=what, extra=extra)


class CorpusError(PingzeError):
    """The corpus is absent, damaged, or cannot be fetched."""

    @property
    def cause(self) -> Cause:
        """The code without its parameters, because a server's answers must not reveal a path."""
        return {"code": "no_corpus"}


class CheckpointError(PingzeError):
    """A model file is absent, damaged, or of another kind."""


class TrainingError(PingzeError):
    """A training run cannot start or continue."""

    exit_status = 1


class StoppedError(PingzeError):
    """A person pressed Ctrl-C to stop something that can be resumed later."""

    exit_status = 130
