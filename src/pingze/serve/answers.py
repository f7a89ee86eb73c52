"""Compute the answers to requests in a worker process, with one function for each route."""

import json
import pickle
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from functools import cache, lru_cache
from typing import Any

from pingze.composing import couplets, desk, explaining, mending
from pingze.composing.collecting import kept_lines
from pingze.composing.composer import composer, lexicon_of, prepare
from pingze.composing.judging import SheetVerdict, judge
from pingze.composing.poem import Poem
from pingze.composing.reading import read_poem
from pingze.composing.sheet import Sheet
from pingze.composing.terms.antithesis import antithesis_notes
from pingze.composing.typed_text import noted
from pingze.corpus import Store, store_path
from pingze.corpus.store import of_lines, usual_neighbours
from pingze.deadline import check_deadline
from pingze.errors import Clash, CorpusError, InfeasibleError, InputError
from pingze.messages import Language, catalogue, say
from pingze.network import checkpoint
from pingze.network.conditions import ABOUT
from pingze.serve import schemas
from pingze.serve.problems import Problem
from pingze.verse import checking, scansion
from pingze.verse.character_table import mainland_variants, simplified_forms, to_traditional
from pingze.verse.forms import COUPLET, FORMS, opening_name
from pingze.verse.patterns import STRICTNESSES
from pingze.verse.rhyme_book import EITHER, UNKNOWN
from pingze.verse.rhyme_groups import LEVEL, OBLIQUE
from pingze.verse.standard import STANDARDS
from pingze.verse.suggestions import Neighbours, suggest
from pingze.verse.tunes import Tune, tunes
from pingze.verse.verdict import Note, Verdict

PickledRequest = bytes  # also the key by which a worker keeps the prepared request
SIGNS = {LEVEL: LEVEL, OBLIQUE: OBLIQUE, EITHER: "中", UNKNOWN: "？"}
FREQUENT = 10  # pieces of a tune's shape that is listed; /v1/tunes describes any other
EXAMPLE = ("杜甫", "登高")
NOT_OPTIONS = ("kept", "was", "choices", "exclude_at")
NOT_PEOPLE = ("郊廟朝會歌辭",)  # author names under which the corpus has poems by several poets


@cache
def forms(language: Language) -> schemas.Choices:
    """List the options of a request with their bounds, and the forms, rhyme groups and models to choose from."""
    unasked = schemas.SheetBody()
    options = []
    for each in fields(unasked):
        if each.name in NOT_OPTIONS:
            continue
        sentence, bounds = each.metadata["description"], each.metadata["json_schema_extra"]
        if language == "zh":
            sentence = catalogue()["described"][each.name]
        options.append(
            schemas.OptionChoice(each.name, sentence, getattr(unasked, each.name), bounds)
        )
    of_verse, models, standards = [], [], []
    for form in FORMS.values():
        templates = [opening_name(form.width, opening[0]) for opening in form.openings]
        inner, sizes = (
            bool(form.antithetical(form.default_lines)),
            (form.width, form.lines, form.default_lines),
        )
        of_verse.append(schemas.FormChoice(form.name, *sizes, form.regulated, inner, templates))
    of_tunes = [tune_choice(tune) for tune in tunes().values() if _is_listed(tune)]
    for name in checkpoint.SHIPPED:
        known, size = composer(name).conditions, composer(name).network.configuration
        poets = [
            poet
            for poet in dict.fromkeys(map(to_traditional, known.poets))
            if poet not in NOT_PEOPLE
        ]
        knows = (bool(known), ABOUT in known.names, poets, known.tunes)
        models.append(schemas.ModelChoice(name, *knows, size.layers, size.hidden_size))
    for standard in STANDARDS.values():
        groups = [
            schemas.RhymeChoice(each.name, each.label, each.side)
            for each in standard.groups.values()
        ]
        parts = []
        for part, label in standard.parts.labels():
            side = standard.parts.class_in(part, "入").replace(OBLIQUE, "") or "平仄"
            parts.append(schemas.RhymeChoice(part, label, side))
        standards.append(schemas.StandardChoice(standard.name, standard.label, groups, parts))
    corpus, default = store_path().is_file(), checkpoint.DEFAULT
    return schemas.Choices(
        options, of_verse, of_tunes, standards, models, default, corpus, STRICTNESSES
    )


def _is_listed(tune: Tune) -> bool:
    """Return whether the page lists a shape: the usual one of each tune, and those with many pieces."""
    return "·" not in tune.name or (tune.pieces >= FREQUENT and "龍" not in tune.number)


def tune_choice(tune: Tune) -> schemas.TuneChoice:
    """Describe a tune in one of its shapes."""
    return schemas.TuneChoice(
        name=tune.name,
        names=tune.names,
        widths=tune.widths,
        marks="".join(line.mark for line in tune.lines),
        stanzas=[number for number, line in enumerate(tune.lines, 1) if line.ends_stanza],
        tones=[line.tones for line in tune.lines],
        leads=[number for number, line in enumerate(tune.lines, 1) if line.leads],
        rhymes=["".join(sorted(tune.kinds(rhyme))) for rhyme in range(len(tune.rhymed))],
        pieces=tune.pieces,
    )


