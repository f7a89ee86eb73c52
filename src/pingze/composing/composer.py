"""Compose poems that keep every constraint: `compose`, and the `Composer` that a model becomes."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from pingze import checkpoint
from pingze.arrays import Array
from pingze.composing.antithesis import Antithesis, antithesis_table
from pingze.composing.blas import shared_fairly
from pingze.composing.choice import best, log_probabilities
from pingze.composing.conflict import clashing
from pingze.composing.constraints import Constraints
from pingze.composing.copying import Copying
from pingze.composing.deadline import check_deadline
from pingze.composing.inclusion import Inclusion
from pingze.composing.lexicon import FREE, Lexicon
from pingze.composing.numpy_network import LayerStates, NumpyNetwork, log_softmax
from pingze.composing.options import Composing, Revising, Sampling
from pingze.composing.particles import Population, Writing, finish
from pingze.composing.poem import Poem, mark_after
from pingze.composing.request import Request, read_request
from pingze.conditions import ABOUT, Conditions
from pingze.errors import InfeasibleError, InputError
from pingze.prosody.forms import opening_name
from pingze.vocabulary import EOS

ROWS = 256
"""So many particles are written side by side where several poems are asked for."""


class Composer:
    """A model made ready to compose: what is computed once and used for every poem."""

    def __init__(self, loaded: checkpoint.Checkpoint) -> None:
        self.name, self.vocabulary = loaded.name, loaded.vocabulary
        self.network = NumpyNetwork(loaded)
        self.lexicon = Lexicon.of(loaded.vocabulary)
        self.conditions = Conditions(loaded.vocabulary)

    def prepare(self, request: Request, old: dict[int, int] | None = None) -> Inclusion:
        """The request compiled; `old` holds what stood at places that are written again.

        Raises InfeasibleError, which names what clashes, if no poem can keep it; CorpusError if it asks for
        originality and there is no corpus.
        """
        copying = self._copying(request)
        inclusion = Inclusion(Constraints(self.lexicon, request, old, copying))
        if not inclusion.is_possible:
            raise InfeasibleError(request.form.name, clashing(self.lexicon, request, copying))
        return inclusion

    def prefix(self, request: Request) -> list[int]:
        """The tokens of a request's conditions; none where the model knows none."""
        if not self.conditions:
            return []
        parts = self.conditions.prefix(request.form.name, request.poet, request.title, about=request.about)
        return [int(id_) for part in parts for id_ in part]

    def _copying(self, request: Request) -> Copying | None:
        """The substrings that may not be copied, where the request asks for originality."""
        if not request.original:
            return None
        from pingze.corpus import Store  # composing without it needs no database

        with Store.open() as store:
            return Copying(store.suffix_array(), self.vocabulary, request.form.width, request.original)

    def write(self, inclusion: Inclusion, sampling: Sampling, seed: int) -> Poem:
        """One poem from drafts of its own."""
        return self.write_many(inclusion, sampling, [seed])[0]

    def write_many(
        self,
        inclusion: Inclusion,
        sampling: Sampling,
        seeds: Sequence[int],
    ) -> list[Poem]:
        """A poem for each seed, from drafts of its own; those of some poems are written side by side."""
        together = max(1, ROWS // (sampling.particles * sampling.drafts))
        poems = []
        for start in range(0, len(seeds), together):
            batch = seeds[start : start + together]
            writing = self.draft(inclusion, sampling, batch)
            with shared_fairly():
                finish(writing)
            poems += self.poems([writing], [batch])
        return poems

    def draft(
        self,
        inclusion: Inclusion,
        sampling: Sampling,
        seeds: Sequence[int],
    ) -> Writing:
        """A population for each draft of each seed, nothing of them written yet."""
        request = inclusion.constraints.request
        if request.original:  # only in a broad population some text is sure to stay original
            sampling = replace(sampling, particles=sampling.particles * sampling.drafts, drafts=1)
        return Writing(
            self.network,
            inclusion.constraints,
            [
                inclusion.draw(sampling.particles, np.random.default_rng([seed, draft]))
                for seed in seeds
                for draft in range(sampling.drafts)
            ],
            sampling=sampling,
            prefix=self.prefix(request),
            antithesis=self._antithesis(request),
        )

    def poems(self, writings: Sequence[Writing], seeds: Sequence[Sequence[int]]) -> list[Poem]:
        """A poem for each seed of some finished writings: the best of its drafts."""
        drafts = [
            (writing, population, population.choose(start.rng), int(seed))
            for writing, own in zip(writings, seeds, strict=True)
            for population, start, seed in zip(
                writing.populations,
                writing.starts,
                np.repeat(own, len(writing.starts) // len(own)),
                strict=True,
            )
        ]
        states = [population.states.take(slice(row, row + 1)) for _, population, row, _ in drafts]
        last_marks = np.array([writing.ids[0] for writing, *_ in drafts])
        ends = log_softmax(self.network.logits(self.network.step(LayerStates.joined(states), last_marks)))[
            :, EOS
        ]
        poems = iter(
            [
                self._poem(writing.constraints, population, row, seed, float(end))
                for (writing, population, row, seed), end in zip(drafts, ends, strict=True)
            ]
        )
        return [
            self._best(writing, list(islice(poems, len(writing.starts) // len(own))))
            for writing, own in zip(writings, seeds, strict=True)
            for _ in own
        ]

    def _best(self, writing: Writing, drafts: Sequence[Poem]) -> Poem:
        """The draft that becomes the poem."""
        request = writing.constraints.request
        given = np.array([draft.log_probability for draft in drafts])
        plain = given
        if len(drafts) > 1 and self.conditions and (request.title or request.about):
            texts = np.stack([self.token_ids(draft.lines) for draft in drafts])
            prefix = self.prefix(replace(request, title=None, about=None))
            plain = log_probabilities(self.network, texts, prefix)
        return drafts[best([draft.lines for draft in drafts], given, plain)]

    def _antithesis(self, request: Request) -> Antithesis | None:
        """The table of antithesis, where the request gives it weight and the form needs it."""
        if not request.antithesis or not request.form.antithetical(request.lines):
            return None
        return self.antithesis

    def answering(self, constraints: Constraints, place: int) -> Float[Array, "V"]:
        """What antithesis adds to ln p of each character at a place of a finished text.

        That is w·s with the character that stands opposite, in the line before or after.
        """
        request, fixed = constraints.request, constraints.fixed
        table, added = self._antithesis(request), np.zeros(len(self.vocabulary), np.float32)
        if table is None or fixed is None:
            return added
        above, below = constraints.opposite(place), place + constraints.width
        if above is not None and fixed[above] != FREE:
            added += table.opposite(np.array([fixed[above]]))[0]
        if below < constraints.places and constraints.opposite(below) == place and fixed[below] != FREE:
            added += table.over(fixed[below])
        return added * np.float32(request.antithesis)

    @cached_property
    def antithesis(self) -> Antithesis:
        """How well the vocabulary's characters stand opposite each other."""
        return antithesis_table().of(self.vocabulary)

    def _lines(self, constraints: Constraints, ids: Int[Array, "P"]) -> list[str]:
        width, text = constraints.width, self.vocabulary.decode(ids)
        return [text[start : start + width] for start in range(0, len(text), width)]

    def _poem(
        self, constraints: Constraints, population: Population, row: int, seed: int, log_end: float
    ) -> Poem:
        template, rhyme = self._kept(constraints, population.alive[row])
        request = constraints.request
        return Poem(
            form=request.form.name,
            template=template,
            rhyme=rhyme,
            title=request.title,
            poet=request.poet,
            about=request.about,
            seed=seed,
            model=self.name,
            lines=self._lines(constraints, population.ids[row]),
            log_probability=float(population.log_probabilities[row]) + log_end,
        )

    def log_probability(self, lines: list[str], prefix: Sequence[int] = ()) -> float:
        """Ln p of a poem's text after a prefix, marks and end included, at temperature 1."""
        return float(self.score(lines, prefix)[1].sum(dtype=np.float64))

    def token_ids(self, lines: list[str]) -> Int[Array, "N"]:
        """The ids of a poem's whole text: its characters, the mark after each line, and `<eos>`."""
        text = "".join(line + mark_after(number) for number, line in enumerate(lines))
        return np.append(self.vocabulary.encode(text), EOS)

    def score(self, lines: list[str], prefix: Sequence[int] = ()) -> tuple[Array, Array]:
        """Ln p over the vocabulary before each token of a poem, (N, V), and that of the token itself, (N,).

        The tokens are the characters, the mark after each line, and `<eos>`; the prefix is read before them.
        """
        ids = self.token_ids(lines)
        states = [self.network.start(prefix=prefix)]
        for id_ in ids[:-1]:
            check_deadline()
            states.append(self.network.step(states[-1], id_[None]))
        log_p = log_softmax(self.network.logits(LayerStates.joined(states)))
        return log_p, log_p[np.arange(len(ids)), ids]

    def _kept(self, constraints: Constraints, alive: Bool[Array, "T G"]) -> tuple[str | None, str]:
        """The template and the rhyme group that a text keeps; the first of several."""
        template, group = np.argwhere(alive)[0]
        opening = constraints.request.openings[template]
        name = opening_name(constraints.width, opening[0]) if opening else None
        return name, constraints.request.groups[group]


def composer(model: str | Path | None = None) -> Composer:
    """The composer of a model, kept for the next call. Raises CheckpointError where the model cannot be read."""
    name = str(model or checkpoint.DEFAULT)
    path = Path(name) / checkpoint.MODEL_FILE if Path(name).is_dir() else Path(name)
    changed = path.stat().st_mtime_ns if name not in checkpoint.SHIPPED and path.is_file() else 0
    return _composer(name, changed)


@lru_cache(maxsize=4)
def _composer(name: str, changed: int) -> Composer:
    """Kept by name and by when the file was last changed."""
    return Composer(checkpoint.load(name))


def compose(
    start: str = "",
    *,
    form: str,
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
    title: str | None = None,
    poet: str | None = None,
    about: str | None = None,
    temperature: float = Composing.temperature,
    top_p: float = Composing.top_p,
    particles: int = Composing.particles,
    drafts: int = Composing.drafts,
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
        lines: How many lines 句 a 排 or 古 has, an even number up to 200; by default 10 and 8.
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
        title: A title, for models that know titles.
        poet: Whose manner, for models that know poets.
        about: A theme, a word or some, for models that know themes.
        temperature: 0 takes the likeliest character, 1 draws as the model would; up to 100.
        top_p: Below 1, the likeliest characters that together have this share at each place; above 0.
        particles: How many texts are written side by side for each draft, 1 to 4096.
        drafts: Among how many finished drafts the best is chosen for each poem, 1 to 256.
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
            title=title,
            poet=poet,
            about=about,
            temperature=temperature,
            top_p=top_p,
            particles=particles,
            drafts=drafts,
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
    refuse_conditions(chosen, asked)
    return chosen, chosen.prepare(read_request(chosen.vocabulary, asked))


def seeds(asked: Revising) -> range:
    """A seed for each poem that is asked for."""
    first = random_seed() if asked.seed is None else asked.seed
    return range(first, first + (asked.count if isinstance(asked, Composing) else 1))


def refuse_conditions(chosen: Composer, asked: Revising) -> None:
    """Raises InputError when a title, poet or theme is asked of a model that was not trained with them."""
    known = bool(chosen.conditions)
    for option, value, knows in (
        ("title", asked.title, known),
        ("poet", asked.poet, known),
        ("about", asked.about, ABOUT in chosen.conditions.names),
    ):
        if value and not knows:
            what = "themes" if option == "about" else f"a {option}"
            raise InputError(
                f"the model {chosen.name} was not trained with {what}; leave it out",
                field=option,
                code="no_condition",
                model=chosen.name,
            )


def random_seed() -> int:
    """A seed that no one chose, to be told with the poem."""
    return secrets.randbelow(2**32)
