"""Define the options of a poem and their bounds for the command line, Python and HTTP.

Each field has a description. Its bounds use the keywords of JSON Schema. The constructors check the
values.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from inspect import Parameter, Signature, signature
from numbers import Integral, Real
from types import UnionType
from typing import Any, TypedDict, TypeVar, get_args, get_origin, get_type_hints

from pingze.errors import InputError, wrong_type
from pingze.verse.forms import COUPLET_WIDTHS, FORMS
from pingze.verse.patterns import CUSTOMARY, STRICTNESSES, enforced
from pingze.verse.standard import PINGSHUI, STANDARDS

MOODS = ("joyful", "calm", "sad")
MOST_LINES = 60  # the maximum number of lines: a poem of thirty rhymes
FEW_TOKENS = 64
"""The number of tokens in a 七律.

A longer poem gets fewer particles, so that it takes no longer to compose.
"""
FEWEST_PARTICLES = 8
STRENGTHS: dict[str, Any] = {"minimum": 0, "maximum": 10}
# of a couplet's lines, in characters
LENGTHS: dict[str, Any] = {"minimum": COUPLET_WIDTHS[0], "maximum": COUPLET_WIDTHS[-1]}
LARGEST_SEED = 2**53 - 1  # the largest whole number that every JSON reader reads exactly
NUCLEUS = "The nucleus: draw almost only from the smallest set of likeliest characters with this total probability."

F = TypeVar("F", bound=Callable[..., Any])


def option(default: Any, sentence: str, *, strict: bool = True, **bounds: Any) -> Any:
    """Make a field with a description and bounds; a field whose default is `...` is required.

    `strict` forbids JSON of another type, such as "1" for 1.
    """
    metadata: dict[str, Any] = {"description": sentence, "json_schema_extra": bounds}
    if strict:
        metadata["strict"] = True
    if default is ...:
        return field(metadata=metadata)
    if isinstance(default, list):  # instances must not share a list; the default is always empty
        return field(default_factory=list, metadata=metadata)
    return field(default=default, metadata=metadata)


hints_of: Callable[[type], dict[str, Any]] = cache(get_type_hints)
_KINDS: dict[type, tuple[type, str]] = {
    str: (str, "text"),
    int: (Integral, "a whole number"),
    float: (Real, "a number"),
    bool: (bool, "True or False"),
}
"""For each field type, the type of its values and the name of this type in messages.

