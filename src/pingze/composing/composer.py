"""Poems that keep every constraint: what a person asks for comes in, poems go out."""

import secrets
from collections.abc import Sequence
from dataclasses import fields
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int

from pingze import checkpoint
from pingze.arrays import Array
from pingze.composing.antithesis import Antithesis, antithesis_table
from pingze.composing.blas import shared_fairly
from pingze.composing.conflict import clashing
from pingze.composing.constraints import Constraints
from pingze.composing.copying import Copying
from pingze.composing.deadline import check_deadline
from pingze.composing.inclusion import Inclusion
from pingze.composing.lexicon import Lexicon
from pingze.composing.numpy_network import LayerStates, NumpyNetwork, log_softmax
from pingze.composing.options import Composing, Revising
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
        """The runs that may not be copied, where the request asks for originality."""
        if not request.original:
            return None
        from pingze.corpus import Store  # composing without it needs no database

        with Store.open() as store:
            return Copying(store.suffix_array(), self.vocabulary, request.form.width, request.original)

    def write(
        self, inclusion: Inclusion, temperature: float, particles: int, seed: int, top_p: float = 1.0
    ) -> Poem:
        """One poem from a population of its own."""
        return self.write_many(inclusion, temperature, particles, [seed], top_p)[0]

    def write_many(
        self,
        inclusion: Inclusion,
        temperature: float,
        particles: int,
        seeds: Sequence[int],
        top_p: float = 1.0,
    ) -> list[Poem]:
        """A poem for each seed, from a population of its own; some populations are written side by side."""
        together = max(1, ROWS // particles)
        poems = []
        for start in range(0, len(seeds), together):
            batch = seeds[start : start + together]
            writing = self.draft(inclusion, temperature, particles, batch, top_p)
            with shared_fairly():
                finish(writing)
            poems += self.poems([writing], batch)
        return poems

    def draft(
        self,
        inclusion: Inclusion,
        temperature: float,
        particles: int,
        seeds: Sequence[int],
        top_p: float = 1.0,
    ) -> Writing:
        """A population for each seed, nothing of them written yet."""
        request = inclusion.constraints.request
        return Writing(
            self.network,
            inclusion.constraints,
            [inclusion.draw(particles, np.random.default_rng(seed)) for seed in seeds],
            temperature=temperature,
            top_p=top_p,
            prefix=self.prefix(request),
            antithesis=self._antithesis(request),
        )

    def poems(self, writings: Sequence[Writing], seeds: Sequence[int]) -> list[Poem]:
        """A poem from each finished population of some writings."""
        finished = [
            (writing, population, population.choose(start.rng))
            for writing in writings
            for population, start in zip(writing.populations, writing.starts, strict=True)
        ]
        states = [population.states.part(slice(row, row + 1)) for _, population, row in finished]
        last_marks = np.array([writing.ids[0] for writing, *_ in finished])
        ends = log_softmax(self.network.logits(self.network.step(LayerStates.joined(states), last_marks)))[
            :, EOS
        ]
        return [
            self._poem(writing.constraints, population, row, seed, float(end))
            for (writing, population, row), seed, end in zip(finished, seeds, ends, strict=True)
        ]

    def _antithesis(self, request: Request) -> Antithesis | None:
        """The table of antithesis, where the request gives it weight and the form needs it."""
        if not request.antithesis or not request.form.antithetical(request.lines):
            return None
        return self.antithesis

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
    level: str = "customary",
    template: str | None = None,
    rhyme: str | None = None,
    acrostic: str | None = None,
    acrostic_at: str = "head",
    pattern: str | None = None,
    include: str = "",
    exclude: str = "",
    repeat: bool = False,
    original: int | None = None,
    antithesis: float = Composing.antithesis,
    title: str | None = None,
    poet: str | None = None,
    about: str | None = None,
    temperature: float = 0.8,
    top_p: float = 0.7,
    particles: int = 8,
    seed: int | None = None,
    count: int = 1,
    model: str | Path | None = None,
) -> list[Poem]:
    """`count` poems that keep every constraint; a seed makes them repeat.

    `start` is the opening, `form` a form 體 as 七絕, `lines` the number of lines of a 排 or 古. `level` is how
    strictly tones are kept (customary or strict), `template` a template's name or a part of it (平起, 首句入韻),
    `rhyme` a rhyme group 韻部. `acrostic` puts a character a line at its head, middle or end (`acrostic_at`);
    `pattern` has one block a line, with ＿ where a character is free. `include` has words that must appear,
    with spaces between them, `exclude` characters that must not. `title`, `poet` and `about`, for models that know
    them, are what it is written to, in whose manner, and a theme, a word or some. No character stands twice, but in
    reduplication 疊字 and where you fix it, unless `repeat`. No line shares more than `original` characters in a row
    with a line of the corpus. `antithesis` is what antithesis 對仗 weighs in the couplets that need it. Below 1,
    `top_p` keeps to the likeliest characters that together have that share at each place.

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
            seed=seed,
            count=count,
        ),
        model,
    )


def compose_as(asked: Composing, model: str | Path | None = None) -> list[Poem]:
    """The poems that are asked for; raises as `compose` does."""
    chosen, inclusion = prepare(asked, model)
    return chosen.write_many(inclusion, asked.temperature, asked.particles, seeds(asked), asked.top_p)


def prepare(asked: Composing, model: str | Path | None = None) -> tuple[Composer, Inclusion]:
    """The model that is to write, and what it is to keep; raises as `compose` does."""
    chosen = composer(model)
    refuse_conditions(chosen, asked.title, asked.poet, asked.about)
    options = {each.name: getattr(asked, each.name) for each in fields(Composing)}
    return chosen, chosen.prepare(read_request(chosen.vocabulary, **options))


def seeds(asked: Revising) -> range:
    """A seed for each poem that is asked for."""
    first = random_seed() if asked.seed is None else asked.seed
    return range(first, first + (asked.count if isinstance(asked, Composing) else 1))


def refuse_conditions(chosen: Composer, title: str | None, poet: str | None, about: str | None) -> None:
    """Raises InputError when a title, poet or theme is asked of a model that was not trained with them."""
    known = bool(chosen.conditions)
    for option, value, knows in (
        ("title", title, known),
        ("poet", poet, known),
        ("about", about, ABOUT in chosen.conditions.names),
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
