"""Write couplets 對聯: a line that faces a given one, or both lines and their 橫批 on a theme."""

from dataclasses import dataclass, replace
from typing import Any

from pingze.composing.composer import composer, seeds
from pingze.composing.constraints.facing import OPPOSITE, CoupletForm, Facing, parts_of, tones_of
from pingze.composing.constraints.inclusion import Inclusion
from pingze.composing.constraints.masks import Constraints
from pingze.composing.poem import Poem, punctuate
from pingze.composing.request.input_characters import read_characters
from pingze.composing.request.options import LENGTHS, Coupling, Revising, check_bounds
from pingze.composing.request.request import Fixed, Request, read_condition
from pingze.composing.steering.antithesis import antithesis_table
from pingze.composing.steering.taste import contradicts
from pingze.errors import InputError
from pingze.network.checkpoint import Model
from pingze.verse.characters import MARKS
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE

_TRIES = 4
"""The number of seeds to try for each couplet; couplets that have been written before are left out."""


@dataclass(frozen=True)
class Couplet:
    """A couplet 對聯."""

    upper: str
    """The upper line 上聯, which ends oblique."""
    lower: str
    """The lower line 下聯, which ends level."""
    banner: str | None
    """The four characters above the door 橫批; None if one of the lines was given."""
    tones: tuple[str, str]
    """The tones of both lines, 平 or 仄; 中 for a character whose tone is not certain."""
    antithesis: tuple[float, ...]
    """How well the characters at each place match: ln p(lower | upper) - ln p(lower) by the table of antithesis."""
    seed: int
    """The seed that reproduces the couplet."""
    model: str
    """The name of the model."""
    log_probability: float
    """ln p of both lines, in the order in which the model wrote them."""

    def __str__(self) -> str:
        return punctuate([self.upper, self.lower]) + (f"\n{self.banner}" if self.banner else "")


def couplet(line: str = "", *, model: Model | None = None, **options: Any) -> list[Couplet]:
    """Write lower lines 下聯 that face an upper line or, if no line is given, couplets 對聯 with their 橫批 on a theme.

    Pauses divide a line into parts. At every second character of a part and at its last one, the two lines have
    opposite tones. They share no character, and where one line repeats a character, so does the other. If too few
    different couplets are found, fewer than `count` are returned.

    Args:
        line: The upper line, of 4 to 11 characters, which ends oblique; marks in it show its pauses.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.
        options: `write` (the theme), `length` (of lines to a theme), `upper` (write upper lines to a lower one),
            `count`, `temperature`, `top_p`, `particles`, `antithesis` and `seed`: see `pingze couplet --help`.

    Raises InputError if a value cannot be used, or the line ends in the wrong tone; UnfinishedError if every particle
    came to a dead end; CheckpointError if the model cannot be read.
    """
    asked = Coupling(line=line, **options)
    chosen = composer(model, Revising(about=asked.write))

    def write(request: Request, facing: Facing, seed: int) -> Poem:
        constraints = Constraints(chosen.lexicon(), request)
        constraints.copying = facing
        return chosen.write(Inclusion(constraints), asked, seed)

    # 1) Read the line, and check its length and its end.
    typed = asked.line.translate(dict.fromkeys(map(ord, MARKS), " ")).split()
    parts = [read_characters("line", part, chosen.vocabulary) for part in typed]
    line, end = "".join(parts), LEVEL if asked.upper else OBLIQUE
    if not (line or asked.write):
        raise InputError("empty", field="line")
    size = len(line) or asked.length
    check_bounds("length", size, LENGTHS)
    if line and tones_of(line)[-1] not in ("", end):
        raise InputError("ends_oblique" if asked.upper else "ends_level", field="line", has=line[-1])
    lengths = tuple(map(len, parts)) if parts[1:] else parts_of(size)
    # 2) Write the other line, or both. A given lower line is read first, as if it were the upper one.
    request = Request(
        CoupletForm.of(*lengths),
        2,
        fixed=tuple(Fixed("line", 1, at, one) for at, one in enumerate(line, 1)),
        repeat=True,
        about=read_condition("about", asked.write, chosen.vocabulary),
        antithesis=asked.antithesis,
        taste=1.0,
    )
    facing = Facing(chosen.lexicon(), lengths, line, OPPOSITE[end])
    first, found = seeds(asked)[0], list[Couplet]()
    for seed in range(first, first + _TRIES * asked.count):
        poem = write(request, facing, seed)
        text = "".join(poem.lines)
        upper, lower = (text[:size], text[size:])[:: -1 if asked.upper else 1]
        if any((upper, lower) == (each.upper, each.lower) for each in found):
            continue
        # 3) Write the banner: the first four characters of a line of seven to the theme.
        banner = None
        if not line:
            apart = replace(request, form=CoupletForm.of(7), exclude=upper + lower)
            for number in range(_TRIES):  # avoid words of another season or hour
                banner = write(apart, Facing(chosen.lexicon(), (7,)), seed + number).lines[0][:4]
                if not contradicts([upper, lower, banner]):
                    break
        above, below = ("".join(tone or "中" for tone in tones_of(each)) for each in (upper, lower))
        scores = tuple(round(antithesis_table().score(*pair), 3) for pair in zip(upper, lower, strict=True))
        found.append(Couplet(upper, lower, banner, (above, below), scores, seed, chosen.name, poem.log_probability))
        if len(found) == asked.count:
            break
    return found