@cache
def script() -> schemas.Script:
    """Map Traditional characters to Simplified ones, and variant characters to the forms that Simplified text uses."""
    return schemas.Script(simplified=simplified_forms(), variants=mainland_variants())


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


def conflicts(asked: schemas.ConflictsRequest, language: Language) -> schemas.Conflicts:
    """Find the clashing constraints of a request, and their positions, without composing a poem."""
    try:
        prepare(asked.sheet, asked.model)
    except (InfeasibleError, InputError, CorpusError) as error:
        problem = Problem.of(error, language)
        clashes = problem.clashes
        if not clashes and not isinstance(error, InfeasibleError):
            field = problem.field or ("original" if isinstance(error, CorpusError) else "")
            clashes = [Clash(problem.detail, field, reason=problem.detail)]
        return schemas.Conflicts(False, problem.detail, clashes, problem.cause)
    return schemas.Conflicts(True, "", [], None)


def mend(asked: schemas.MendRequest, language: Language) -> schemas.MendedPoems:
    """Mend a draft by changing as few characters as possible, in `count` ways at most."""
    with noted() as notes:
        found = mending.mend(
            asked.sheet or asked.text,
            asked.count,
            keep=asked.keep.split(),
            form=asked.form,
            level=asked.level,
            standard=asked.standard,
            title=asked.title,
            poet=asked.poet,
            seed=asked.seed,
            model=asked.model,
        )
    return schemas.MendedPoems(
        mended=found,
        notes=[note.text(language) for note in notes],
        remarks=[note.cause for note in notes],
    )


def couplet(asked: schemas.CoupletRequest) -> schemas.Couplets:
    """Write lower lines to an upper line, upper lines to a lower line, or couplets with a 橫批 (heading) on a theme."""
    texts, most = asked.count * asked.particles, schemas.MOST_COUPLET_TEXTS
    if texts > most:
        raise InputError("too_many_texts", field="count", has=texts, most=most)
    return schemas.Couplets(couplets.couplet(**vars(asked)))


def alternatives(asked: schemas.AlternativesRequest) -> schemas.Alternatives:
    """List what else could stand at some places of a line or a couplet, ranked by the whole poem."""
    found = desk.alternatives(
        asked.sheet, asked.line, asked.start, asked.end, count=asked.limit, model=asked.model
    )
    return schemas.Alternatives(found)


def explain(asked: schemas.ExplainRequest) -> schemas.Reasons:
    """Explain each character of a poem: its probability, tone, rhyme group and likely alternatives."""
    poem = asked.poem.read(asked.level, asked.standard)
    return schemas.Reasons(explaining.explain(**vars(asked) | {"poem": poem}))


def read(asked: schemas.ReadRequest, language: Language) -> schemas.Sheets:
    """Read a text as sheets, each with the verdict on its poem."""
    sheets = []
    judged = check(
        schemas.CheckRequest(
            text=asked.text, form=asked.form, level=asked.level, standard=asked.standard
        ),
        language,
    )
    texts = checking.poems_in(asked.text, form=asked.form, standard=asked.standard)
    for text, verdict in zip(texts, judged.verdicts, strict=True):
        sheet = None
        if verdict.form not in (None, COUPLET):
            poem = read_poem(text, form=asked.form, level=asked.level, standard=asked.standard)
            sheet = schemas.ReadSheet(
                form=poem.form,
                template=poem.template,
                rhyme=poem.rhyme,
                title=poem.title,
                poet=poem.poet,
                lines=poem.lines,
            )
        sheets.append(schemas.ReadText(sheet=sheet, verdict=verdict))
    return schemas.Sheets(sheets)


def check(asked: schemas.CheckRequest, language: Language) -> schemas.Verdicts:
    """Check the form, tones and rhyme of poems, and suggest characters that would fit at each fault."""
    if asked.sheet:
        with noted(), usual_neighbours() as neighbours:
            verdict = judge(asked.sheet)
            return schemas.Verdicts([_judged(verdict, asked, neighbours, language)])
    texts = checking.poems_in(asked.text, form=asked.form, standard=asked.standard)
    if not texts:
        name = catalogue()["fields"]["text"] if language == "zh" else "text"
        raise InputError("no_verse", field="text", name=name)
    verdicts = []
    with usual_neighbours() as neighbours:
        for text in texts:
            verdict = checking.check(
                text, form=asked.form, level=asked.level, standard=asked.standard, fine=asked.fine
            )
            verdicts.append(_judged(verdict, asked, neighbours, language))
    return schemas.Verdicts(verdicts)


