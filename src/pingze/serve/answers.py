"""Compute the answers to requests in a worker process, with one function for each route."""

import json
import pickle
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from pingze.composing import couplets, desk, explaining, finding, mending
from pingze.composing.collecting import kept_lines
from pingze.composing.composer import lexicon_of, prepare
from pingze.composing.finding import FoundTexts
from pingze.composing.judging import Judged, describe, judge, told
from pingze.composing.poem import Poem
from pingze.composing.reading import heading_form, heading_of, poem_of, title_and_poet
from pingze.composing.sheet import Sheet
from pingze.composing.typed_text import noted
from pingze.corpus import Store
from pingze.corpus.store import of_lines, usual_neighbours
from pingze.deadline import check_deadline
from pingze.errors import Clash, CorpusError, InfeasibleError, InputError
from pingze.messages import Language, catalogue
from pingze.network import checkpoint
from pingze.serve import choices, schemas
from pingze.serve.problems import Problem
from pingze.verse import checking
from pingze.verse.forms import COUPLET
from pingze.verse.verdict import Note

PickledRequest = bytes  # also the key by which a worker keeps the prepared request


def conflicts(asked: schemas.ConflictsRequest, language: Language) -> schemas.Conflicts:
    """Find the clashing constraints of a request, and their positions, without composing a poem."""
    try:
        prepare(asked.sheet, asked.model)
    except (InfeasibleError, InputError, CorpusError) as error:
        problem = Problem.of(error, language)
        clashes = problem.clashes
        if not isinstance(error, InfeasibleError):
            # The error is told as a clash of one option, so that the page marks this option.
            field = problem.field or ""
            if not field and isinstance(error, CorpusError):
                field = "original"  # the option of a sheet that needs the corpus
            clashes = [Clash(problem.detail, field, reason=problem.detail)]
        return schemas.Conflicts(False, problem.detail, clashes, problem.cause)
    return schemas.Conflicts(True, "", [], None)


