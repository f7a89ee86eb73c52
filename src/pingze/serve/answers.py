"""Compute the answer of each route, in a worker."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from functools import cache, partial

from pingze import composing
from pingze import verse as prosody
from pingze.composing import Alternative, Mended, Reason
from pingze.composing.composer import Composer, composer, prepare
from pingze.composing.request.options import ACROSTIC_PLACES, acrostic_position
from pingze.composing.revise import alternatives_as
from pingze.corpus import Store, store_path
from pingze.corpus.originality import Shared, of_lines
from pingze.corpus.store import usual_neighbours
from pingze.deadline import check_deadline
from pingze.errors import Clash, CorpusError, InfeasibleError, InputError
from pingze.messages import Language
from pingze.network import checkpoint
from pingze.network.conditions import ABOUT
from pingze.serve.problems import Problem
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
"""Only shipped models are served: a name in a request never becomes a path."""


def model(name: str | None) -> str:
    """Check the name of a model. Raises InputError if it is not served."""
    if name is not None and name not in MODELS:
        raise InputError("choice", field="model", has=name, choices=list(MODELS))
    return name or checkpoint.DEFAULT


@cache
def choices(_: None = None) -> responses.Choices:
    """List all that may be chosen."""
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
def script(_: None = None) -> dict[str, dict[str, str]]:
    """Give the Simplified form of each Traditional character that has one."""
    return {"simplified": simplified_forms()}


def conflicts(argument: tuple[requests.ComposeRequest, Language]) -> responses.Conflicts:
    """Find the constraints that clash, within one field or between several."""
    asked, language = argument
    try:
        prepare(asked, model(asked.model))
    except (InfeasibleError, InputError, CorpusError) as error:
        problem = Problem.of_error(error, language)
        clashes = problem.clashes
        if not clashes and not isinstance(error, InfeasibleError):
            field = problem.field or ("original" if isinstance(error, CorpusError) else "")
            clashes = [Clash(problem.detail, field)]
        return responses.Conflicts(False, problem.detail, clashes, problem.cause)
    return responses.Conflicts(True, "", [], None)


def mend(asked: requests.MendRequest) -> Mended:
    """Mend a faulty poem, and say what was changed and why."""
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


def alternatives(asked: requests.AlternativesRequest) -> dict[str, list[Alternative]]:
    """Find characters for a place."""
    poem, place = asked.poem.read(asked.level), (asked.line, asked.position)
    return {"alternatives": alternatives_as(poem, place, asked, asked.limit, model(asked.model))}


def explain(asked: requests.ExplainRequest) -> dict[str, list[Reason]]:
    """Explain each character of a poem."""
    poem, chosen = asked.poem.read(asked.level), model(asked.model)
    return {"reasons": composing.explain(poem, limit=asked.limit, level=asked.level, model=chosen)}


def check(argument: tuple[requests.CheckRequest, Language]) -> dict[str, list[responses.Judged]]:
    """Check form, tones and rhyme of poems, and find what would fit at each fault."""
    asked, language = argument
    texts = prosody.split_poems(asked.text)
    if not texts:
        raise InputError("no_verse", field="text", name="text")
    verdicts = [prosody.check(text, form=asked.form, level=asked.level) for text in texts]
    with usual_neighbours() as neighbours:
        fitting = partial(suggest, neighbours=neighbours)
        return {"verdicts": [_judged(verdict, fitting, language) for verdict in verdicts]}


def _judged(
    verdict: Verdict, fitting: Callable[[Verdict, Violation], Sequence[str]], language: Language
) -> responses.Judged:
    faults = []
    for fault in verdict.violations:
        check_deadline()
        faults.append(
            responses.Fault(
                **asdict(fault),
                definition=definition(fault.rule, language),
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
        notes=[note.text(language) for note in (*verdict.doubts, *verdict.notes)],
        remarks=[note.cause for note in (*verdict.doubts, *verdict.notes)],
    )


def originality(asked: requests.OriginalityRequest) -> dict[str, list[Shared]]:
    """Compare each line with the corpus."""
    with Store.open() as store:
        found = []
        for shared in of_lines(asked.poem.read().lines, store):
            check_deadline()
            found.append(shared)
        return {"lines": found}


@cache
def example(_: None) -> responses.Example:
    """Find the poem of the corpus that the page offers to check. Raises CorpusError without it."""
    with Store.open() as store:
        for poem in store.poems(dynasty="tang"):
            if (poem.author, poem.title) == EXAMPLE:
                return responses.Example(poem.author, poem.title, poem.text)
    raise CorpusError("no_corpus_here")


def warm_up() -> float:
    """Load the models and tables; return the seconds that a token of one text takes among many."""
    choices(), script()
    for text in ("月日風平月，平月月日東。平平平月日，月日日平天。", "月日风平后，平平月日云。"):
        check((requests.CheckRequest(text=text, form="五絕"), "en"))
    asked = requests.ComposeRequest(form="五律", particles=64, seed=0)
    for name in MODELS:
        chosen, inclusion = prepare(asked, name)
        begun = time.perf_counter()
        written = chosen.write(inclusion, asked.sampling, seed=0)
        took = time.perf_counter() - begun
        composing.explain(written, model=name)
    return took / (asked.particles * inclusion.constraints.tokens)
