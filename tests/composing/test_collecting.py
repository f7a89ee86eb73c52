"""Poems of quoted lines 集句, from an invented corpus, against a search of all its lines."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from functools import cache, partial
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pingze import collect
from pingze.composing import collecting
from pingze.composing.collecting import Collected, Quoting
from pingze.composing.composer import Composer, lexicon_of, prepare
from pingze.composing.constraints.masks import Constraints
from pingze.composing.options import Collecting, Composing, Sampling
from pingze.composing.poem import Poem
from pingze.composing.read_request import read_request
from pingze.corpus import CorpusPoem, Store, build
from pingze.errors import CorpusError, InfeasibleError, InputError, UnfinishedError
from pingze.network import checkpoint
from pingze.verse.characters import MARKS
from pingze.verse.checking import check
from pingze.verse.patterns import accepted
from pingze.verse.rhyme_groups import GROUPS
from pingze.verse.standard import PINGSHUI
from tests.composing.verse import composer
from tests.corpus.invented import record, write_folder

POETS = {"tang": ["張甲", "李乙"], "song": ["黄丙"]}


@pytest.fixture(scope="module")
def author() -> Composer:
    """A random model that knows the six hundred most frequent characters."""
    tokens = checkpoint.load("tang").vocabulary.tokens
    return composer("".join([c for c in tokens if len(c) == 1 and c not in MARKS][:600]), seed=3)


@pytest.fixture(scope="module")
def poems(author: Composer) -> list[CorpusPoem]:
    """Poems of the invented corpus: regulated ones, which share two lines with another version each, and others."""
    found = []
    for form in ("五絕", "五古"):
        inclusion = author.prepare(read_request(author.vocabulary, Composing(form=form)))
        found += [
            str(author.write(inclusion, Sampling(1, 1), seed)).replace("\n", "")
            for seed in range(80)
        ]
    versions = [text[:18] + other[18:24] for text, other in pairwise(found[:9])]
    named = [(dynasty, poet) for dynasty, poets in POETS.items() for poet in poets]
    texts = zip(cycle(named), enumerate(found + versions), strict=False)
    return [CorpusPoem(dynasty, f"{n}", poet, text) for (dynasty, poet), (n, text) in texts]


@pytest.fixture
def store(poems: list[CorpusPoem], tmp_path: Path, home: Path) -> Iterator[Store]:
    files = {f"poet.{dynasty}.0.json": list[dict[str, object]]() for dynasty in POETS}
    for poem in poems:
        files[f"poet.{poem.dynasty}.0.json"].append(record(poem.text, poem.title, poem.author))
    files["poet.song.1000.json"] = [record(poems[0].text[:12] + poems[1].text[12:], "集句", "黄丙")]
    build(write_folder(tmp_path / "poems", files))
    with Store.open() as found:
        yield found


def asked(author: Composer, count: int = 3, **options: Any) -> list[Collected]:
    """Poems of as many seeds; in so small a corpus some come to a dead end."""
    collecting = Collecting(**{"form": "五絕", "particles": 64} | options)
    inclusion, found = author.prepare(read_request(author.vocabulary, collecting)), list[Poem]()
    for seed in range(4 * count):
        with suppress(UnfinishedError):
            found.append(author.write(inclusion, collecting, seed))
    assert len(found) >= count
    return found[:count]  # type: ignore[return-value]


def groups_by_line(store: Store) -> dict[str, set[int]]:
    """The groups of all poems with each line."""
    found = defaultdict[str, set[int]](set)
    for group, text in store.select("group_id, text FROM poem"):
        for line in text.replace("，", "。").split("。")[:-1]:
            found[line].add(group)
    return found


@pytest.mark.parametrize(
    "options",
    [
        {"repeat": True},
        {"poets": "宋 張甲", "level": "strict"},
        {"standard": "xinyun", "form": "五古"},
    ],
)
def test_every_line_is_quoted(
    author: Composer, store: Store, poems: list[CorpusPoem], options: dict[str, Any]
) -> None:
    groups_of = groups_by_line(store)
    text_of = {(poem.author, poem.title): poem for poem in poems}
    for poem in asked(author, count=3, **options):
        judged = {name: options[name] for name in ("level", "standard") if name in options}
        assert check(str(poem), form=poem.form, **judged).ok
        groups = [groups_of[line] for line in poem.lines]
        assert sum(map(len, groups)) == len(set.union(*groups))
        for number, (line, source) in enumerate(zip(poem.lines, poem.sources, strict=True)):
            assert (
                text_of[source.author, source.title].lines[source.number - 1] == source.line == line
            )
            assert source.number % 2 != number % 2
            if poets := options.get("poets"):
                assert source.author in poets or (source.dynasty == "song" and "宋" in poets)


@pytest.mark.parametrize("many", [0, collecting._MANY])
@pytest.mark.parametrize("form", ["五絕", "五古"])
def test_characters_that_continue_no_line_are_left_out(
    author: Composer, store: Store, poems: list[CorpusPoem], form: str, many: int, monkeypatch: Any
) -> None:
    """Where few lines are left, exactly those continue that a search of the corpus finds; else no fewer."""
    monkeypatch.setattr(collecting, "_MANY", many)
    request, rng = (
        read_request(author.vocabulary, Collecting(form=form, lines=4)),
        np.random.default_rng(5),
    )
    constraints, vocabulary = Constraints(lexicon_of(author.vocabulary), request), author.vocabulary
    begun = constraints.begin((-1,) * 20)
    assert begun is not None
    quotes = Quoting(store, lexicon_of(author.vocabulary), 5, "")
    lines = [(line, n % 2) for poem in poems for n, line in enumerate(poem.lines)]
    groups_of, seen, allows = groups_by_line(store), 0, cache(partial(is_allowed, constraints))
    for _ in range(30):
        # 1. A text of quoted lines up to a place, and some living hypotheses.
        at, number = int(rng.integers(5)), int(rng.integers(4))
        halves = [[line for line, second in lines if second == n % 2] for n in range(number + 1)]
        text = [half[rng.integers(len(half))] for half in halves]
        place = 5 * number + at
        partial_texts = begun.take(np.array([0]))
        partial_texts.texts[0, :place] = vocabulary.encode("".join(text)[:place])
        partial_texts.alive &= rng.random(partial_texts.alive.shape) < 0.3
        # 2. The characters that may follow, by search.
        before = [groups_of[line] for line in text[:number]]
        follow, living = set(), np.argwhere(partial_texts.alive[0]).tolist()
        for line, second in lines:
            distinct = not any(line[n] in line[n + 2 :] for n in range(3))
            if second == number % 2 and line[:at] == text[number][:at] and distinct:
                fresh = not set("".join(text[:number])) & set(line[at:])
                other = not any(groups_of[line] & groups for groups in before)
                if ((fresh and other) or many == 0) and any(
                    allows(t, g, number, line) for t, g in living
                ):
                    follow.add(line[at])
        forbidden = quotes.forbidden(constraints, partial_texts, place)[0]
        assert {vocabulary.tokens[id_] for id_ in np.flatnonzero(~forbidden)} == follow
        seen += len(follow)
    assert seen > 50


def is_allowed(constraints: Constraints, t: int, g: int, number: int, line: str) -> bool:
    """Whether a hypothesis allows a line, by its types and rhymes."""
    name = constraints.request.groups[g]
    names = PINGSHUI.lenders(name) if number == 0 and constraints.line_types[t] else [name]
    if constraints.feet[5 * number + 4, t]:
        id_ = constraints.lexicon.vocabulary.ids[line[-1]]
        rhymes = constraints.rhyming.fitting(5 * number + 4, id_)[g]
        if not rhymes or not any(PINGSHUI.is_practised(line[-1], one) for one in names):
            return False
        assert name in GROUPS
    if not constraints.line_types[t]:
        return True
    kind = constraints.line_types[t][number]
    types = [kind, *([f"{kind}'"] if kind in "aB" else [])]
    judged = 4 if constraints.feet[5 * number + 4, t] else 5
    signs = {"平": "P", "仄": "Z", None: ""}
    return any(
        all(
            tone in ("x", signs[PINGSHUI.usable_tone(c)])
            for tone, c in zip(p.tones[:judged], line, strict=False)
        )
        for each in types
        for p in accepted(each, 5, constraints.request.strictness)
    )


def test_fixed_characters_are_those_of_quoted_lines(
    author: Composer, store: Store, poems: list[CorpusPoem]
) -> None:
    head = poems[3].lines[0][0]
    for poem in asked(author, acrostic=head, count=2, repeat=True):
        assert poem.lines[0][0] == head
    (often, _), *_ = Counter("".join(poem.text for poem in poems)).most_common(3)[2:]
    assert all(often in str(poem) for poem in asked(author, include=often, count=2, repeat=True))


def test_wishes_that_no_line_meets_are_named(
    author: Composer, store: Store, poems: list[CorpusPoem]
) -> None:
    line = poems[2].lines[0]
    with pytest.raises(InfeasibleError, match="give up line 1, "):
        asked(author, pattern=line[1] + line[0] + line[2:])
    with pytest.raises(InfeasibleError, match="give up including"):
        asked(author, include=line[2] + line[0])
    with pytest.raises(InputError, match=r"poets .張乙. is unknown; choose one of .*張甲"):
        asked(author, poets="張乙")
    with pytest.raises(InputError, match="original: every line of this poem is quoted"):
        asked(author, original=3)
    inclusion = author.prepare(read_request(author.vocabulary, Collecting(form="五排", lines=20)))
    with pytest.raises(UnfinishedError, match="no line of the corpus goes on at line"):
        author.write(inclusion, Sampling(1, 2), 0)


def test_a_new_store_is_read_anew(
    author: Composer, store: Store, poems: list[CorpusPoem], tmp_path: Path
) -> None:
    """Lines are kept for later poems, but not those of a store that has been replaced."""
    (poem,) = asked(author, count=1, poets="黃丙")
    assert {source.author for source in poem.sources} == {"黄丙"}
    others = [record(poem.text, poem.title, poem.author) for poem in poems if poem.author != "黄丙"]
    build(write_folder(tmp_path / "others", {"poet.tang.0.json": others}))
    with pytest.raises(InputError, match="poets '宋' is unknown"):
        asked(author, poets="宋")


def test_without_a_corpus_the_command_that_fetches_it_is_named() -> None:
    with pytest.raises(CorpusError, match="run `pingze corpus fetch`"):
        collect(form="七絕")
    with pytest.raises(CorpusError):
        prepare(Collecting(), "tang")
