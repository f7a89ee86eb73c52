"""Compose poems from a person's options."""

import secrets
from pathlib import Path
from typing import Unpack

from pingze.composing.composer import Composer, composer
from pingze.composing.constraints.inclusion import Inclusion
from pingze.composing.poem import Poem
from pingze.composing.request.options import Composing, Options, Revising, with_options
from pingze.composing.request.request import read_request


@with_options
def compose(start: str = "", *, model: str | Path | None = None, **options: Unpack[Options]) -> list[Poem]:
    """Compose `count` poems that keep every constraint.

    No character appears twice, except in reduplication 疊字, where you fix it, and with `repeat`. Lines and characters
    count from 1; Simplified characters are read as Traditional ones.

    Args:
        start: The opening, of any length up to the whole poem.
        form: 五絕 五律 五排 五古 七絕 七律 七排 七古.
        lines: The number of lines, for a 排 or 古.
        template: A template's name or part of it: 平起, 首句入韻.
        rhyme: The rhyme group, as 陽.
        acrostic: One character a line, as 春夏秋冬.
        acrostic_at: Where in the lines: head 藏頭, middle 藏中, end 藏尾.
        pattern: A block a line, ＿ where free: '＿＿明月＿ ＿＿＿＿＿'.
        count: How many poems.
        level: How strictly tones are judged: customary or strict.
        include: Words that must appear, as '雁 芙蓉'; a space separates them.
        exclude: Characters that must not appear.
        repeat: Let a character appear twice, apart.
        original: The most characters in a row that a line may share with a line of the corpus.
        antithesis: How much antithesis 對仗 weighs in the couplets that need it; 0 leaves it to the model.
        taste: How much the likely judgement of a reader weighs; 0 leaves it to the model.
        title: A title, of 20 characters at most, for models that know titles.
        about: A theme, as 江雪, of 8 characters at most, for models that know themes.
        mood: joyful, calm, sad; by default the mood of the title or theme, if it has one.
        poet: A poet's manner, for models that know poets.
        temperature: 0 takes the likeliest character; higher dares more.
        top_p: The share of the nucleus: the likeliest characters that together have this probability.
        particles: How many particles each poem has; fewer for a long one.
        seed: The same seed gives the same poem.
        model: A shipped model's name, a checkpoint, or the folder of a run or an export.

    Raises InputError on a value that cannot be used, InfeasibleError when the constraints clash, UnfinishedError
    when no particle could stay original, CorpusError when `original` finds no corpus, CheckpointError on a model that
    cannot be read.
    """
    return compose_as(Composing(start=start, **options), model)


def compose_as(asked: Composing, model: str | Path | None = None, *, reference: bool = False) -> list[Poem]:
    """Compose poems of some options; raises as `compose` does."""
    chosen, inclusion = prepare(asked, model, reference=reference)
    return chosen.write_many(inclusion, asked.sampling, seeds(asked))


def prepare(
    asked: Composing, model: str | Path | None = None, *, reference: bool = False
) -> tuple[Composer, Inclusion]:
    """Load the model and compile the request; raises as `compose` does."""
    chosen = composer(model, asked, reference=reference)
    return chosen, chosen.prepare(read_request(chosen.vocabulary, asked))


def seeds(asked: Revising) -> range:
    """List a seed for each poem, from a random one where none is asked for."""
    first = secrets.randbelow(2**32) if asked.seed is None else asked.seed
    return range(first, first + (asked.count if isinstance(asked, Composing) else 1))
