"""Lines compared with an invented corpus, and the command that shows it."""

import json
from pathlib import Path

import pytest

from pingze.corpus import Store, build
from pingze.corpus.originality import of_lines
from tests.cli.calling import Call
from tests.corpus.invented import FILES, line, text, write_folder


@pytest.fixture(autouse=True)
def _built(tmp_path: Path, home: Path) -> None:
    build(write_folder(tmp_path / "poems", FILES))


def test_a_line_shares_a_run_and_has_a_nearest_line() -> None:
    with Store.open() as store:
        copied, changed, strange = of_lines([line(24, 7), "癸" + line(71)[1:], "風花雪月天"], store)
    assert (copied.line, copied.run, copied.same) == (1, line(24, 7), 7)
    assert copied.nearest
    assert copied.run_in
    assert (copied.nearest.title, copied.nearest.author, copied.nearest.number) == ("二", "李乙", 4)
    assert (copied.run_in.line, copied.run_in.title) == (line(24, 7), "二")
    assert (changed.run, changed.same) == (line(71)[1:], 4)
    assert changed.nearest
    assert (changed.nearest.line, changed.nearest.title) == (line(71), "八")
    assert (strange.run, strange.run_in, strange.same, strange.nearest) == ("", None, 0, None)


def test_the_command_reads_a_poem_or_a_file(call: Call, tmp_path: Path) -> None:
    poem = text([21, 22, 23, 24], 7)
    file = tmp_path / "poems.txt"
    file.write_text(f"{poem}\n\n{text([900, 901, 902, 903])}", encoding="utf-8")
    status, out, err = call("originality", poem)
    assert (status, err) == (0, "")
    assert out.splitlines()[:2] == [
        f"{line(21, 7)}  shares {line(21, 7)}  李乙《二》",
        f"{line(21, 7)}  is nearest, 7 of 7  李乙《二》",
    ]
    first, second = json.loads(call("originality", str(file), "--json")[1])
    assert [row["same"] for row in first["lines"]] == [7, 7, 7, 7]
    assert first["lines"][3]["run_in"]["number"] == 4
    assert len(second["lines"]) == 4


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no endless file here")
@pytest.mark.parametrize(("command", "name"), [("check", "/dev/zero"), ("originality", "large.txt")])
def test_an_endless_file(call: Call, command: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("large.txt").write_bytes(b" " * 20_000_001)
    assert call(command, name) == (2, "", f"pingze: {name} has more than 20 MB: give it in parts\n")
