"""Define what a person may ask of a poem, with bounds: the one schema of command line, Python and HTTP.

Each field carries a sentence; its bounds are named as in JSON Schema. Making one of these dataclasses checks them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import cache
from inspect import Parameter, Signature, signature
from numbers import Integral, Real
from types import UnionType
from typing import Any, TypedDict, TypeVar, get_args, get_origin, get_type_hints

from pingze.errors import InputError, wrong_type
from pingze.verse.forms import FORMS
from pingze.verse.patterns import CUSTOMARY, STRICTNESSES

MOODS = ("joyful", "calm", "sad")
ACROSTIC_PLACES = {"head": "藏頭", "middle": "藏中", "end": "藏尾"}
MOST_INCLUDED = 28
"""The most characters to include: those of a whole 七絕."""
MOST_LINES = 60
"""The most lines: a poem of thirty rhymes."""
FEW_TOKENS = 64
"""The tokens of a 七律; a longer poem has fewer particles, so that it takes no longer."""
FEWEST_PARTICLES = 8
LARGEST_SEED = 2**53 - 1
"""The largest whole number that every JSON reader reads exactly."""

F = TypeVar("F", bound=Callable[..., Any])


def option(default: Any, sentence: str, **bounds: Any) -> Any:
    """Make a field with its sentence and its bounds; one with the default ... must be given."""
    metadata = {"description": sentence, "json_schema_extra": bounds, "strict": True}
    return field(metadata=metadata) if default is ... else field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Bounded:
    """Values within bounds. Raises InputError, which names the field, on one that is out of them."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 (pydantic's name for it)

    def __post_init__(self) -> None:
        types = _types(type(self))  # type: ignore[arg-type]
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name in types and not _is_one(value, types[each.name]):
                raise wrong_type(each.name, value, _NAMES[types[each.name][0]])
            for one in value if isinstance(value, list) else [value]:
                check_bounds(each.name, one, each.metadata.get("json_schema_extra", {}))


@dataclass(frozen=True)
class Sampling:
    """The options of drawing."""

    temperature: float
    """The divisor of the logits; 0 takes the likeliest character."""
    particles: int
    """The particles of each poem."""
    top_p: float = 1.0
    """The share of the nucleus; 1 for all characters."""

    def within(self, tokens: int) -> "Sampling":
        """Reduce the particles of a poem of more than `FEW_TOKENS`, by the square of its length."""
        fewer = max(FEWEST_PARTICLES, self.particles * FEW_TOKENS**2 // tokens**2)
        return replace(self, particles=min(self.particles, fewer))


@dataclass(frozen=True, kw_only=True)
class Revising(Bounded):
    """The options of a poem that is written, wholly or in part."""

    level: str = option(
        CUSTOMARY, f"How strictly tones are judged: {' or '.join(STRICTNESSES)}.", enum=list(STRICTNESSES)
    )
    include: str = option("", "Words that must appear, as '雁 芙蓉'; a space separates them.", maxLength=100)
    exclude: str = option("", "Characters that must not appear.", maxLength=1000)
    repeat: bool = option(False, "Let a character appear twice, apart.")
    original: int | None = option(
        None,
        "The most characters in a row that a line may share with a line of the corpus.",
        minimum=2,
        maximum=100,
    )
    antithesis: float = option(
        0.1,  # more than real couplets have, as they have without it since taste likes what answers
        "How much antithesis 對仗 weighs in the couplets that need it; 0 leaves it to the model.",
        minimum=0,
        maximum=10,
    )
    taste: float = option(
        1.0,
        "How much the likely judgement of a reader weighs; 0 leaves it to the model.",
        minimum=0,
        maximum=10,
    )
    title: str | None = option(
        None, "A title, of 20 characters at most, for models that know titles.", maxLength=200
    )
    about: str | None = option(
        None, "A theme, as 江雪, of 8 characters at most, for models that know themes.", maxLength=200
    )
    mood: str | None = option(
        None,
        f"{', '.join(MOODS)}; by default the mood of the title or theme, if it has one.",
        enum=[None, *MOODS],
    )
    poet: str | None = option(None, "A poet's manner, for models that know poets.", maxLength=20)
    temperature: float = option(
        0.8, "0 takes the likeliest character; higher dares more.", minimum=0, maximum=100
    )
    top_p: float = option(
        0.85,
        "The share of the nucleus: the likeliest characters that together have this probability.",
        exclusiveMinimum=0,
        maximum=1,
    )
    particles: int = option(
        128, "How many particles each poem has; fewer for a long one.", minimum=1, maximum=4096
    )
    seed: int | None = option(None, "The same seed gives the same poem.", minimum=0, maximum=LARGEST_SEED)

    @property
    def sampling(self) -> Sampling:
        """The options of drawing."""
        return Sampling(self.temperature, self.particles, self.top_p)

    @classmethod
    def sentence(cls, name: str) -> str:
        """Look up the sentence of a field."""
        return next(str(each.metadata["description"]) for each in fields(Composing) if each.name == name)


@dataclass(frozen=True, kw_only=True)
class Composing(Revising):
    """The options of poems that are still to be written."""

    start: str = option("", "The opening; empty for a free beginning.", maxLength=1000)
    form: str = option("七絕", f"{' '.join(FORMS)}.", maxLength=20)
    lines: int | None = option(None, "The number of lines, for a 排 or 古.", minimum=2, maximum=MOST_LINES)
    template: str | None = option(None, "A template's name or part of it: 平起, 首句入韻.", maxLength=20)
    rhyme: str | None = option(None, "The rhyme group, as 陽.", maxLength=20)
    acrostic: str | None = option(None, "One character a line, as 春夏秋冬.", maxLength=1000)
    acrostic_at: str = option(
        "head",
        f"Where in the lines: {', '.join(f'{name} {han}' for name, han in ACROSTIC_PLACES.items())}.",
        enum=list(ACROSTIC_PLACES),
    )
    pattern: str | None = option(
        None, "A block a line, ＿ where free: '＿＿明月＿ ＿＿＿＿＿'.", maxLength=4000
    )
    count: int = option(1, "How many poems.", minimum=1, maximum=1000)


_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "True or False"}


