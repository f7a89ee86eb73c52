"""What a person may ask of a poem, and within which bounds: the one schema of command line, Python and HTTP.

Each field says in a sentence what it is; its bounds are in the words of JSON Schema. Making one of these dataclasses
checks them.
"""

import math
from dataclasses import dataclass, field, fields, replace
from functools import cache
from numbers import Integral, Real
from types import UnionType
from typing import Any, TypedDict, get_args, get_origin, get_type_hints

from pingze.composing.steering.mood import MOODS
from pingze.errors import InputError, wrong_type
from pingze.verse.forms import FORMS
from pingze.verse.patterns import CUSTOMARY, STRICTNESSES

ACROSTIC_PLACES = {"head": "藏頭", "middle": "藏中", "end": "藏尾"}
MOST_INCLUDED = 28
"""So many characters may be asked to appear: those of a whole 七絕."""
MOST_LINES = 60
"""So many lines may be asked for: a poem of thirty rhymes."""
FEW_TOKENS = 64
"""The tokens of a 七律: a poem of more is drawn among fewer texts, so that it takes no longer."""
FEWEST_PARTICLES = 8
LARGEST_SEED = 2**53 - 1
"""The largest whole number that every JSON reader reads exactly."""
LIMITS = (
    ("least", "minimum", "at least"),
    ("above", "exclusiveMinimum", "above"),
    ("most", "maximum", "at most"),
)
"""What bounds a number: the name of an error's parameter, JSON Schema's, and words for it."""


def option(default: Any, sentence: str, **bounds: Any) -> Any:
    """A field with its sentence and its bounds; one with the default ... must be given."""
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
    """How poems are drawn."""

    temperature: float
    """The inverse of what the model's logits are multiplied by; 0 takes the likeliest character."""
    particles: int
    """Texts written side by side for each poem."""
    top_p: float = 1.0
    """Below 1, at each place the likeliest characters that together have this share."""

    def within(self, tokens: int) -> "Sampling":
        """As it is for a poem of so many tokens: a long one has fewer particles, by the square of its length."""
        fewer = max(FEWEST_PARTICLES, self.particles * FEW_TOKENS**2 // tokens**2)
        return replace(self, particles=min(self.particles, fewer))


@dataclass(frozen=True, kw_only=True)
class Revising(Bounded):
    """What may be asked of a poem that is written, wholly or in part."""

    level: str = option(
        CUSTOMARY, f"How strictly tones are judged: {' or '.join(STRICTNESSES)}.", enum=list(STRICTNESSES)
    )
    include: str = option("", "Words that must appear, as '雁 芙蓉'; a space separates them.", maxLength=100)
    exclude: str = option("", "Characters that must not.", maxLength=1000)
    repeat: bool = option(False, "Let a character stand twice apart.")
    original: int | None = option(
        None,
        "How many characters in a row a line may share with any line of the corpus.",
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
        "How much it weighs what a reader would make of the poem; 0 leaves it to the model.",
        minimum=0,
        maximum=10,
    )
    title: str | None = option(
        None, "A title, of 20 characters at most, for models that know titles.", maxLength=200
    )
    about: str | None = option(
        None,
        "What it is to be about, as 江雪, in 8 characters at most, for models that know themes.",
        maxLength=200,
    )
    mood: str | None = option(
        None,
        f"{', '.join(MOODS)}; by default the one that title or theme tells, if any.",
        enum=[None, *MOODS],
    )
    poet: str | None = option(None, "A poet's manner, for models that know poets.", maxLength=20)
    temperature: float = option(
        0.8, "0 takes the likeliest character; higher dares more.", minimum=0, maximum=100
    )
    top_p: float = option(
        0.85, "Keep to the likeliest characters that have this share.", exclusiveMinimum=0, maximum=1
    )
    particles: int = option(
        128,
        "How many texts are written side by side for each poem; fewer of a long one.",
        minimum=1,
        maximum=4096,
    )
    seed: int | None = option(None, "The same seed gives the same poem.", minimum=0, maximum=LARGEST_SEED)

    @property
    def sampling(self) -> Sampling:
        """How poems are drawn."""
        return Sampling(self.temperature, self.particles, self.top_p)

    @classmethod
    def sentence(cls, name: str) -> str:
        """What a field is."""
        return next(str(each.metadata["description"]) for each in fields(Composing) if each.name == name)


@dataclass(frozen=True, kw_only=True)
class Composing(Revising):
    """What may be asked of poems that are still to be written."""

    start: str = option("", "The opening; empty for a free beginning.", maxLength=1000)
    form: str = option("七絕", f"{' '.join(FORMS)}.", maxLength=20)
    lines: int | None = option(None, "How many lines, of a 排 or 古.", minimum=2, maximum=MOST_LINES)
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

    @classmethod
    def of(cls, asked: Revising) -> "Composing":
        """What is asked of a poem that is written again, with nothing asked beside it."""
        return cls(**{each.name: getattr(asked, each.name) for each in fields(Revising)})


_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "True or False"}


