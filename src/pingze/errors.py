"""Define every error that pingze raises on purpose.

Each message is one line that states the problem and the remedy.

::

    PingzeError
    ├── InputError            a value from the user cannot be used
    ├── InfeasibleError       the constraints cannot be met together
    ├── UnfinishedError       no particle reached the end of a poem
    ├── MissingExtraError     an extra of pingze is not installed
    ├── CorpusError           the corpus is absent, damaged or cannot be fetched
    ├── CheckpointError       a model file is absent, damaged or in another format, or cannot
    │                         be written
    ├── TrainingError         a training run cannot start or continue
    └── StoppedError          a person stopped something that can be resumed later

The command line prints the message and exits with `exit_status`: 1 if a valid request fails, 2 if
the request itself is at fault, 130 after Ctrl-C. `cause` contains the message's code and
parameters. `messages.toml` contains the sentence for each code, in English and Chinese.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from dataclasses import field as attribute

from pingze.messages import Language, Parameter, catalogue, say

Cause = dict[str, Parameter]
"""The code of a message under the key "code", and the message's parameters under their names."""
ON_SHEET = ("kept", "lines")
"""The fields of clashes that stand for what is written on a sheet, kept or not."""


@dataclass(frozen=True, slots=True)
class Clash:
    """A constraint to give up so that the other constraints can be met.

    Lines and positions count from 1.
    """

    constraint: str
    """The constraint in words, such as "rhyme 陽"."""
    field: str
    """The option that sets the constraint."""
    line: int | None = None
    position: int | None = None
    """The position of a character; None if several of `line` clash, or there is no place."""
    has: str | int | None = None
    """The option's value, such as 陽; for a line its characters, with ＿ where none is given."""
    wanted: str | None = None
    """What the other constraints require at `position` of `line`, or None.

    It is a character, a tone or rhyme groups; for a line its tones, 中 where both are possible.
    """
    reason: str = ""
    """The reason in words, such as "line 2, character 5 must be level"; "" if no single position shows it."""
    positions: tuple[int, ...] = ()
    """The positions of the characters that clash, if several of `line` do."""
    cause: Cause = attribute(default_factory=dict, compare=False)
    """The code and parameters of the reason; empty if there is none."""

    def __str__(self) -> str:
        return f"{self.constraint} ({self.reason})" if self.reason else self.constraint

    def because(self, code: str, **parameters: Parameter) -> "Clash":
        """Return the clash with a reason, given as a code and parameters."""
        cause: Cause = {"code": code, **self._parameters(), **parameters}
        clash = replace(self, cause=cause)
        return replace(clash, reason=clash.in_language("en").reason)

    def in_language(self, language: Language) -> "Clash":
        """Return the clash with `constraint` and `reason` in a language; the reason is then never empty."""
        if self.cause:
            reason = say(str(self.cause["code"]), self.cause, language)
            if self.cause.get("could_be"):
                reason += say("could_be", self.cause, language)
        elif self.reason and language == "en":
            reason = self.reason
        else:
            reason = say("because", {}, language)
        if language == "en":  # `constraint` is in English already
            return replace(self, reason=reason)
        # The catalogue has sentences in Chinese for a line, for a place of a line, and for some of
        # the options that have no place. A constraint without a sentence stays as it is.
        if not self.line:
            about = self.field
        elif not self.position:
            about = "line"
        elif self.field in ON_SHEET:
            about = "character"
        elif not self.wanted:
            about = "place"
        elif self.wanted in "平仄":
            about = "tone"
        else:
            about = "place_wants"
        constraint = self.constraint
        if f"clash_{about}" in catalogue():
            constraint = say(f"clash_{about}", self._parameters(), language)
        return replace(self, constraint=constraint, reason=reason)

    def _parameters(self) -> Cause:
        names = ("field", "line", "position", "has", "wanted")
        return {name: getattr(self, name) for name in names}


class PingzeError(Exception):
    """The base class of all errors that pingze raises on purpose.

    Args:
        code: A key of messages.toml.
        **parameters: The values that fill in the message, such as `field` (the option at fault) and
        `has` (its value).
    """

    exit_status = 2

    def __init__(self, code: str, **parameters: Parameter) -> None:
        self.code = code
        self.parameters = parameters
        super().__init__(say(code, parameters))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the attributes, because the constructor's arguments differ between subclasses."""
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
    """A value from the user cannot be used.

    The message names the value and states what would be accepted.
    """

    @property
    def field(self) -> str | None:
        """The option at fault, or None if it is not known."""
        field = self.parameters.get("field")
        return field if isinstance(field, str) else None


def wrong_type(name: str, value: object, wanted: str) -> InputError:
    """Return the error for a value of the wrong type."""
    return InputError("type", field=name, has=type(value).__name__, wanted=wanted)


class InfeasibleError(PingzeError):
    """No poem can meet all constraints. The message names a minimal set of constraints to give up.

    Args:
        form: The form 體 that was asked for, such as 七絕.
        clashes: The constraints to give up; empty if the model's vocabulary is too small for the
            form.
    """

    exit_status = 1

    def __init__(self, form: str, clashes: Sequence[Clash]) -> None:
        self.clashes = tuple(clashes)
        code = "clash" if clashes else "too_few_characters"
        super().__init__(code, form=form, clashes=" and ".join(str(clash) for clash in clashes))

    @property
    def cause(self) -> Cause:
        """The message's code and the form, without the words for `clashes`."""
        return {"code": self.code, "form": self.parameters["form"]}

    def text(self, language: Language) -> str:
        """Return the message in a language.

        Args:
            language: en or zh.
        """
        if language == "en" or not self.clashes:
            return super().text(language)  # the English message has the clashes already
        # Only `mend` has the option `keep`: the sentence then says that the words cannot be kept, and
        # otherwise that no poem can meet the wishes.
        is_of_mend = any(clash.field == "keep" for clash in self.clashes)
        code = "clash_mend" if is_of_mend else "clash"
        clashes = []
        for clash in self.clashes:
            translated = clash.in_language(language)
            reason = ""
            # What stands on a sheet does not say why it clashes, so the reason is added. Any other
            # constraint says itself what its place wants.
            is_line = bool(translated.positions)
            is_on_sheet = translated.field in ON_SHEET
            if translated.cause and (is_line or is_on_sheet):
                reason = f"（{translated.reason}）"
            clashes.append(translated.constraint + reason)
        return say(code, {"clashes": clashes}, language)


class UnfinishedError(PingzeError):
    """Sampling found no poem, although some poem may meet all constraints.

    Another seed may succeed.
    """

    exit_status = 1


class MissingExtraError(PingzeError):
    """A part of pingze needs a package that is not installed.

    Args:
        what: The part, such as "pingze serve".
        extra: The extra that installs the package, such as serve.
    """

    def __init__(self, what: str, extra: str) -> None:
        code = "extra_train" if extra == "train" else "extra"
        super().__init__(code, what=what, extra=extra)


class CorpusError(PingzeError):
    """The corpus is absent, damaged, or cannot be fetched."""

    @property
    def cause(self) -> Cause:
        """The message's code without parameters.

        The parameters contain paths that a server must not reveal.
        """
        return {"code": "no_corpus"}


class CheckpointError(PingzeError):
    """A model file or training state cannot be used or cannot be written.

    It is absent, damaged, inconsistent or in another format.
    """


class TrainingError(PingzeError):
    """A training run cannot start or continue."""

    exit_status = 1


class StoppedError(PingzeError):
    """A person pressed Ctrl-C to stop something that can be resumed later."""

    exit_status = 130
