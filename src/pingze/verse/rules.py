"""The rules, each a value: what it says, where it stands, and poems that keep and break it.

In an example 平 and 仄 stand for themselves, for the one is level and the other oblique; other characters are there
for their rhyme. The tests check every example.
"""

from dataclasses import dataclass

from pingze.verse.patterns import CUSTOMARY, STRICT

WANG = "王力《詩詞格律》"
USAGE = "customary in Tang verse; counts in docs/prosody.md"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of regulated verse."""

    name: str
    """Its name, and that of the fault of breaking it."""
    definition: str
    """What it asks for."""
    source: str
    """Where it is laid down."""
    accepted: tuple[str, ...]
    """Poems that keep it, and every other rule."""
    rejected: tuple[str, ...]
    """Poems that break it, and no other."""
    strictness: str = CUSTOMARY
    """The strictness from which it is broken: a rule that only strict verse keeps is a note in customary verse."""


_ALL = (
    Rule(
        "失對",
        "The second, fourth and sixth characters of a couplet's two lines have opposite tones 對.",
        WANG,
        ("仄仄平平仄，平平仄仄東。平平平仄仄，仄仄仄平同。",),
        (
            "仄仄平平仄，平仄仄仄東。平平平仄仄，仄仄仄平同。",
            "仄仄平平仄，平平仄仄東。平平平仄仄，平平仄仄同。",
        ),
    ),
    Rule(
        "失黏",
        "The second character of a couplet's first line has the tone of the line before 黏.",
        WANG,
        ("平平平仄仄，仄仄仄平東。仄仄平平仄，平平仄仄同。",),
        (
            "仄仄平平仄，平平仄仄東。仄仄平平仄，平平仄仄同。",
            "仄仄平平仄，平平仄仄東。平仄平仄仄，仄仄仄平同。",
        ),
    ),
    Rule(
        "孤平",
        "In a line 平平仄仄平 the first level character (in seven: the third) turns oblique only if the third (fifth) "
        "turns level.",
        WANG,
        (
            "仄仄平平仄，仄平平仄東。平平平仄仄，仄仄仄平同。",
            "平平仄仄平平仄，平仄仄平平仄東。平仄平平平仄仄，平平仄仄仄平同。",
        ),
        (
            "仄仄平平仄，仄平仄仄東。平平平仄仄，仄仄仄平同。",
            "平平仄仄平平仄，平仄仄平仄仄東。平仄平平平仄仄，平平仄仄仄平同。",
        ),
    ),
    Rule(
        "三平調",
        "A rhymed line does not end in three level characters.",
        WANG,
        ("仄仄平平仄，平平仄仄東。平平平仄仄，平仄仄平同。",),
        ("仄仄平平仄，平平仄仄東。平平平仄仄，仄仄平平同。",),
    ),
    Rule(
        "三仄尾",
        "An unrhymed line does not end in three oblique characters.",
        WANG,
        ("仄仄平平仄，平平仄仄東。仄平平仄仄，仄仄仄平同。",),
        ("仄仄平平仄，平平仄仄東。平平仄仄仄，仄仄仄平同。",),
        strictness=STRICT,
    ),
    Rule(
        "特拗",
        "A line 平平平仄仄 may be written 平平仄平仄, if its first character (in seven: the third) is level.",
        WANG,
        ("仄仄平平仄，平平仄仄東。平平仄平仄，仄仄仄平同。",),
        ("仄仄平平仄，平平仄仄東。仄平仄平仄，仄仄仄平同。",),
    ),
    Rule(
        "大拗",
        "The fourth character (in seven: the sixth) of a line 仄仄平平仄 turns oblique only if the third (fifth) of "
        "the next line turns level: a rescue 拗救.",
        WANG,
        (
            "仄仄平仄仄，平平平仄東。平平平仄仄，仄仄仄平同。",
            "仄仄仄仄仄，仄平平仄東。平平平仄仄，仄仄仄平同。",
        ),
        ("仄仄平仄仄，平平仄仄東。平平平仄仄，仄仄仄平同。",),
    ),
    Rule(
        "小拗",
        "The third character (in seven: the fifth) of a line 仄仄平平仄 turns oblique only if that of the next line "
        "turns level.",
        WANG,
        ("仄仄仄平仄，平平平仄東。平平平仄仄，仄仄仄平同。",),
        ("仄仄仄平仄，平平仄仄東。平平平仄仄，仄仄仄平同。",),
        strictness=STRICT,
    ),
    Rule(
        "仄腳",
        "A line that does not rhyme ends oblique.",
        WANG,
        ("仄仄仄平中，平平仄仄東。平平平仄仄，仄仄仄平同。",),
        ("仄仄平平仄，平平仄仄東。平平平仄平，仄仄仄平同。",),
    ),
    Rule(
        "出韻",
        "The even lines rhyme in one level group; so does the first line where it ends level.",
        WANG,
        ("仄仄平平仄，平平仄仄東。平平平仄仄，仄仄仄平同。",),
        (
            "仄仄平平仄，平平仄仄東。平平平仄仄，仄仄仄平同。仄仄平平仄，平平仄仄天。平平平仄仄，仄仄仄平中。",
            "仄仄仄平天，平平仄仄東。平平平仄仄，仄仄仄平同。",
        ),
    ),
    Rule(
        "鄰韻",
        "A rhymed first line keeps to the group of the others; custom lets it borrow from a neighbouring one.",
        USAGE,
        ("仄仄仄平中，平平仄仄東。平平平仄仄，仄仄仄平同。",),
        ("仄仄仄平冬，平平仄仄東。平平平仄仄，仄仄仄平同。",),
        strictness=STRICT,
    ),
    Rule(
        "重韻",
        "No character rhymes twice in a poem.",
        USAGE,
        ("仄仄平平仄，平平仄仄東。平平平仄仄，仄仄仄平同。",),
        ("仄仄平平仄，平平仄仄東。平平平仄仄，仄仄仄平東。",),
    ),
)

RULES = {rule.name: rule for rule in _ALL}
"""Every rule by its name."""

RHYME_RULES = ("出韻", "鄰韻", "重韻")
"""The rules that another character of the rhyme group mends."""

SHAPE_RULES = {
    "句數": "A form has its number of lines.",
    "字數": "A form's lines have five or seven characters.",
}
"""What a poem breaks that is asked for in a form of another shape; it is not checked further."""


def definition(rule: str) -> str:
    """What a rule asks for."""
    return RULES[rule].definition if rule in RULES else SHAPE_RULES[rule]
