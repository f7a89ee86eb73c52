"""Compute what each route answers. All of it may run in any thread."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from functools import cache, partial

from pingze import composing
from pingze import verse as prosody
from pingze.composing.compose import prepare
from pingze.composing.composer import Composer, composer
from pingze.composing.constraints.inclusion import Inclusion
from pingze.composing.mend import Mended
from pingze.composing.request.options import ACROSTIC_PLACES, acrostic_position
from pingze.composing.revise import alternatives_as, prepare_revision
from pingze.corpus import Store, store_path
from pingze.corpus.originality import of_lines
from pingze.corpus.store import usual_neighbours
from pingze.deadline import check_deadline
from pingze.errors import Clash, CorpusError, InfeasibleError, InputError
from pingze.network import checkpoint
from pingze.network.conditions import ABOUT
from pingze.serve.problems import NO_CORPUS
from pingze.serve.schemas import requests, responses
from pingze.verse import Verdict, Violation
from pingze.verse.character_table import simplified_forms
from pingze.verse.context import lines_in_context
from pingze.verse.forms import FORMS, opening_name
from pingze.verse.patterns import STRICTNESSES
from pingze.verse.rhyme_groups import GROUPS, LEVEL, OBLIQUE
from pingze.verse.rules import definition
from pingze.verse.suggestions import suggest
from pingze.verse.tones import EITHER, UNKNOWN, readings, tone

SIGNS = {LEVEL: LEVEL, OBLIQUE: OBLIQUE, EITHER: "中", UNKNOWN: "？"}
EXAMPLE = ("杜甫", "登高")
MODELS = checkpoint.SHIPPED
"""Only what ships is served: a name in a request never becomes a path."""


def model(name: str | None) -> str:
    """The model of that name. Raises InputError where it is not served."""
    if name is not None and name not in MODELS:
        raise InputError(
            f"there is no model {name!r}; there are {', '.join(MODELS)}",
            field="model",
            code="choice",
            has=name,
            choices=list(MODELS),
        )
    return name or checkpoint.DEFAULT


@cache
def choices() -> responses.Choices:
    """All that may be chosen."""
    forms = [
        responses.FormChoice(
            name=form.name,
            width=form.width,
            lines=form.lines,
            default_lines=form.default_lines,
            acrostic_positions={place: acrostic_position(place, form.width) for place in ACROSTIC_PLACES},
            regulated=form.regulated,
            antithetical=bool(form.antithetical(form.default_lines)),
            templates=[opening_name(form.width, opening[0]) for opening in form.openings],
        )
        for form in FORMS.values()
    ]
    rhymes = [responses.RhymeChoice(group.name, group.label, group.side) for group in GROUPS.values()]
    models = [_model_choice(name, composer(name)) for name in MODELS]
    unasked = requests.ComposeRequest()
    options = [
        responses.OptionChoice(
            each.name,
            each.metadata["description"],
            getattr(unasked, each.name),
            each.metadata["json_schema_extra"],
        )
        for each in fields(unasked)
    ]
    return responses.Choices(
        options=options,
        forms=forms,
        rhymes=rhymes,
        models=models,
        default_model=checkpoint.DEFAULT,
        corpus=store_path().is_file(),
        levels=STRICTNESSES,
        acrostic_places=list(ACROSTIC_PLACES),
    )


def _model_choice(name: str, chosen: Composer) -> responses.ModelChoice:
    size = chosen.network.configuration
    known = chosen.conditions
    return responses.ModelChoice(
        name, bool(known), ABOUT in known.names, known.poets, size.layers, size.hidden_size
    )


@cache
def script() -> responses.Script:
    """The Simplified form of each Traditional character that has one."""
    return responses.Script(simplified_forms())


def conflicts(asked: requests.ComposeRequest) -> responses.Conflicts:
    """What clashes, be it within one field or between several."""
    try:
        prepare(asked, model(asked.model))
    except InfeasibleError as error:
        return responses.Conflicts(False, str(error), error.clashing, error.cause)
    except InputError as error:
        return responses.Conflicts(False, str(error), [Clash(str(error), error.field or "")], error.cause)
    except CorpusError as error:
        return responses.Conflicts(False, NO_CORPUS, [Clash(NO_CORPUS, "original")], error.cause)
    return responses.Conflicts(True, "", [], None)


def revision(asked: requests.ReviseRequest) -> tuple[Composer, Inclusion]:
    """A poem made ready to be written again where its targets are."""
    targets = [
        place.line if place.position is None else (place.line, place.position) for place in asked.targets
    ]
    poem = asked.poem.read(asked.level)
    return prepare_revision(poem, targets, asked, model(asked.model))


def mend(asked: requests.MendRequest) -> Mended:
    """A draft without its faults, and what was changed and why."""
    return composing.mend(
        asked.text,
        keep=asked.keep.split(),
        form=asked.form,
        level=asked.level,
        title=asked.title,
        poet=asked.poet,
        seed=asked.seed,
        model=model(asked.model),
    )


def alternatives(asked: requests.AlternativesRequest) -> responses.Alternatives:
    """What could stand at a place."""
    poem, place = asked.poem.read(asked.level), (asked.line, asked.position)
    return responses.Alternatives(alternatives_as(poem, place, asked, asked.limit, model(asked.model)))


def explain(asked: requests.ExplainRequest) -> responses.Reasons:
    """Why each character stands where it does."""
    poem, chosen = asked.poem.read(asked.level), model(asked.model)
    return responses.Reasons(composing.explain(poem, limit=asked.limit, level=asked.level, model=chosen))


def check(asked: requests.CheckRequest) -> responses.Verdicts:
    """Form, tones and rhyme of poems, and what would fit at each fault."""
    texts = prosody.split_poems(asked.text)
    if not texts:
        raise InputError("the text holds no verse", field="text", code="empty")
    verdicts = [prosody.check(text, form=asked.form, level=asked.level) for text in texts]
    with usual_neighbours() as neighbours:
        fitting = partial(suggest, neighbours=neighbours)
        return responses.Verdicts([_judged(verdict, fitting) for verdict in verdicts])


def _judged(verdict: Verdict, fitting: Callable[[Verdict, Violation], Sequence[str]]) -> responses.Judged:
    faults = []
    for fault in verdict.violations:
        check_deadline()
        faults.append(
            responses.Fault(
                **asdict(fault),
                definition=definition(fault.rule),
                fitting=fitting(verdict, fault),
                cause=fault.cause(verdict.rhyme),
            )
        )
    return responses.Judged(
        ok=verdict.ok,
        judged=verdict.judged,
        form=verdict.form,
        template=verdict.template,
        rhyme=verdict.rhyme,
        level=verdict.level,
        lines=verdict.lines,
        read=lines_in_context(verdict.lines),
        tones=["".join(SIGNS[tone(character)] for character in line) for line in verdict.lines],
        readings=[[[*map(str, readings(character))] for character in line] for line in verdict.lines],
        violations=faults,
        notes=verdict.notes,
        remarks=[note.cause for note in verdict.notes],
    )


def originality(asked: requests.OriginalityRequest) -> responses.Originality:
    """What each line shares with the corpus."""
    with Store.open() as store:
        return responses.Originality(list(of_lines(asked.poem.read().lines, store)))


@cache
def example() -> responses.Example:
    """A poem of the corpus that the page offers to check. Raises CorpusError where it is not there."""
    with Store.open() as store:
        for poem in store.poems(dynasty="tang"):
            if (poem.author, poem.title) == EXAMPLE:
                return responses.Example(poem.author, poem.title, poem.text)
    raise CorpusError("the corpus does not hold the example")


def warm_up() -> float:
    """Load what is answered from, and give the seconds that a token of one text takes among many."""
    choices(), script()
    for text in ("月日風平月，平月月日東。平平平月日，月日日平天。", "月日风平后，平平月日云。"):
        check(requests.CheckRequest(text=text, form="五絕"))
    asked = requests.ComposeRequest(form="五律", particles=64, seed=0)
    for name in MODELS:
        chosen, inclusion = prepare(asked, name)
        begun = time.perf_counter()
        written = chosen.write(inclusion, asked.sampling, seed=0)
        took = time.perf_counter() - begun
        composing.explain(written, model=name)
    return took / (asked.particles * inclusion.constraints.tokens)
