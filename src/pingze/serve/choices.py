"""List what a request may choose from, and the tables that the page needs once."""

from dataclasses import fields
from functools import cache

from pingze.composing.composer import load_composer
from pingze.corpus import Store, store_path
from pingze.errors import CorpusError
from pingze.messages import Language, catalogue
from pingze.network import checkpoint
from pingze.network.conditions import ABOUT
from pingze.serve import schemas
from pingze.verse.character_table import (
    mainland_variants,
    simplified_forms,
    to_traditional,
    usual_variants,
)
from pingze.verse.forms import FORMS, Form, opening_name
from pingze.verse.patterns import STRICTNESSES
from pingze.verse.rhyme_groups import OBLIQUE
from pingze.verse.standard import STANDARDS, Standard
from pingze.verse.tunes import Tune, tunes

EXAMPLE = ("杜甫", "登高")
NOT_OPTIONS = ("kept", "was", "choices", "exclude_at")  # fields of a sheet that hold no wish
NOT_PEOPLE = ("郊廟朝會歌辭",)  # author names under which the corpus has poems by several poets
FREQUENT = 10  # pieces of a tune's shape that is listed; /v1/tunes describes any other


@cache
def forms(language: Language) -> schemas.Choices:
    """List a sheet's options with their bounds, and the forms, rhymes and models to choose from."""
    return schemas.Choices(
        options=_options(language),
        forms=[_form(form) for form in FORMS.values()],
        tunes=[tune_choice(tune) for tune in tunes().values() if _is_listed(tune)],
        standards=[_standard(standard) for standard in STANDARDS.values()],
        models=[_model(name) for name in checkpoint.SHIPPED],
        default_model=checkpoint.DEFAULT,
        corpus=store_path().is_file(),
        levels=STRICTNESSES,
    )


def _options(language: Language) -> list[schemas.OptionChoice]:
    """List the options of a sheet."""
    empty_sheet = schemas.SheetBody()  # each option has its default
    options = []
    for field in fields(empty_sheet):
        if field.name in NOT_OPTIONS:
            continue
        sentence = field.metadata["description"]
        if language == "zh":
            sentence = catalogue()["described"][field.name]
        options.append(
            schemas.OptionChoice(
                name=field.name,
                description=sentence,
                default=getattr(empty_sheet, field.name),
                bounds=field.metadata["json_schema_extra"],
            )
        )
    return options


def _form(form: Form) -> schemas.FormChoice:
    """Describe a form of 詩."""
    return schemas.FormChoice(
        name=form.name,
        width=form.width,
        lines=form.lines,
        default_lines=form.default_lines,
        regulated=form.regulated,
        antithetical=bool(form.antithetical(form.default_lines)),
        templates=[opening_name(form.width, opening[0]) for opening in form.openings],
    )


def _standard(standard: Standard) -> schemas.StandardChoice:
    """Describe a standard of rhyme with its groups and parts."""
    groups = []
    for group in standard.groups.values():
        choice = schemas.RhymeChoice(name=group.name, label=group.label, side=group.side)
        groups.append(choice)
    parts = []
    for part, label in standard.parts.labels():
        # A part of entering tones has the class 入, which is its side too. Any other part has level
        # and oblique groups: it has no class 入, or, by a standard of Mandarin, 仄 in its place.
        side = standard.parts.class_in(part, "入").replace(OBLIQUE, "")
        if not side:
            side = "平仄"
        parts.append(schemas.RhymeChoice(name=part, label=label, side=side))
    return schemas.StandardChoice(
        name=standard.name, label=standard.label, rhymes=groups, parts=parts
    )


def _model(name: str) -> schemas.ModelChoice:
    """Describe a shipped model and what it knows."""
    composer = load_composer(name)
    conditions = composer.conditions
    configuration = composer.network.configuration
    # The same poet may be known by several spellings; each name is listed once, in their order.
    poets = dict.fromkeys(to_traditional(poet) for poet in conditions.poets)
    return schemas.ModelChoice(
        name=name,
        titles=bool(conditions),
        themes=ABOUT in conditions.names,
        poets=[poet for poet in poets if poet not in NOT_PEOPLE],
        tunes=conditions.tunes,
        layers=configuration.layers,
        units=configuration.hidden_size,
    )


def _is_listed(tune: Tune) -> bool:
    """Return whether the page lists a shape: a tune's usual one, or a frequent one of 《欽定詞譜》."""
    if "·" not in tune.name:  # the other shapes are named as 臨江仙·格二
        return True
    by_long_yusheng = "龍" in tune.number
    return tune.pieces >= FREQUENT and not by_long_yusheng


def tune_choice(tune: Tune) -> schemas.TuneChoice:
    """Describe a tune in one of its shapes."""
    rhymes = range(len(tune.rhymed))
    classes_of_rhymes = ["".join(sorted(tune.kinds(rhyme))) for rhyme in rhymes]
    return schemas.TuneChoice(
        name=tune.name,
        names=tune.names,
        widths=tune.widths,
        marks="".join(line.mark for line in tune.lines),
        stanzas=[number for number, line in enumerate(tune.lines, 1) if line.ends_stanza],
        tones=[line.tones for line in tune.lines],
        leads=[number for number, line in enumerate(tune.lines, 1) if line.leads],
        rhymes=classes_of_rhymes,
        pieces=tune.pieces,
    )


@cache
def script() -> schemas.Script:
    """Map Traditional characters to Simplified ones, and variants to their other forms."""
    return schemas.Script(
        simplified=simplified_forms(), variants=mainland_variants(), usual=usual_variants()
    )


@cache
def example() -> schemas.Example:
    """Return a Tang poem from the corpus as an example text for the check.

    Answer 409 if there is no corpus.
    """
    with Store.open() as store:
        for poem in store.poems(dynasty="tang"):
            if (poem.author, poem.title) == EXAMPLE:
                return schemas.Example(author=poem.author, title=poem.title, text=poem.text)
    raise CorpusError("no_corpus_here")
