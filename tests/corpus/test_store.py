import contextlib
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pingze.corpus import CorpusPoem, Hit, Store, build, store_path
from pingze.corpus.clean import clean
from pingze.corpus.poem import digest
from pingze.corpus.sources import read
from pingze.corpus.suffix_array import SuffixArray
from pingze.errors import CorpusError, InputError
from pingze.verse.characters import MARKS
from tests.corpus.invented import DIGITS, line, text, write_folder

one_store = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def poems(tmp_path: Path, built: Path) -> list[CorpusPoem]:
    return clean(read(tmp_path / "poems")).poems


def _by_brute_force(poems: list[CorpusPoem], phrase: str) -> list[tuple[str, int, str]]:
    """Every line in which the phrase begins: the text from the line's start holds it within its length."""
    found = []
    for poem in poems:
        start = 0
        for number, words in enumerate(poem.lines, 1):
            start = poem.text.index(words, start)
            if any(poem.text.startswith(phrase, start + offset) for offset in range(len(words))):
                found.append((poem.title, number, words))
            start += len(words)
    return found


@one_store
@given(data=st.data())
def test_search_finds_what_reading_every_line_finds(
    store: Store, poems: list[CorpusPoem], data: st.DataObject
) -> None:
    texts = st.sampled_from([poem.text for poem in poems])
    spans = st.tuples(st.integers(0, 40), st.integers(1, 20))
    cut = st.builds(lambda text, span: text[span[0] : span[0] + span[1]], texts, spans)
    phrase = data.draw(st.text(DIGITS, min_size=1, max_size=4) | cut).strip(MARKS)
    if phrase:
        found = [(hit.title, hit.number, hit.line) for hit in store.search(phrase, limit=10_000)]
        assert found == _by_brute_force(poems, phrase)


def test_a_hit_has_its_place_and_a_phrase_may_run_over_lines_in_whatever_marks(
    store: Store,
) -> None:
    assert store.search(line(22, 7)) == [Hit(line(22, 7), "tang", "李乙", "二", line(22, 7), 2)]
    whole = text([21, 22, 23, 24], 7)
    for phrase in (whole, f" {whole[:8]}\n{whole[8:]} ", whole.replace("，", ","), "、" + whole):
        assert [(hit.title, hit.number) for hit in store.search(phrase)] == [("二", 1)]
    assert not store.search(whole.replace("，", "？"))


def test_filters_narrow_a_search(store: Store) -> None:
    def titles(**filters: str) -> str:
        return "".join(
            dict.fromkeys(hit.title for hit in store.search("甲", limit=1000, **filters))
        )

    assert titles() == "一二三五六七八"
    assert titles(dynasty="song") == titles(author="黃丙") == "七八"
    assert titles(form="七絕") == "二"
    assert titles(form="五古") == titles(form="五排") == titles(form="五言") == "五"
    assert titles(author="李乙") == "二三"
    assert titles(author="李乙", form="五絕", dynasty="tang") == "三"
    everything = store.search("甲", limit=10**20)
    assert len(everything) == 40
    assert store.search("甲", limit=5) == everything[:5]
    with pytest.raises(InputError, match="dynasty 'liao' is unknown; choose one of tang, song"):
        store.search("甲", dynasty="liao")
    assert titles(author="李") == titles(author="乙") == titles(author="nobody") == ""


@pytest.mark.parametrize(
    "phrase", ["", " ，。", "moon", '甲" OR "乙', "甲\0乙", "\ud800", "□", "🌕", "-甲"]
)
def test_what_is_no_phrase_is_refused(store: Store, phrase: str) -> None:
    with pytest.raises(InputError, match="is no phrase of Han characters"):
        store.search(phrase)


@one_store
@given(phrase=st.text(), author=st.text(st.characters() | st.sampled_from('"\0*():^-\ud800')))
def test_no_text_of_any_kind_breaks_a_search(store: Store, phrase: str, author: str) -> None:
    with contextlib.suppress(InputError):
        store.search(phrase, author=author)
    assert isinstance(store.search("甲", author=author), list)


def test_neighbours_are_those_of_tang_lines(store: Store, poems: list[CorpusPoem]) -> None:
    lines = [words for poem in poems if poem.dynasty == "tang" for words in poem.lines]
    pairs = Counter(pair for words in lines for pair in pairwise(words))
    for one in DIGITS:
        assert store.beside(before=one) == {b: count for (a, b), count in pairs.items() if a == one}
        assert store.beside(after=one) == {a: count for (a, b), count in pairs.items() if b == one}
        for other in DIGITS:
            assert store.beside(one, other) == {
                c: min(pairs[one, c], pairs[c, other])
                for c in DIGITS
                if pairs[one, c] and pairs[c, other]
            }
    counts = list(store.beside(before="甲").values())
    assert counts == sorted(counts, reverse=True)
    assert store.beside() == store.beside("？") == {}


def test_poems_come_in_the_order_of_the_corpus(
    built: Path, poems: list[CorpusPoem], tmp_path: Path
) -> None:
    place = tmp_path / "a folder" / "50% 詩?#.sqlite"
    built.parent.rename(place.parent)
    (place.parent / built.name).rename(place)
    with Store.open(place) as store:
        assert list(store.poems()) == poems
        assert list(store.poems(dynasty="song")) == poems[5:]
        splits = [list(store.poems(split=split)) for split in ("train", "dev", "test")]
        assert sorted(p.title for split in splits for p in split) == sorted(
            poem.title for poem in poems
        )
        with pytest.raises(
            InputError, match="split 'valid' is unknown; choose one of train, dev, test"
        ):
            store.poems(split="valid")


