"""A person's own corpus: read from text and JSON, cleaned, and trained on."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pingze.cli.corpus import kept_and_dropped
from pingze.corpus import Store, build, fetch
from pingze.corpus.clean import Cleaned
from pingze.corpus.sources import read_own
from pingze.errors import CorpusError, InputError
from pingze.training.presets import preset
from pingze.training.texts import corpus_for, make_vocabulary, read
from tests import invented

VERSE = "天地山水風，月花雪日夜。江海春秋東，西人心雲雨。"
UNEQUAL = "天地山水，風月花雪日夜。\n江海春秋，東西人。\n心雲雨。"
ROWS = ["天地山水風", "月花雪日夜", "江海春秋東", "西人心雲雨"]


def poems_of(folder: Path, name: str, text: str) -> list[tuple[str, str, str]]:
    (folder / name).write_text(text, encoding="utf-8")
    return [(r.title, r.author, r.text) for file in read_own(folder) for r in file.poems]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (VERSE, ("", "", VERSE)),
        ("\n".join(ROWS), ("", "", VERSE)),
        ("天地山水風,月花雪日夜.\n江海 春秋东,西人心云雨.\n", ("", "", VERSE)),
        (f"《夜行》\n張甲\n{VERSE}", ("夜行", "張甲", VERSE)),
        (f"# 夜行 張甲\n\n{VERSE}", ("夜行", "張甲", VERSE)),
        (f"小令\n\n{UNEQUAL}", ("小令", "", UNEQUAL.replace("\n", ""))),
    ],
)
def test_a_poem_of_a_text_file(tmp_path: Path, written: str, read: tuple[str, str, str]) -> None:
    assert poems_of(tmp_path, "poems.txt", written) == [read]


@pytest.mark.parametrize(
    "value",
    [
        [{"title": "夜行", "author": "張甲", "paragraphs": [VERSE[:12], VERSE[12:]]}],
        {"rhythmic": "夜行", "author": "张甲", "content": VERSE},
        {"book": {"part": [{"name": "夜行", "poet": "張甲", "lines": ROWS}], "preface": "□"}},
    ],
)
def test_a_poem_in_json_however_deep(tmp_path: Path, value: object) -> None:
    assert poems_of(tmp_path, "poems.json", json.dumps(value)) == [("夜行", "張甲", VERSE)]


def test_poems_between_blank_lines_in_json_lines_and_in_folders_below(tmp_path: Path) -> None:
    assert (
        len(poems_of(tmp_path, "poems.txt", f"夜行\n{VERSE}\n\n\n曉行\n{VERSE}\n \n{VERSE}")) == 3
    )
    (tmp_path / "below").mkdir()
    row = json.dumps({"text": VERSE}, ensure_ascii=False)
    assert len(poems_of(tmp_path / "below", "poems.jsonl", f"{row}\n\n{row}\n")) == 2
    (tmp_path / "notes.md").write_text("# 記\n", encoding="utf-8")
    assert {file.name for file in read_own(tmp_path)} == {
        "poems.txt",
        str(Path("below", "poems.jsonl")),
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\xff\xfe", "is no UTF-8"), (b"[1", "is no JSON"), (b"[" * 9999, "is no JSON")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "bad.json").write_bytes(content)
    with pytest.raises(CorpusError, match=f"bad.json {said}"):
        list(read_own(tmp_path))


@pytest.fixture
def own(tmp_path: Path) -> Cleaned:
    """A built store of two hundred invented poems of free and fixed forms, and what cleaning said."""
    folder, heard = tmp_path / "poems", []
    folder.mkdir()
    poems = [*invented.texts(150), *invented.texts(50, seed=1, lines=5, length=4)]
    rows = [
        {"title": "夜", "author": "張甲" if n % 2 else "", "text": text}
        for n, text in enumerate(poems)
    ]
    bad = [{"title": "缺", "text": VERSE + "□"}, {"text": "天。"}]
    (folder / "poems.json").write_text(json.dumps([*rows, *bad]), encoding="utf-8")
    (folder / "authors.json").write_text(
        json.dumps([{"name": "張甲", "desc": "人"}]), encoding="utf-8"
    )
    build(fetch(folder), on_cleaned=heard.append)
    return heard[0]


def test_the_store_is_of_ones_own_poems_and_says_what_was_dropped(own: Cleaned) -> None:
    kept, *dropped, without = kept_and_dropped(own)
    assert kept.startswith("kept: 200 poems of 1 poets, 24 characters")
    assert "五絕 150" in kept
    assert "□ or ○ for a lost character; the first is 《缺》天地山水風，" in dropped[0]
    assert "fewer than 20" in dropped[1]
    assert without == "no poem in 1 of the files, as in authors.json"
    with Store.open() as store:
        assert store.dynasties() == ("own",)
        assert store.statistics()["poems"] == {"own": 200}
        assert len(list(store.poems(dynasty="own"))) == 200
        assert store.search("天", dynasty="own") or store.search("地", dynasty="own")
        assert store.beside(before="天")


def test_the_preset_own_has_a_vocabulary_of_what_is_there_and_others_are_refused(
    own: Cleaned, tmp_path: Path
) -> None:
    chosen = preset("own")
    with Store.open() as store:
        vocabulary = make_vocabulary(read(store, chosen.training), chosen)
        assert corpus_for(store, ()) == "own"
        for name in ("report", "tang"):
            with pytest.raises(InputError, match=f"corpus is {name}, .* train with --preset own"):
                read(store, preset(name).training)
    assert len(vocabulary) < chosen.model.vocabulary_size
    assert {"<張甲>", *invented.CHARACTERS} <= set(vocabulary.tokens)
    assert "<唐>" not in vocabulary.tokens
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "one.txt").write_text(VERSE, encoding="utf-8")
    build(fetch(tmp_path / "few"))
    with Store.open() as store, pytest.raises(InputError, match="some fifty are the fewest"):
        read(store, chosen.training)


@pytest.mark.slow
def test_a_model_is_trained_and_composes(own: Cleaned, tmp_path: Path) -> None:
    """From the folder to a poem of a form, and one in the model's own lines."""
    import pingze
    from pingze.training.run import Run

    chosen = preset("own", ["epochs=2", "hidden_size=32", "embedding_size=16", "precision=float32"])
    chosen = replace(chosen, training=replace(chosen.training, poet_poems=50))
    with Store.open() as store:
        texts = read(store, chosen.training)
    Run(tmp_path / "run", chosen, texts).train()
    model = tmp_path / "run"
    free = pingze.generate(split_len=None, start="", model=model, title="夜", poet="張甲", seed=1)
    assert free
    assert set(free) <= set(invented.CHARACTERS) | set("，。\n")
    chosen_form = {"form": "五古", "lines": 4, "repeat": True, "particles": 2, "seed": 1}
    assert len(pingze.compose(model=model, **chosen_form)[0].lines) == 4
    assert np.isfinite(pingze.compose(model=model, **chosen_form)[0].log_probability)
