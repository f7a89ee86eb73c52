"""How poets rhyme: what the counts say of characters and groups, and that they are what the script counts."""

from collections import Counter
from pathlib import Path

import pytest

from pingze.corpus import Store
from pingze.verse import check
from pingze.verse.rhyme_groups import GROUPS, LEVEL, neighbours
from pingze.verse.rhyme_usage import is_rare_rhyme, lenders, practised, rhymes
from scripts import count_contexts, count_rhymes


@pytest.mark.parametrize(("character", "group"), [("堤", "支"), ("逢", "東"), ("還", "先")])
def test_a_group_in_the_book_is_no_licence(character: str, group: str) -> None:
    assert is_rare_rhyme(character, group)
    assert not practised(character, group)


@pytest.mark.parametrize(("character", "group"), [("堤", "齊"), ("逢", "冬"), ("還", "刪"), ("遊", "尤")])
def test_what_poets_rhyme_on_is_practised(character: str, group: str) -> None:
    assert practised(character, group)


def test_few_rhymes_say_nothing_of_oblique_groups() -> None:
    assert not rhymes("㑛")
    assert practised("㑛", "屋")
    assert not practised("㑛", "東")


def test_first_lines_borrow_where_poets_do() -> None:
    assert lenders("庚") == "庚青"
    assert lenders("支") == "支微"
    assert lenders("蒸") == "蒸"
    for name, group in GROUPS.items():
        if group.tone == LEVEL:
            assert name in lenders(name)
            assert set(lenders(name)) <= set(neighbours(name))


def test_rare_rhymes_are_notes() -> None:
    verdict = check("仄仄平平仄，平平仄仄堤。平平平仄仄，仄仄仄平詩。")
    assert verdict.ok
    assert verdict.notes[0].startswith("rare rhyme: 堤 in 支, line 2 (1 of its ")
    assert "rare" not in "".join(check("仄仄平平仄，平平仄仄堤。平平平仄仄，仄仄仄平西。").notes)


def test_a_borrowing_that_poets_avoid_is_told() -> None:
    verdict = check("仄仄仄平僧，平平仄仄聲。平平平仄仄，仄仄仄平情。")
    assert verdict.ok
    assert (
        verdict.notes[0]
        == "鄰韻: line 1 rhymes in a neighbour of 庚 (孤雁入群), from which Tang poets hardly ever borrow"
    )


def test_two_forms_of_one_word_are_told() -> None:
    verdict = check("仄仄平平仄，平平仄仄遊。平平平仄仄，仄仄仄平游。")
    assert verdict.ok
    assert verdict.notes[0] == "重韻: 遊 and 游 are forms of one word (lines 2, 4)"


def test_rhymes_are_counted_where_one_group_is_shared() -> None:
    counted, borrowed = count_rhymes.count(
        [
            ["仄仄仄平青", "平平仄仄聲", "平平平仄仄", "仄仄仄平情"],
            ["仄仄仄平明", "平平仄仄聲", "平平平仄仄", "仄仄仄平情"],
            ["仄仄仄平明", "平平仄仄聲", "平平平仄仄", "仄仄仄平天"],
            ["仄仄仄平明", "平平仄仄聲"],
        ]
    )
    assert counted == {"聲": Counter(庚=2), "情": Counter(庚=2), "明": Counter(庚=1)}
    assert +borrowed["庚"] == Counter(青=1)


@pytest.mark.slow
@pytest.mark.corpus
def test_the_committed_counts_are_counted_again_byte_for_byte(corpus: Store, tmp_path: Path) -> None:
    count_rhymes.build(corpus, tmp_path)
    lines = (line for poem in corpus.poems(split="train") for line in poem.lines)
    (tmp_path / "contexts.tsv").write_text("\n".join(count_contexts.learn(lines)) + "\n", encoding="utf-8")
    for counted in sorted(tmp_path.iterdir()):
        assert counted.read_bytes() == (count_rhymes.DATA / counted.name).read_bytes(), counted.name