@cache
def _types(schema: type[Bounded]) -> dict[str, tuple[type, ...]]:
    """For each field that holds text, a number or a truth the types that it takes."""
    hints = get_type_hints(schema).items()
    types = {name: get_args(hint) if get_origin(hint) is UnionType else (hint,) for name, hint in hints}
    return {name: types for name, types in types.items() if types[0] in _NAMES}


def _is_one(value: object, types: tuple[type, ...]) -> bool:
    """Whether a value has one of some types; True is no number, and a whole number is a number."""
    if isinstance(value, bool):
        return bool in types
    if isinstance(value, Integral):
        return int in types or float in types
    return isinstance(value, types) or (isinstance(value, Real) and float in types)


class Kept(TypedDict, total=False):
    """What a poem that is written again may be asked to keep; the fields are those of `Composing`."""

    lines: int | None
    level: str
    template: str | None
    rhyme: str | None
    acrostic: str | None
    acrostic_at: str
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


def acrostic_position(place: str, width: int) -> int:
    """Where in a line of that width an acrostic of `ACROSTIC_PLACES` stands, from 1."""
    return {"head": 1, "middle": (width + 1) // 2, "end": width}[place]


def check_bounds(name: str, value: object, bounds: dict[str, Any]) -> None:
    """Raises InputError, which names the field and what would do, when a value is out of bounds."""
    if isinstance(value, str):
        _check_text(name, value, bounds)
    elif isinstance(value, Real) and not _within(number := _plain(value), bounds):
        shown = _shown(number)
        raise InputError(
            f"{name} is {shown}; it must be {_in_words(number, bounds)}",
            field=name,
            code="range",
            has=shown,
            **{word: bounds[key] for word, key, _ in LIMITS if key in bounds},
        )


def _plain(value: Real) -> float:
    """A number of Python's own, of one that may be NumPy's."""
    return int(value) if isinstance(value, Integral) else float(value)


def _shown(value: float) -> float | str:
    """A number, or a short text for one that JSON does not have or that has many digits."""
    if isinstance(value, int) and value.bit_length() > 64:  # Python refuses to write thousands of digits
        return f"{'-' if value < 0 else ''}10^{int(value.bit_length() * math.log10(2))} or so"
    return value if isinstance(value, int) or math.isfinite(value) else str(value)


def too_long(message: str, field: str, has: int, most: int) -> InputError:
    """What is said of a field that `has` more characters, lines or items than `most`."""
    return InputError(message, field=field, code="too_long", has=has, most=most)


def _check_text(name: str, text: str, bounds: dict[str, Any]) -> None:
    if text not in bounds.get("enum", [text]):
        choices = [choice for choice in bounds["enum"] if choice]
        raise InputError(
            f"{name} {text[:20]!r} is unknown; choose one of {', '.join(choices)}",
            field=name,
            code="choice",
            has=text[:20],
            choices=choices,
        )
    if len(text) > bounds.get("maxLength", math.inf):
        most = bounds["maxLength"]
        raise too_long(f"{name} has {len(text)} characters; give {most} at most", name, len(text), most)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InputError(
            f"{name} holds half a character (a lone surrogate); if you typed it whole, set PYTHONUTF8=1",
            field=name,
            code="surrogate",
        )


def _within(value: float, bounds: dict[str, Any]) -> bool:
    return (
        bounds.get("minimum", -math.inf) <= value <= bounds.get("maximum", math.inf)
        and value > bounds.get("exclusiveMinimum", -math.inf)
        and (isinstance(value, int) or math.isfinite(value))
    )


def _in_words(value: float, bounds: dict[str, Any]) -> str:
    words = [f"{word} {bounds[key]}" for _, key, word in LIMITS if key in bounds]
    finite = isinstance(value, int) or math.isfinite(value)
    return ("" if finite else "a finite number, ") + " and ".join(words)