@cache
def _types(schema: type[Bounded]) -> dict[str, tuple[type, ...]]:
    """Find the types of each field that holds text, a number, or True or False."""
    hints = get_type_hints(schema).items()
    types = {name: get_args(hint) if get_origin(hint) is UnionType else (hint,) for name, hint in hints}
    return {name: types for name, types in types.items() if types[0] in _NAMES}


def _is_one(value: object, types: tuple[type, ...]) -> bool:
    """Check that a value has one of some types; True is no number, and a whole number is a number."""
    if isinstance(value, bool):
        return bool in types
    if isinstance(value, Integral):
        return int in types or float in types
    return isinstance(value, types) or (isinstance(value, Real) and float in types)


class Options(TypedDict, total=False):
    """The fields of `Composing` but for start, as keyword arguments, for type checkers."""

    form: str
    lines: int | None
    level: str
    template: str | None
    rhyme: str | None
    acrostic: str | None
    acrostic_at: str
    pattern: str | None
    include: str
    exclude: str
    repeat: bool
    original: int | None
    antithesis: float
    taste: float
    title: str | None
    about: str | None
    mood: str | None
    poet: str | None
    temperature: float
    top_p: float
    particles: int
    seed: int | None
    count: int


def ordered(schema: type[Revising]) -> list[Any]:
    """List the fields of a schema, its own before those of `Revising`."""
    shared = {each.name for each in fields(Revising)}
    return sorted(fields(schema), key=lambda each: schema is not Revising and each.name in shared)


def with_options(function: F) -> F:
    """Write the fields of `Composing` into the signature of a function, in place of `**options`."""
    own, hints = signature(function).parameters, get_type_hints(Composing)
    keywords = [
        Parameter(each.name, Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name])
        for each in ordered(Composing)
        if each.name not in own
    ]
    parameters = [each for each in own.values() if each.kind != Parameter.VAR_KEYWORD] + keywords
    function.__signature__ = Signature(sorted(parameters, key=lambda each: each.kind))  # type: ignore[attr-defined]
    return function


def acrostic_position(place: str, width: int) -> int:
    """Find where an acrostic of `ACROSTIC_PLACES` stands in a line of a width, from 1."""
    return {"head": 1, "middle": (width + 1) // 2, "end": width}[place]


def check_bounds(name: str, value: object, bounds: dict[str, Any]) -> None:
    """Raise InputError, which names the field and what would do, when a value is out of bounds."""
    if isinstance(value, str):
        if value not in bounds.get("enum", [value]):
            choices = [choice for choice in bounds["enum"] if choice]
            raise InputError("choice", field=name, has=value[:20], choices=choices)
        if len(value) > (most := bounds.get("maxLength", math.inf)):
            raise InputError("too_long", field=name, has=len(value), most=most)
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise InputError("surrogate", field=name)
    elif isinstance(value, Real) and bounds:
        number = int(value) if isinstance(value, Integral) else float(value)
        least, most = bounds.get("minimum", -math.inf), bounds.get("maximum", math.inf)
        if "exclusiveMinimum" in bounds and not (above := bounds["exclusiveMinimum"]) < number <= most:
            raise InputError("range_above", field=name, has=_shown(number), above=above, most=most)
        if not least <= number <= most:
            raise InputError("range", field=name, has=_shown(number), least=least, most=most)


def _shown(value: float) -> float | str:
    """Shorten a number that JSON does not have or that has many digits."""
    if isinstance(value, int) and value.bit_length() > 64:  # Python refuses to write thousands of digits
        return f"{'-' if value < 0 else ''}10^{int(value.bit_length() * math.log10(2))}"
    return value if isinstance(value, int) or math.isfinite(value) else str(value)