def mend(asked: schemas.MendRequest, language: Language) -> schemas.MendedPoems:
    """Mend a draft by changing as few characters as possible, in `count` ways at most."""
    with noted() as notes:
        ways = mending.mend(
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
    return schemas.MendedPoems(mended=ways, **told(notes, language))


def couplet(asked: schemas.CoupletRequest) -> schemas.Couplets:
    """Write lower lines to an upper line, or upper to lower, or couplets 對聯 on a theme."""
    texts = asked.count * asked.particles
    most = schemas.MOST_COUPLET_TEXTS
    if texts > most:
        raise InputError("too_many_texts", field="count", has=texts, most=most)
    return schemas.Couplets(couplets.couplet(**vars(asked)))


def find(asked: schemas.FindRequest) -> FoundTexts:
    """Find characters, and words of two characters, by tone, rhyme, meaning, and the line they are to stand in."""
    return finding.find(**vars(asked))


def alternatives(asked: schemas.AlternativesRequest) -> schemas.Alternatives:
    """List what else could stand at places of a line or a couplet, ranked by the whole poem."""
    found = desk.alternatives(
        asked.sheet, asked.line, asked.start, asked.end, count=asked.limit, model=asked.model
    )
    return schemas.Alternatives(found)


def explain(asked: schemas.ExplainRequest) -> schemas.Reasons:
    """Explain each character of a poem: its probability, tone, rhyme group and alternatives."""
    options = dict(vars(asked))
    options["poem"] = asked.poem.read(asked.level, asked.standard)
    return schemas.Reasons(explaining.explain(**options))


def read(asked: schemas.ReadRequest, language: Language) -> schemas.Sheets:
    """Read a text as sheets, each with the verdict on its poem."""
    texts = checking.poems_in(asked.text, form=asked.form, standard=asked.standard)
    poems = []
    for text in texts:
        form = asked.form or heading_form(text)
        poems.append(schemas.GivenText(text=text, form=form))
    check_request = schemas.CheckRequest(level=asked.level, standard=asked.standard)
    verdicts = _check_each(check_request, poems, language)
    sheets = []
    for text, judged in zip(texts, verdicts, strict=True):
        sheet = _sheet(text, judged)
        sheets.append(schemas.ReadText(sheet=sheet, heading=heading_of(text), verdict=judged))
    return schemas.Sheets(sheets)


def _sheet(text: str, judged: Judged) -> schemas.ReadSheet | None:
    """Return the sheet of a text that was judged; None if it has no form or is a couplet."""
    if judged.form is None or judged.form == COUPLET:  # neither can be composed on a sheet
        return None
    title, poet = title_and_poet(text, judged.form)
    poem = poem_of(judged, title, poet)
    return schemas.ReadSheet(
        form=poem.form,
        template=poem.template,
        rhyme=poem.rhyme,
        title=poem.title,
        poet=poem.poet,
        lines=poem.lines,
    )


def check(asked: schemas.CheckRequest, language: Language) -> schemas.Verdicts:
    """Check the form, tones and rhyme of poems, and suggest characters that would fit at each fault."""
    if asked.sheet:
        # The answer has no place for notes on how the sheet's wishes were read: they are dropped.
        with noted(), usual_neighbours() as neighbours:
            judged = describe(
                judge(asked.sheet),
                language,
                neighbours=neighbours,
                fine=asked.fine,
                explain=asked.explain,
            )
            return schemas.Verdicts([judged])
    poems = asked.poems
    if not poems:
        texts = checking.poems_in(
            asked.text, form=asked.form, standard=asked.standard, keep_others=True
        )
        poems = [schemas.GivenText(text=text) for text in texts]
    return schemas.Verdicts(_check_each(asked, poems, language))


def _check_each(
    asked: schemas.CheckRequest, poems: Sequence[schemas.GivenText], language: Language
) -> list[Judged]:
    """Check poems one by one, with the options of a request.

    Raises InputError if there are no poems.
    """
    if not poems:
        # The sentence says `name`, which, unlike `field`, is not translated when it is filled in.
        name = catalogue()["fields"]["text"] if language == "zh" else "text"
        raise InputError("no_verse", field="text", name=name)
    verdicts = []
    with usual_neighbours() as neighbours:
        for poem in poems:
            verdict = checking.check(
                poem.text,
                form=poem.form or asked.form,
                level=asked.level,
                standard=asked.standard,
                fine=asked.fine,
            )
            judged = describe(
                verdict,
                language,
                neighbours=neighbours,
                fine=asked.fine,
                explain=asked.explain,
                id_=poem.id,
            )
            verdicts.append(judged)
    return verdicts


def originality(asked: schemas.OriginalityRequest) -> schemas.Originality:
    """Compare each line of a poem with the corpus: the longest shared part, the nearest line."""
    shared_by_line = []
    with Store.open() as store:
        for shared in of_lines(asked.poem.read().lines, store):
            check_deadline()  # the corpus is searched for each line, which takes a while
            shared_by_line.append(shared)
    return schemas.Originality(shared_by_line)


def code(asked: schemas.CodeRequest) -> schemas.Code:
    """Encode a text as a QR code.

    Each row is a string of 0 (light) and 1 (dark); the quiet zone is left out.
    """
    from segno import DataOverflowError, make  # few readers ask for a code

    if not asked.text:
        raise InputError("empty", field="text")
    try:
        # A code that is not in ASCII must say that it is in UTF-8 (ECI): some readers take it for
        # another encoding otherwise.
        says_encoding = not asked.text.isascii()
        qr_code = make(asked.text, micro=False, encoding="utf-8", eci=says_encoding)
    except DataOverflowError:
        size = len(asked.text.encode())
        raise InputError(
            "code_too_long", field="text", has=size, most=schemas.LARGEST_CODE
        ) from None
    return schemas.Code(["".join(map(str, row)) for row in qr_code.matrix])


@lru_cache(maxsize=2)  # a request with many words to include takes up to 14 MB
def prepared(packed: PickledRequest) -> tuple[desk.Filling, Sequence[Note]]:
    """Compile a request for drafts with a seed; return it with notes on how it was read."""
    sheet, model = pickle.loads(packed)
    with noted() as notes:
        composer, starts = prepare(sheet, model)
    return desk.Filling(composer, starts, sheet, sheet.seed, sheet.count), list(notes)


def fill(packed: PickledRequest) -> tuple[list[Poem], Sequence[Note]]:
    """Write the drafts of a request; return them with notes on how it was read."""
    filling, notes = prepared(packed)
    with noted() as notes_on_drafts:
        drafts = filling.drafts()
    return drafts, [*notes, *notes_on_drafts]


def candidates(
    packed: PickledRequest, part: int, parts: int
) -> tuple[list[desk.Candidate], Sequence[Note]]:
    """Write one of the `parts` of a request's populations, `part` from 0.

    Return the texts that may become drafts, and notes on how the request was read.
    """
    filling, notes = prepared(packed)
    # The populations of a part follow one another. So all parts, one after another, have the
    # populations in the order in which a single job writes them.
    count = len(filling.numbers)
    start = part * count // parts
    end = (part + 1) * count // parts
    return filling.candidates(filling.numbers[start:end]), notes


def encoded(compute: Callable[..., Any], *arguments: Any) -> bytes:
    """Compute an answer and encode it as JSON, which takes long if the answer is large."""
    answer = compute(*arguments)
    return json.dumps(answer, default=asdict, ensure_ascii=False).encode("utf-8", "replace")


def warm_up() -> None:
    """Load the models and tables with which a worker writes poems."""
    choices.forms("en")
    choices.forms("zh")
    for name in checkpoint.SHIPPED:
        asked = Sheet(form="五律", particles=8, seed=0)
        composer, starts = prepare(asked, name)
        explaining.explain(composer.write(starts, asked, seed=0), model=name)


def warm_up_check() -> None:
    """Load the tables with which a worker checks poems."""
    # The texts have faults, so that the tables of fitting characters are loaded. The second is in
    # Simplified characters, so that those for their conversion are loaded too.
    faulty = "月日風平月，平月月日東。平平平月日，月日日平天。"
    simplified = "月日风平后，平月平日云。"
    for text in (faulty, simplified):
        check(schemas.CheckRequest(text=text, form="五絕", fine=True, explain=True), "en")
    check(schemas.CheckRequest(sheet=schemas.SheetBody(form="七絕")), "en")


def forget() -> None:
    """Free what only some requests need; it is computed again when it is needed."""
    prepared.cache_clear()
    kept_lines.cache_clear()
    lexicon_of.cache_clear()