def _judged(
    verdict: Verdict,
    asked: schemas.CheckRequest,
    neighbours: Neighbours | None,
    language: Language,
) -> schemas.Judged:
    """Return a verdict with the characters that fit at its faults."""
    standard = STANDARDS[verdict.standard]
    # 1) The faults, the first ones with what would fit there.
    faults: list[schemas.Fault] = []
    for fault in verdict.violations:
        check_deadline()
        fitting: Sequence[str] = ()
        if len(faults) < schemas.MOST_FITTED:
            fitting = suggest(verdict, fault, neighbours=neighbours)
        faults.append(
            schemas.Fault(
                **asdict(fault),
                definition=say(fault.rule, {}, language),
                fitting=fitting,
                cause=fault.as_cause(verdict.rhyme),
            )
        )
    # 2) The readings of all characters, and their tones: of one that can have both, the tone that
    #    its place or its word decides.
    explanation = scansion.explain_verdict(verdict)
    tones = []
    readings = []
    for line in verdict.read:
        tones.append([SIGNS[standard.tone(character)] for character in line])
        readings.append([[str(one) for one in standard.readings(character)] for character in line])
    for of_line in explanation:
        for reading in of_line.readings:
            if len(reading.tone) == 1:
                tones[of_line.line - 1][reading.position - 1] = reading.tone
    # 3) The notes.
    notes = [*verdict.doubts, *verdict.notes]
    if asked.fine:
        notes += antithesis_notes(verdict)
    return schemas.Judged(
        ok=verdict.ok,
        regulated=verdict.regulated,
        judged=verdict.judged,
        form=verdict.form,
        template=verdict.template,
        rhyme=verdict.rhyme,
        level=verdict.level,
        standard=verdict.standard,
        lines=verdict.lines,
        read=verdict.read,
        violations=faults,
        notes=[note.text(language) for note in notes],
        remarks=[note.cause for note in notes],
        tones=["".join(line) for line in tones],
        readings=readings,
        explanation=explanation if asked.explain else (),
        templates=verdict.templates if isinstance(verdict, SheetVerdict) else (),
        rhymes=verdict.rhymes if isinstance(verdict, SheetVerdict) else (),
        wants=verdict.wants if isinstance(verdict, SheetVerdict) else (),
    )


def originality(asked: schemas.OriginalityRequest) -> schemas.Originality:
    """Compare each line of a poem with the corpus: find the longest shared part and the nearest line."""
    found = []
    with Store.open() as store:
        for shared in of_lines(asked.poem.read().lines, store):
            check_deadline()
            found.append(shared)
    return schemas.Originality(found)


def code(asked: schemas.CodeRequest) -> schemas.Code:
    """Encode a text as a QR code.

    Each row is a string of 0 (light) and 1 (dark); the quiet zone is left out.
    """
    from segno import DataOverflowError, make  # few readers ask for a code

    if not asked.text:
        raise InputError("empty", field="text")
    try:
        drawn = make(asked.text, micro=False, encoding="utf-8", eci=not asked.text.isascii())
    except DataOverflowError:
        size = len(asked.text.encode())
        raise InputError(
            "code_too_long", field="text", has=size, most=schemas.LARGEST_CODE
        ) from None
    return schemas.Code(["".join(map(str, row)) for row in drawn.matrix])


@lru_cache(maxsize=2)  # a request with many words to include takes up to 14 MB
def prepared(packed: PickledRequest) -> tuple[desk.Filling, Sequence[Note]]:
    """Compile a request for drafts, whose seed is known; return it with notes on how it was read."""
    sheet, model = pickle.loads(packed)
    with noted() as notes:
        chosen, starts = prepare(sheet, model)
    return desk.Filling(chosen, starts, sheet, sheet.seed, sheet.count), list(notes)


def fill(packed: PickledRequest) -> tuple[list[Poem], Sequence[Note]]:
    """Write the drafts of a request; return them with notes on how it was read."""
    filling, notes = prepared(packed)
    with noted() as more:
        drafts = filling.drafts()
    return drafts, [*notes, *more]


def candidates(
    packed: PickledRequest, part: int, parts: int
) -> tuple[list[desk.Candidate], Sequence[Note]]:
    """Write one of some parts of a request's populations; return what may become drafts, and the notes."""
    filling, notes = prepared(packed)
    return filling.candidates(filling.numbers[part::parts]), notes


def encoded(compute: Callable[..., Any], *arguments: Any) -> bytes:
    """Compute an answer and encode it as JSON, which takes long if the answer is large."""
    answer = compute(*arguments)
    return json.dumps(answer, default=asdict, ensure_ascii=False).encode("utf-8", "replace")


def warm_up() -> None:
    """Load the models and tables with which a worker writes poems."""
    forms("en")
    forms("zh")
    for name in checkpoint.SHIPPED:
        asked = Sheet(form="五律", particles=8, seed=0)
        chosen, starts = prepare(asked, name)
        explaining.explain(chosen.write(starts, asked, seed=0), model=name)


def warm_up_check() -> None:
    """Load the tables with which a worker checks poems."""
    for text in ("月日風平月，平月月日東。平平平月日，月日日平天。", "月日风平后，平月平日云。"):
        check(schemas.CheckRequest(text=text, form="五絕", fine=True, explain=True), "en")


def forget() -> None:
    """Free what only some requests need; it is computed again when it is needed."""
    prepared.cache_clear()
    kept_lines.cache_clear()
    lexicon_of.cache_clear()
