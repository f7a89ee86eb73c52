"""`compose`: from the options that a person gives to poems."""

import secrets
from pathlib import Path

from pingze.composing.composer import Composer, composer
from pingze.composing.constraints.inclusion import Inclusion
from pingze.composing.poem import Poem
from pingze.composing.request.options import Composing, Revising
from pingze.composing.request.parse import read_request
from pingze.errors import InputError
from pingze.network.conditions import ABOUT, Conditions


def compose(
    start: str = "",
    *,
    form: str = Composing.form,
    lines: int | None = None,
    level: str = Composing.level,
    template: str | None = None,
    rhyme: str | None = None,
    acrostic: str | None = None,
    acrostic_at: str = Composing.acrostic_at,
    pattern: str | None = None,
    include: str = "",
    exclude: str = "",
    repeat: bool = False,
    original: int | None = None,
    antithesis: float = Composing.antithesis,
    taste: float = Composing.taste,
    title: str | None = None,
    poet: str | None = None,
    about: str | None = None,
    mood: str | None = None,
    temperature: float = Composing.temperature,
    top_p: float = Composing.top_p,
    particles: int = Composing.particles,
    seed: int | None = None,
    count: int = Composing.count,
    model: str | Path | None = None,
) -> list[Poem]:
    """`count` poems that keep every constraint.

    No character stands twice, but in reduplication 疊字, where you fix it, and with `repeat`. Lines and characters are
    counted from 1; Simplified characters are read as Traditional ones.

    Args:
        start: The opening, of any length up to the whole poem.
        form: The form 體: 五絕 七絕 五律 七律 五排 七排 五古 七古.
        lines: How many lines 句 a 排 or 古 has, an even number up to 60; by default 10 and 8.
        level: How strictly tones are kept, customary or strict.
        template: The name of an opening template or a part of it: 平起, 首句入韻.
        rhyme: The rhyme group 韻部, as 陽; a level one in regulated verse.
        acrostic: A character a line, as 春夏秋冬.
        acrostic_at: Where in the lines: head 藏頭, middle 藏中 or end 藏尾.
        pattern: A block of characters a line, with spaces between them and ＿ where a character is free.
        include: Words that must appear, with spaces between them.
        exclude: Characters that must not.
        repeat: Whether a character may stand twice apart.
        original: How many characters in a row a line may share with any line of the corpus, 2 to 100.
        antithesis: What antithesis 對仗 weighs in the couplets that need it, 0 to 10; 0 leaves it to the model.
        taste: How much it weighs what a reader would make of the poem, 0 to 10; 0 leaves it to the model.
        title: A title, for models that know titles.
        poet: Whose manner, for models that know poets.
        about: A theme, a word or some, for models that know themes.
        mood: joyful, calm or sad; by default the one that title or theme tells, if any.
        temperature: 0 takes the likeliest character, 1 draws as the model would; up to 100.
        top_p: Below 1, the likeliest characters that together have this share at each place; above 0.
        particles: How many texts are written side by side for each poem, 1 to 4096; fewer of a long one.
        seed: From 0; poems of a seed repeat. Poem n of `count` has the seed + n - 1.
        count: How many poems, 1 to 1000.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.

    Raises InputError on a value that cannot be used, InfeasibleError when the constraints clash, UnfinishedError
    when no draft could stay original, CorpusError when `original` finds no corpus, CheckpointError on a model that
    cannot be read.
    """
    return compose_as(
        Composing(
            start=start,
            form=form,
            lines=lines,
            level=level,
            template=template,
            rhyme=rhyme,
            acrostic=acrostic,
            acrostic_at=acrostic_at,
            pattern=pattern,
            include=include,
            exclude=exclude,
            repeat=repeat,
            original=original,
            antithesis=antithesis,
            taste=taste,
            title=title,
            poet=poet,
            about=about,
            mood=mood,
            temperature=temperature,
            top_p=top_p,
            particles=particles,
            seed=seed,
            count=count,
        ),
        model,
    )


def compose_as(asked: Composing, model: str | Path | None = None) -> list[Poem]:
    """The poems that are asked for; raises as `compose` does."""
    chosen, inclusion = prepare(asked, model)
    return chosen.write_many(inclusion, asked.sampling, seeds(asked))


def prepare(asked: Composing, model: str | Path | None = None) -> tuple[Composer, Inclusion]:
    """The model that is to write, and what it is to keep; raises as `compose` does."""
    chosen = composer(model)
    refuse_conditions(chosen.name, chosen.conditions, asked)
    return chosen, chosen.prepare(read_request(chosen.vocabulary, asked))


def seeds(asked: Revising) -> range:
    """A seed for each poem that is asked for."""
    first = random_seed() if asked.seed is None else asked.seed
    return range(first, first + (asked.count if isinstance(asked, Composing) else 1))


def refuse_conditions(model: str, conditions: Conditions, asked: Revising) -> None:
    """Raises InputError when a title, poet or theme is asked of a model that was not trained with them."""
    known = bool(conditions)
    for option, value, knows in (
        ("title", asked.title, known),
        ("poet", asked.poet, known),
        ("about", asked.about, ABOUT in conditions.names),
    ):
        if value and not knows:
            what = "themes" if option == "about" else f"a {option}"
            raise InputError(
                f"the model {model} was not trained with {what}; leave it out",
                field=option,
                code="no_condition",
                model=model,
            )


def random_seed() -> int:
    """A seed that no one chose, to be told with the poem."""
    return secrets.randbelow(2**32)