def test_the_draw_is_read_in_its_order(store: Store) -> None:
    for split in ("train", "dev"):
        drawn = store.report_draw(split)
        assert [digest(text) for text in drawn] == sorted(map(digest, drawn))
        assert set(drawn) <= {poem.text for poem in store.poems(dynasty="tang", split=split)}
    assert store.report_draw("train")
    with pytest.raises(InputError, match="split 'test' is unknown; choose one of train, dev"):
        store.report_draw("test")


def test_statistics_count_what_is_there_and_what_is_not(store: Store) -> None:
    statistics = store.statistics(poets=1)
    assert sum(statistics.pop("splits")["tang"].values()) == 5
    assert statistics == {
        "poems": {"tang": 5, "song": 2},
        "dropped": {
            "tang": {"lost characters": 1, "too short": 1},
            "song": {"brackets, quotes or notes": 1},
        },
        "forms": {"tang": {"五絕": 2, "七絕": 1, "五律": 1, "五言": 1}, "song": {"五絕": 2}},
        "poets": {"tang": {"張甲": 3}, "song": {"黄丙": 2}},
        "lines": 40,
        "groups": 5,
        "largest_group": 3,
    }


def _use() -> None:
    with Store.open() as store:
        store.statistics()
        store.search("甲", limit=1000)
        list(store.poems())


def _arrays(store: Path) -> Path:
    (folder,) = store.parent.glob("*.arrays")
    return folder


def _cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def _of_version(store: Path, version: int) -> None:
    with closing(sqlite3.connect(store)) as database:
        database.execute(f"PRAGMA user_version = {version}")


def _zero(path: Path, start: int = 128) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:start] + bytes(len(content) - start))


def _put_others(store: Path) -> None:
    folder = _arrays(store)
    shutil.rmtree(folder)
    SuffixArray.of_texts([text(range(100))]).save(folder)


def _write_over(path: Path, at: int, written: bytes = b"~") -> None:
    content = bytearray(path.read_bytes())
    content[at] = written[0]
    path.write_bytes(content)


def _flip_in_a_poem(store: Path) -> None:
    """Another character in a poem's text, which SQLite reads as if it belonged there."""
    with Store.open() as opened:
        old = next(opened.poems()).text[:4].encode()
    content = store.read_bytes()
    assert old in content
    store.write_bytes(content.replace(old, "書書書書".encode(), 1))


def _pipe(store: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no named pipes here")
    store.unlink()
    os.mkfifo(store)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        *[(lambda store, size=size: _cut(store, size), "") for size in (0, 99, 5_000)],
        *[(lambda store, n=n: _of_version(store, n), "built by another version") for n in (4, 99)],
        (lambda store: _zero(store, 4096), "is damaged"),
        (lambda store: shutil.rmtree(_arrays(store)), "is damaged"),
        (lambda store: (_arrays(store) / "order.npy").unlink(), "is damaged"),
        (lambda store: _cut(_arrays(store) / "text.npy", -2), "is damaged"),
        (lambda store: _zero(_arrays(store) / "order.npy"), "is damaged"),
        (_put_others, "is damaged"),
        (lambda store: _pipe(_arrays(store) / "order.npy"), "is damaged"),
        (lambda store: _write_over(_arrays(store) / "text.npy", 10, b"\\"), "is damaged"),
        (lambda store: _write_over(_arrays(store) / "lines.npy", -1), "is damaged"),
        (_flip_in_a_poem, "is damaged"),
        (lambda store: (store.unlink(), store.mkdir()), "is not a file"),
        (_pipe, "is not a file"),
    ],
)
def test_damage_is_one_line_that_says_what_to_do(
    built: Path, damage: Callable[[Path], object], said: str
) -> None:
    damage(built)
    with pytest.raises(
        CorpusError, match=rf"^{built} .*{said}.* run `pingze corpus fetch( --rebuild)?`$"
    ):
        _use()


def test_an_absent_store_says_how_to_get_it(home: Path) -> None:
    with pytest.raises(CorpusError) as caught:
        _use()
    assert str(caught.value) == f"there is no corpus at {store_path()}: run `pingze corpus fetch`"
    assert caught.value.cause == {"code": "no_corpus"}
    assert not home.exists()


def test_a_store_that_has_not_changed_is_digested_once(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open():
        pass
    module = import_module("pingze.corpus.digests")
    monkeypatch.setattr(module, "sha256_of", lambda *_: pytest.fail("digested again"))
    with Store.open() as store:
        assert next(store.poems())


def test_another_readers_temporary_file_is_no_damage_when_it_is_gone(built: Path) -> None:
    # A dangling link stands for a file that vanishes after the folder was listed.
    (_arrays(built) / f"checked.json.{'0' * 32}.partial").symlink_to("gone")
    with Store.open() as store:
        assert next(store.poems())


def test_a_folder_that_cannot_be_written_is_noticed_before_the_work(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    told: list[str] = []
    with pytest.raises(CorpusError, match="cannot be written"):
        build(write_folder(tmp_path / "poems"), progress=told.append)
    assert told == []
