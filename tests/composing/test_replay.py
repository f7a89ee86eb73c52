"""Real poems that the checker passes are not blocked by the composer's masks.

The checker accepts any reading of a character; the composer counts on the one that verse uses in 95
of 100 places. So a poem may be blocked only where it has such a character, and may use its rare
reading; that must be rare. Poems that rhyme or double a character as poets hardly ever do are left
out: the composer does not, nor writes 瓮 for 甕.
"""

from itertools import pairwise

import numpy as np
import pytest

from pingze.composing.composer import Composer, lexicon_of, load_composer
from pingze.composing.constraints.masks import Constraints
from pingze.composing.options import Composing
from pingze.composing.read_request import read_request
from pingze.corpus import Store
from pingze.verse.checking import check
from pingze.verse.standard import PINGSHUI
from pingze.verse.verdict import Verdict
from tests.composing.verse import may_rhyme

pytestmark = [pytest.mark.corpus, pytest.mark.slow]
BATCH = 100


def passing(corpus: Store, chosen: Composer, form: str, level: str) -> list[str]:
    """Poems that pass, all of whose characters the model knows and have one usable tone."""
    found = []
    for poem in corpus.poems(dynasty="tang"):
        text = "".join(poem.lines)
        if not all(c in chosen.vocabulary and PINGSHUI.usable_tone(c) for c in text):
            continue
        verdict = check(poem.text, level=level)
        if verdict.form == form and verdict.ok and is_as_composed(verdict, chosen):
            found.append(text)
    return found


def is_as_composed(verdict: Verdict, chosen: Composer) -> bool:
    """Whether a poem's rhymes and doubled characters are ones that the composer may use."""
    ids, doubles = chosen.vocabulary.ids, lexicon_of(chosen.vocabulary).doubles
    return rhymes_as_composed(verdict, chosen) and all(
        doubles[int(at == len(line) - 2), ids[one]]
        for line in verdict.lines
        for at, (one, other) in enumerate(pairwise(line))
        if one == other
    )


def rhymes_as_composed(verdict: Verdict, chosen: Composer) -> bool:
    """Whether every rhyme of a poem is one that the composer may use."""
    assert verdict.rhyme
    first, *feet = (line[-1] for line in (verdict.lines[0], *verdict.lines[1::2]))
    known = chosen.vocabulary.tokens
    near = set(PINGSHUI.lenders(verdict.rhyme)) if verdict.level == "customary" else {verdict.rhyme}
    return all(may_rhyme(foot, {verdict.rhyme}, known) for foot in feet) and (
        not str(verdict.template).endswith("首句入韻") or may_rhyme(first, near, known)
    )


@pytest.mark.parametrize("level", ["customary", "strict"])
@pytest.mark.parametrize("form", ["五絕", "七絕", "五律", "七律"])
def test_no_passing_poem_is_blocked(corpus: Store, form: str, level: str) -> None:
    chosen = load_composer("report")
    request = read_request(chosen.vocabulary, Composing(form=form, level=level, repeat=True))
    constraints = Constraints(lexicon_of(chosen.vocabulary), request)
    assert constraints.fixed is not None
    begun = constraints.begin(constraints.fixed)
    assert begun is not None
    texts = passing(corpus, chosen, form, level)
    blocked: set[str] = set()
    for start in range(0, len(texts), BATCH):
        batch = texts[start : start + BATCH]
        ids = np.stack([chosen.vocabulary.encode(text) for text in batch])
        partial_texts = begun.take(np.zeros(len(batch), int))
        for place, column in enumerate(ids.T):
            allowed = constraints.allowed(partial_texts, place)[0][np.arange(len(batch)), column]
            blocked |= {text for text, passes in zip(batch, allowed, strict=True) if not passes}
            constraints.advance(partial_texts, place, column)
    of_one_tone = {text for text in texts if all(len(PINGSHUI.tones(c)) == 1 for c in text)}
    assert of_one_tone
    # the checker reads it as 甕, which is composed
    assert all("瓮" in text for text in blocked & of_one_tone)
    assert len(blocked) < 0.1 * len(texts)
