"""The best of several drafts, against a choice made by hand."""

from dataclasses import replace

import numpy as np
import pytest

from pingze.composing.choice import RELEVANCE, best, log_probabilities
from pingze.composing.lapses import contradicts
from pingze.composing.options import Composing, Sampling
from pingze.composing.particles import finish
from pingze.composing.poem import Poem
from pingze.composing.read_request import read_request
from tests.composing import verse

CHOSEN = verse.composer(verse.POOL, conditions=("<五絕>", "<about>", "<李白>"))


def drafts_of(asked: Composing, seed: int) -> list[Poem]:
    """Each draft as a poem of its own: the same populations, a seed for each."""
    writing = CHOSEN.draft(CHOSEN.prepare(read_request(CHOSEN.vocabulary, asked)), asked.sampling, [seed])
    finish(writing)
    return CHOSEN.poems([writing], [range(asked.drafts)])


@pytest.mark.parametrize("given", [{}, {"title": "春山"}, {"about": "海"}, {"title": "春", "poet": "李白"}])
def test_the_poem_is_the_draft_with_the_best_score(given: dict[str, str]) -> None:
    asked = Composing(form="五絕", particles=2, drafts=5, **given)  # type: ignore[arg-type]
    inclusion = CHOSEN.prepare(read_request(CHOSEN.vocabulary, asked))
    drafts = drafts_of(asked, 3)
    plain = CHOSEN.prefix(replace(inclusion.constraints.request, title=None, about=None))

    def score(draft: Poem) -> float:
        of_plain = CHOSEN.log_probability(draft.lines, plain)
        return draft.log_probability + RELEVANCE * (draft.log_probability - of_plain)

    assert len({tuple(draft.lines) for draft in drafts}) > 1
    consistent = [draft for draft in drafts if not contradicts(draft.lines)] or drafts
    poem = CHOSEN.write(inclusion, asked.sampling, 3)
    assert poem.lines == max(consistent, key=score).lines
    assert poem.seed == 3


def test_poems_written_side_by_side_are_chosen_as_if_alone() -> None:
    asked = Composing(form="五絕", title="春山", particles=2, drafts=3)
    inclusion = CHOSEN.prepare(read_request(CHOSEN.vocabulary, asked))
    together = CHOSEN.write_many(inclusion, asked.sampling, [4, 5, 6])
    alone = [CHOSEN.write(inclusion, asked.sampling, seed) for seed in (4, 5, 6)]
    assert [poem.lines for poem in together] == [poem.lines for poem in alone]


def test_a_draft_that_contradicts_itself_comes_after_all_others() -> None:
    drafts = [["春風吹落葉"], ["山水有清音"], ["山月照人來"]]
    given, plain = np.array([-1.0, -9.0, -9.0]), np.array([-5.0, -8.0, -8.5])
    assert best(drafts, given, plain) == 2
    assert best([drafts[0], drafts[0]], given[:2], plain[:2]) == 0


def test_texts_read_side_by_side_have_their_own_probabilities() -> None:
    prefix = [CHOSEN.vocabulary.ids["<五絕>"]]
    poems = [[verse.POOL[n + k : n + k + 5] for n in range(0, 20, 5)] for k in range(3)]
    texts = np.stack([CHOSEN.token_ids(lines) for lines in poems])
    expected = [CHOSEN.log_probability(lines, prefix) for lines in poems]
    assert log_probabilities(CHOSEN.network, texts, prefix) == pytest.approx(expected, rel=1e-5)


def test_where_a_poem_must_stay_original_its_drafts_are_one_population() -> None:
    asked = Composing(form="五絕", particles=2, drafts=3)
    inclusion = CHOSEN.prepare(read_request(CHOSEN.vocabulary, asked))
    inclusion.constraints.request = replace(inclusion.constraints.request, original=3)
    assert [len(start.plans) for start in CHOSEN.draft(inclusion, asked.sampling, [1]).starts] == [6]


def test_a_sampling_has_the_drafts_that_are_asked_for() -> None:
    asked = Composing(form="五絕", drafts=7, particles=3, temperature=0.8, top_p=0.7)
    assert asked.sampling == Sampling(0.8, 3, 0.7, 7)