NumPy's numbers are accepted.
"""


@dataclass(frozen=True, kw_only=True)
class Bounded:
    """A dataclass that checks its values.

    Raises InputError, which names the field, if a value is out of bounds.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 (pydantic's name for it)

    def __post_init__(self) -> None:
        hints = hints_of(type(self))
        for each in fields(self):
            value = getattr(self, each.name)
            hint = hints[each.name]
            # 1) The type, where it is one of `_KINDS` or a union that begins with one.
            types = get_args(hint) if get_origin(hint) is UnionType else (hint,)
            if types[0] in _KINDS:
                _, name_of_type = _KINDS[types[0]]
                accepted_types = []
                for type_ in types:
                    accepted, _ = _KINDS.get(type_, (type_, ""))  # None has no entry
                    accepted_types.append(accepted)
                is_right = isinstance(value, tuple(accepted_types))
                if isinstance(value, bool):  # Python takes True for a number; here it is none
                    is_right = bool in types
                if not is_right:
                    raise wrong_type(each.name, value, name_of_type)
            # 2) The bounds, which hold for each item of a list.
            bounds = each.metadata.get("json_schema_extra", {})
            items = value if isinstance(value, list) else [value]
            most = bounds.get("maxItems", math.inf)
            if len(items) > most:
                raise InputError("too_many", field=each.name, has=len(items), most=most)
            for item in items:
                check_bounds(each.name, item, bounds)


@dataclass(frozen=True)
class Sampling(Bounded):
    """The options of sampling."""

    temperature: float = option(
        0.8,
        "0 always takes the likeliest character; higher values draw less likely ones more often.",
        minimum=0,
        maximum=100,
    )
    particles: int = option(
        128, "The number of particles for each poem; long poems use fewer.", minimum=1, maximum=4096
    )
    top_p: float = option(1.0, NUCLEUS, exclusiveMinimum=0, maximum=1)
    seed: int | None = option(
        None, "The same seed gives the same poem.", minimum=0, maximum=LARGEST_SEED
    )

    def particles_for(self, tokens: int) -> int:
        """Return a poem's number of particles.

        Above `FEW_TOKENS` tokens, the number is proportional to 1/`tokens`².
        """
        return min(
            self.particles, max(FEWEST_PARTICLES, self.particles * FEW_TOKENS**2 // tokens**2)
        )


@dataclass(frozen=True, kw_only=True)
class Composing(Sampling):
    """The options of a poem."""

    start: str = option("", "The opening; empty for a free beginning.", maxLength=1000)
    form: str = option("七絕", f"One of {' '.join(FORMS)}, or a tune, as 浣溪沙.", maxLength=20)
    lines: int | None = option(
        None, "The number of lines, for a 排 or 古.", minimum=2, maximum=MOST_LINES
    )
    template: str | None = option(
        None,
        "The name of an opening template, or part of the name, as 平起 or 首句入韻.",
        maxLength=20,
    )
    rhyme: str | None = option(
        None, "The rhyme group, as 陽; for a tune a part of 詞林正韻, as 第二部.", maxLength=60
    )
    acrostic: str | None = option(
        None, "One character per line, as 春夏秋冬; ＿ leaves a line free.", maxLength=1000
    )
    acrostic_at: str = option(
        "head",
        "Where in each line the acrostic is: head 藏頭, middle 藏中, end 藏尾.",
        enum=["head", "middle", "end"],
    )
    pattern: str | None = option(
        None,
        "One block of characters per line, with ＿ at each free position, and [靜晚夜] where one "
        "of some characters is to be: '＿＿明月＿ ＿＿[山江]＿＿'.",
        maxLength=4000,
    )
    count: int = option(1, "The number of poems.", minimum=1, maximum=1000)
    level: str = option(
        CUSTOMARY,
        f"How strictly tones are judged: {' or '.join(STRICTNESSES)}, with changes: "
        "+小拗 +三仄尾 +鄰韻 enforce a rule, -孤平 drops one, -本句自救 -對句相救 reject a rescue.",
        maxLength=60,
    )
    standard: str = option(
        PINGSHUI.name,
        f"How characters are read: {', '.join(f'{name} {each.label}' for name, each in STANDARDS.items())}.",
        enum=list(STANDARDS),
    )
    include: str = option(
        "", "Words that must appear, separated by spaces, as '雁 芙蓉'.", maxLength=100
    )
    exclude: str = option("", "Characters that must not appear.", maxLength=1000)
    exclude_words: str = option(
        "", "Words that must not appear, separated by spaces, as '匈奴 何處'.", maxLength=1000
    )
    repeat: bool = option(
        False, "Allow a character to appear more than once, not only in reduplication."
    )
    usual_forms: bool = option(
        False,
        "Write characters in their usual forms, as 猿 for 猨, unless that could break a tone or a rhyme.",
    )
    original: int | None = option(
        None,
        "The maximum number of consecutive characters that a line may share with a line of the corpus.",
        minimum=2,
        maximum=100,
    )
    # The default is low, because composed couplets score above real ones even at 0: taste favours
    # antithesis.
    antithesis: float = option(
        0.1,
        "How strongly antithesis 對仗 counts in the couplets that need it; 0 leaves it to the model.",
        **STRENGTHS,
    )
    taste: float = option(
        1.0,
        "How strongly the predicted judgement of a reader counts; 0 leaves the choice to the model.",
        **STRENGTHS,
    )
    title: str | None = option(
        None, "A title of at most 20 characters, for models that know titles.", maxLength=200
    )
    about: str | None = option(
        None,
        "A theme of at most 8 characters, as 江雪, for models that know themes.",
        maxLength=200,
    )
    mood: str | None = option(
        None,
        f"One of {', '.join(MOODS)}; by default the mood of the title or theme, if it has one.",
        enum=[None, *MOODS],
    )
    like: str = option("", "Characters to prefer, as those of a poem to resemble.", maxLength=1000)
    unlike: str = option(
        "", "Characters to use less, as those of other poems on the subject.", maxLength=1000
    )
    poet: str | None = option(
        None, "The poet whose manner to imitate, for models that know poets.", maxLength=20
    )
    top_p: float = option(0.85, NUCLEUS, exclusiveMinimum=0, maximum=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        enforced(self.level)


@dataclass(frozen=True, kw_only=True)
class Collecting(Composing):
    """The options for a 集句, a poem of lines of the corpus.

    `original` is refused, so no help describes it.
    """

    form: str = option("七絕", f"One of {' '.join(FORMS)}.", maxLength=20)
    rhyme: str | None = option(None, "The rhyme group, as 陽.", maxLength=60)
    original: int | None = option(None, "", minimum=2, maximum=100)
    poets: str = option(
        "",
        "Poets or dynasties whose lines to quote, separated by spaces, as '杜甫 李白' or 唐.",
        maxLength=200,
    )


@dataclass(frozen=True, kw_only=True)
class Coupling(Sampling):
    """The options for writing couplets 對聯."""

    line: str = option(
        "", "The upper line, with marks at its pauses; empty to write both lines.", maxLength=40
    )
    write: str | None = option(
        None,
        "Write both lines, and a 橫批, to this theme of at most 8 characters, as 新春.",
        maxLength=200,
    )
    length: int = option(7, "The number of characters in each line, if none is given.", **LENGTHS)
    upper: bool = option(False, "Read the line as a lower one, and write upper lines to it.")
    count: int = option(1, "The number of couplets, all different.", minimum=1, maximum=100)
    particles: int = option(
        128, "The number of particles for each couplet.", minimum=1, maximum=4096
    )
    antithesis: float = option(1.0, "How strongly antithesis 對仗 counts.", **STRENGTHS)
    exclude: str = option("", "Characters that must not appear.", maxLength=1000)
    mood: str | None = option(None, f"One of {', '.join(MOODS)}.", enum=[None, *MOODS])


@dataclass(frozen=True, kw_only=True)
class Finding(Bounded):
    """What characters and words are searched for."""

    tone: str | None = option(
        None,
        "平 or 仄; for a word the tone of its last character, or of both, as 平仄.",
        enum=[None, "平", "仄", "平平", "平仄", "仄平", "仄仄"],
    )
    rhyme: str | None = option(None, "The rhyme group, as 先, of the last character.", maxLength=20)
    meaning: str = option(
        "", "What it means: words of English, as river, or a word of Chinese, as 江.", maxLength=60
    )
    line: str = option(
        "",
        "A line with one ＿ or two where it is to stand, as 孤舟＿夜雨: what fits best comes first.",
        maxLength=40,
    )
    standard: str = option(
        PINGSHUI.name, f"How characters are read: {', '.join(STANDARDS)}.", enum=list(STANDARDS)
    )
    count: int = option(
        20, "The most characters, and the most words, to list.", minimum=1, maximum=200
    )


class Options(TypedDict, total=False):
    """The options of `compose` for type checkers: all of `Composing` but `start` and `count`."""

    form: str
    lines: int | None
    level: str
    standard: str
    template: str | None
    rhyme: str | None
    acrostic: str | None
    acrostic_at: str
    pattern: str | None
    include: str
    exclude: str
    exclude_words: str
    repeat: bool
    usual_forms: bool
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
    like: str
    unlike: str


def fields_in_order(schema: type[Bounded]) -> list[Any]:
    """List a schema's fields as help shows them: those of `Sampling` last."""
    return sorted(fields(schema), key=lambda each: each.name in Sampling.__dataclass_fields__)


def with_options(schema: type[Bounded], omit: Sequence[str] = ()) -> Callable[[F], F]:
    """Return a decorator that shows a schema's fields, instead of `**options`, in a signature.

    `help` and documentation read this signature, so that no function has to write the fields out. A
    type checker reads `Options` instead. The fields in `omit` are left out.
    """

    def decorate(function: F) -> F:
        parameters = dict(signature(function).parameters)
        del parameters["options"]
        for each in fields_in_order(schema):
            if each.name not in omit:
                parameter = Parameter(
                    each.name,
                    Parameter.KEYWORD_ONLY,
                    default=each.default,
                    annotation=hints_of(schema)[each.name],
                )
                # a parameter that the function itself has stays as it is
                parameters.setdefault(each.name, parameter)
        function.__signature__ = Signature(list(parameters.values()))  # type: ignore[attr-defined]
        return function

    return decorate


def check_bounds(name: str, value: object, bounds: dict[str, Any]) -> None:
    """Raise InputError, which names the field and its bounds, if a value is out of bounds."""
    if isinstance(value, str):
        if "enum" in bounds and value not in bounds["enum"]:
            choices = [choice for choice in bounds["enum"] if choice]  # None is no text to name
            raise InputError("choice", field=name, has=value[:20], choices=choices)
        most = bounds.get("maxLength", math.inf)
        if len(value) > most:
            raise InputError("too_long", field=name, has=len(value), most=most)
        # half of a UTF-16 pair is no character, and cannot be written as UTF-8
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise InputError("surrogate", field=name)
    elif isinstance(value, Real) and bounds:
        # NumPy's numbers, which are accepted too, become Python's
        number = int(value) if isinstance(value, Integral) else float(value)
        least = bounds.get("minimum", -math.inf)
        most = bounds.get("maximum", math.inf)
        if "exclusiveMinimum" in bounds:
            above = bounds["exclusiveMinimum"]
            if not above < number <= most:
                raise InputError(
                    "range_above", field=name, has=_shown(number), above=above, most=most
                )
        if not least <= number <= most:
            raise InputError("range", field=name, has=_shown(number), least=least, most=most)


def _shown(value: float) -> float | str:
    """Shorten a number with many digits.

    Convert infinity or NaN to text, because JSON cannot represent them.
    """
    # Python refuses to write thousands of digits
    if isinstance(value, int) and value.bit_length() > 64:
        return f"{'-' if value < 0 else ''}10^{int(value.bit_length() * math.log10(2))}"
    return value if isinstance(value, int) or math.isfinite(value) else str(value)
