"""The command line as a person meets it: real processes, and one line for each thing that is wrong."""

import json
import re
import subprocess
import sys
import tomllib
import warnings
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import Mock

import pytest

from pingze import __all__ as public_names  # type: ignore[attr-defined]
from pingze.cli.application import EXTRAS
from pingze.composing.composer import load_composer
from pingze.corpus import build
from pingze.network import checkpoint
from pingze.network.reference import ReferenceNetwork
from tests import invented
from tests.cli.calling import Call, pingze, python
from tests.composing import verse
from tests.corpus.invented import QUOTED, write_quoted

ROOT = Path(__file__).parents[2]
needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="needs the extra train")


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(invented.saved(tmp_path / "model.safetensors", verse.checkpoint_of(verse.POOL)))


def test_generate_and_version(call: Call, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = (
        "generate",
        "风",
        "--split-len",
        "8",
        "--max-lines",
        "4",
        "--seed",
        "3",
        "--model",
        model,
    )
    with warnings.catch_warnings(action="always"):
        status, out, err = call(*asked)
        assert (status, err) == (0, "pingze: 风 was read as 風\n")
        assert call(*asked)[1] == out
        monkeypatch.setenv("PINGZE_LANG", "zh")
        assert call(*asked)[2] == "pingze: 「风」認作「風」。\n"
    assert re.fullmatch(r"風.{6}，.{7}。\n(.{7}，.{7}。\n)?", out)
    assert call("--version") == (0, f"pingze {version('pingze')}\n", "")


@pytest.mark.parametrize(
    "module", ["typer", "numpy", "pingze.errors", "pingze.cli.application", "pingze.cli.composing"]
)
def test_ctrl_c_while_modules_are_imported_is_one_line(module: str) -> None:
    script = f"""
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a process in the background ignores
class Stopping:
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Stopping())
from pingze.__main__ import run
run(["compose"])
"""
    done = python("-c", script)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"pingze: stopped\n")


@pytest.mark.parametrize(("form", "lines", "length"), [("七绝", 4, 7), ("五律", 8, 5)])
def test_compose_as_json(call: Call, model: str, form: str, lines: int, length: int) -> None:
    command = ("compose", "日", "--form", form, "--repeat", "--model", model, "--json")
    status, out, err = call(*command, "--count", "2", "--seed", "3")
    assert (status, err) == (0, "")
    poems = json.loads(out)
    assert [(poem["seed"], poem["number"], poem["count"]) for poem in poems] == [
        (3, 1, 2),
        (3, 2, 2),
    ]
    names = "form template rhyme title poet seed model lines log_probability about mood score number count"
    for poem in poems:
        assert " ".join(poem) == names
        assert [len(line) for line in poem["lines"]] == [length] * lines
        assert poem["log_probability"] < 0
    assert json.loads(call(*command, "--count", "2", "--seed", "3")[1]) == poems


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("generate 日 --temperature warm", "--temperature"),
        ("generate 日 --loud", "No such option: --loud"),
        ("compose --title 春 --model report", "title: the model report was not trained with"),
        ("compose --seed 1" + 400 * "0", "seed is 10^400; it must be"),
        ("revise hello --line 1", "hello cannot be read: No such file or directory"),
        ("revise 山，水。 --line 1", "this is no poem to revise"),
        ("compose --keep 磧雲侵馬首", "keep '磧雲侵馬首' is not LINE=TEXT, as 3=磧雲侵馬首"),
        ("compose --keep 9=春", "line 9 is not in the poem, which has 4 lines"),
        ("compose --form 五絕 --keep 2=春山", "line 2, 春山, has 2 characters; a line has 5"),
        ("compose --exclude-at 匈奴", "exclude_at '匈奴' is not LINE=TEXT"),
        ("check nowhere.txt", "nowhere.txt cannot be read: No such file or directory"),
        (
            "export",
            "nothing to write: give --to FOLDER, which --push uploads, --onnx FILE, or both",
        ),
        (
            "export --to x --figures nowhere.json",
            "nowhere.json cannot be read: No such file or directory",
        ),
        ("export --to x --figures poems.txt", "poems.txt holds no figures"),
        ("originality hello\0", "cannot be read: embedded null byte"),
        ("corpus search 明月", "no corpus at"),
        ("sing", "No such command 'sing'"),
        ("check 山， --form=", "form '' is unknown; choose one of 五絕"),
        ("serve --workers 1025", "1025 is not in the range 1<=x<=1024"),
        *(
            pytest.param(*row, marks=needs_torch)
            for row in (
                ("train --out run", "no corpus at"),
                ("train --out run --set epochs=0", "epochs is 0.0; it must be above 0, or none"),
                ("evaluate --model nowhere", "there is no model 'nowhere'"),
            )
        ),
    ],
)
def test_bad_input(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("poems.txt").touch()
    status, out, err = call(*line.split())
    assert (status, out, err.startswith("pingze: "), err.count("\n")) == (2, "", True, 1)
    assert message in err
    assert not list(tmp_path.glob("run*"))


def test_the_reference_composes_by_the_formulas(call: Call) -> None:
    command = ("compose", "--form", "五絕", "--particles", "2", "--seed", "1", "--json")
    by_formulas, by_graph = (json.loads(call(*command, *more)[1]) for more in (["--reference"], []))
    for (poem,), reference in ((by_formulas, True), (by_graph, False)):
        chosen = load_composer("tang", reference=reference)
        prefix = [chosen.conditions.names[name] for name in ("唐", "五絕")]
        assert poem["log_probability"] == pytest.approx(
            chosen.score(poem["lines"], prefix)[1].sum(), rel=1e-5
        )
    assert type(load_composer("tang", reference=True).network) is ReferenceNetwork


def test_composed_poems_pass_the_check_command(call: Call, tmp_path: Path) -> None:
    poems = call("compose", "--form", "五絕", "--count", "2", "--particles", "4", "--seed", "1")[1]
    file = tmp_path / "poems.txt"
    file.write_text("\ufeff" + poems.replace("\n", "\r\n"), encoding="utf-8")
    status, out, err = call("check", str(file), "--json")
    assert (status, err) == (0, "")
    assert [(verdict["form"], verdict["violations"]) for verdict in json.loads(out)] == [
        ("五絕", [])
    ] * 2
    # the poems themselves, and no file's name
    assert call("check", poems, "--json") == (0, out, "")
    for mark in (" ", "", ",", "､ "):
        status, out, _ = call(
            "check", mark.join(("獨坐寒窗下", "無人問姓名", "閑眠不可見", "何處有琴山"))
        )
        assert (status, "出韻" in out) == (1, True)
    assert call("check", " ") == (
        2,
        "",
        "pingze: '' holds no verse: give lines of Han characters\n",
    )


def test_a_draft_with_faults_is_not_passed_as_old_style_verse(call: Call) -> None:
    draft = "獨坐寒窗下，無客問姓名。閑眠不可見，何人有琴聲。"
    status, out, _ = call("check", draft, "--json")
    (verdict,) = json.loads(out)
    assert status == 1
    assert (verdict["ok"], verdict["form"], verdict["regulated"]) == (False, "五絕", True)


def test_simplified_phrases_are_read_by_their_neighbours(
    home: Path, tmp_path: Path, call: Call
) -> None:
    poems = tmp_path / "poems"
    poems.mkdir()
    (poems / "own.txt").write_text(
        "夜坐\n\n獨坐寒窗下，無人問姓名。\n閑眠不可見，白髮有琴聲。", encoding="utf-8"
    )
    assert call("corpus", "fetch", str(poems))[0] == 0
    with warnings.catch_warnings(action="default"):
        status, out, err = call("corpus", "search", "白发")
    assert (status, out, err) == (
        0,
        "白髮有琴聲  《夜坐》 own, line 4\n",
        "pingze: 发 was read as 髮\n",
    )
    assert "白髮有琴聲  shares 白髮有琴聲" in call("originality", "闲眠不可见，白发有琴声。")[1]


def test_lines_of_the_corpus_are_put_together(home: Path, tmp_path: Path, call: Call) -> None:
    build(write_quoted(tmp_path / "poems"))
    asked = ("collect", "--form", "五绝", "--particles", "2")
    status, out, err = call(*asked, "--title", "夜坐")
    assert (status, err) == (0, "")
    lines = ["獨坐寒窗下，無人問姓名。", "閑眠不可見，何處有琴聲。", "", ""]
    lines += [f"{line}  張甲《{n}》 own, line {n}" for n, line in enumerate(QUOTED, 1)]
    assert sorted(out.split("\n")) == sorted(lines)
    (poem,) = json.loads(call(*asked, "--from", "own", "--json")[1])
    assert sorted(poem["lines"]) == sorted(QUOTED)
    assert {(source["title"], source["number"]) for source in poem["sources"]} == {
        (f"{n}", n) for n in range(1, 5)
    }
    assert not re.search("tune|--original", call("collect", "--help")[1])
    status, _, err = call(*asked, "--from", "杜甫")
    assert (status, err) == (2, "pingze: poets '杜甫' is unknown; choose one of 張甲\n")


def test_couplets_are_printed_with_their_reasons(call: Call) -> None:
    asked = ("couplet", "海内存知己", "--particles", "8", "--seed", "1")
    with warnings.catch_warnings(action="ignore"):
        (found,) = json.loads(call(*asked, "--json")[1])
        status, out, _ = call(*asked, "--explain")
    lower, tone, score = found["lower"], found["tones"][1][0], found["antithesis"][0]
    first, second, *others = out.splitlines()
    assert (status, first, len(others)) == (0, f"海內存知己，{lower}。", 4)
    assert second == f"海 {lower[0]}  仄{tone}  antithesis {score:+.2f}"
    *_, banner = call("couplet", "--write", "新春", "--particles", "8", "--seed", "1")[
        1
    ].splitlines()
    assert len(banner) == 4


def test_a_draft_is_mended_and_an_impossible_request_has_status_1(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = "獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴天。"
    status, out, err = call("mend", draft, "--keep", "琴", "--seed", "1")
    assert (status, err) == (0, "")
    *_, blank, change = out.rstrip("\n").split("\n")
    assert blank == ""
    assert re.fullmatch("· line 4, character 5: 天 → . \\(出韻\\)", change)
    pattern = "＿＿＿＿＿ ＿＿＿＿天"
    for asked, given_up in (
        (("mend", draft, "--keep", "琴天", "--keep", "姓名"), "keep 琴天"),
        (
            ("compose", "--form", "五絕", "--rhyme", "陽", "--pattern", pattern),
            "pattern's 天 (line 2, ",
        ),
    ):
        status, out, err = call(*asked)
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert err.startswith(f"pingze: no 五絕 can keep all that is asked for: give up {given_up}")
    monkeypatch.setenv("PINGZE_LANG", "zh")
    assert call("mend", draft, "--seed", "1")[1].endswith("· 第 4 句第 5 字：天 → 聲（出韻）\n")
    assert call("mend", draft.replace("天", "聲"))[1].endswith("· 無須改。\n")
    said = "pingze: 這不是可以改寫的詩：共 1 句，每句 3 字（3言）。不合任何一體，沒有評判。\n"
    assert call("revise", "雨雨雨。", "--line", "1") == (2, "", said)


def test_a_folder_and_a_graph_are_exported(call: Call, tmp_path: Path) -> None:
    figures, to, onnx = (tmp_path / name for name in ("figures.json", "shared", "step.onnx"))
    figures.write_text(json.dumps({"split": "dev", "perplexity": 50.5}), encoding="utf-8")
    files = ("--to", str(to), "--onnx", str(onnx), "--figures", str(figures))
    status, out, err = call("export", "--model", "report", *files)
    assert (status, out) == (0, "")
    written = [to / name for name in ("model.safetensors", "config.json", "vocab.txt", "README.md")]
    assert err.splitlines() == [f"wrote {path}" for path in (*written, onnx)]
    assert call("generate", "日", "--seed", "1", "--model", str(to))[0] == 0


def test_explain_has_a_row_for_each_character_and_revise_keeps_the_rest(call: Call) -> None:
    arguments = ("compose", "--form", "五絕", "--seed", "1", "--particles", "4", "--explain")
    shown, table = call(*arguments)[1].split("\n\n")
    assert len(table.splitlines()) == 20
    reasons = json.loads(call(*arguments, "--json")[1])[0]["reasons"]
    assert [(r["line"], r["position"]) for r in reasons[4:6]] == [(1, 5), (2, 1)]
    poem = shown.split()
    revised = call("revise", "".join(poem), "--line", "1", "--char", "2", "--seed", "1")[1].split()
    assert revised[1] == poem[1]
    assert [a == b for a, b in zip(revised[0], poem[0], strict=True)].count(False) == 1


def test_look_ups(call: Call) -> None:
    assert re.search("平 上平十四寒(.*\n){3}仄 去聲十五翰", call("tones", "看")[1])
    assert re.search("七陽.*each other(.*\n){3}.*二十三漾.*minister.*丞相", call("tones", "相")[1])
    assert call("tones", "将军")[1] == "將 平  軍 平\n"
    assert call("tones", "长老", "--standard", "xinyun")[1] == "長 仄  老 仄\n"
    assert (
        call("tones", "长", "--standard", "xinyun")[1] == "平 平聲十唐  cháng\n仄 仄聲十唐  zhǎng\n"
    )
    (spoken,) = (row["spoken"] for row in json.loads(call("tones", "白", "--json")[1]))
    assert spoken == {"tongyun": {"bái": "平聲七哀"}, "xinyun": {"bái": "平聲四開"}}
    assert call("rhyme", "一麻", "--standard", "xinyun")[1].startswith("平聲一麻  ")
    assert (
        call("check", "夜靜江風起，天寒月照波。扁舟何處去，一笑念山國。", "--standard", "xinyun")[0]
        == 0
    )
    poem = "獨坐看山月，無人問姓名。閑眠不可見，何處有琴聲。"
    assert "\n 3  c   中平仄仄仄  三仄尾  不 仄 物\n" in call("check", poem, "--explain")[1]
    assert (
        json.loads(call("check", poem, "--explain", "--json")[1])[0]["explanation"][0]["kind"]
        == "a"
    )
    assert call("rhyme", "阳")[1].startswith("下平七陽  ")
    assert call("tunes", "")[2].startswith("pingze: tune '' is unknown; choose one of 浣溪沙")
    assert list(json.loads(call("rhyme", "看", "--json")[1])) == ["上平十四寒", "去聲十五翰"]


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (KeyboardInterrupt(), 130, "stopped"),
        (
            ZeroDivisionError("x / 0"),
            2,
            "a fault in pingze (ZeroDivisionError: x / 0); PINGZE_DEBUG=1 shows where",
        ),
    ],
)
def test_ctrl_c_or_fault(
    call: Call, monkeypatch: pytest.MonkeyPatch, raised: BaseException, status: int, said: str
) -> None:
    monkeypatch.setattr(checkpoint, "load", Mock(side_effect=raised))
    assert call("export", "--to", "nowhere") == (status, "", f"pingze: {said}\n")


@pytest.mark.parametrize(
    ("absent", "command", "said"),
    [
        (
            "torch",
            "train --out run",
            "training needs the extra `train`: .*'[.].train.' .*5.5 GB.*",
        ),
        ("numba", "derive", "checking the derivation needs the extra `train`: .*"),
        (
            "matplotlib",
            "derive --plots out",
            "drawing the pictures needs the extra `plots`: .*'[.].plots.'",
        ),
        (
            "huggingface_hub",
            "export --to x --push garden/plum",
            "export --push needs the extra `hub`: .*'[.].hub.'",
        ),
        (
            "segno",
            "serve",
            "pingze serve needs the extra `serve`: in a clone of pingze, pip install '[.].serve.'",
        ),
    ],
)
def test_a_missing_extra(
    call: Call, monkeypatch: pytest.MonkeyPatch, absent: str, command: str, said: str
) -> None:
    monkeypatch.setattr(
        "pingze.cli.application.find_spec", lambda name: None if name == absent else True
    )
    status, _, err = call(*command.split())
    assert status == 2
    assert re.fullmatch(f"pingze: {said}\n", err)


def test_each_extra_that_commands_ask_for_names_its_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extra, packages in EXTRAS.items():
        listed = [re.match(r"[\w-]+", each)[0] for each in project["optional-dependencies"][extra]]
        assert sorted(packages) == sorted(listed)


@needs_torch
@pytest.mark.slow
def test_derive_without_plots_imports_no_matplotlib() -> None:
    done = python(
        "-c",
        "import sys\nsys.modules['matplotlib'] = None\n"
        "from pingze.__main__ import run\nrun(['derive', '--json'])",
        PYTHONUTF8="1",
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("run", "absent"),
    [
        ("import pingze.cli", "torch numpy onnxruntime"),
        ("from pingze import *\nfrom pingze.serve.app import create_app\ncreate_app()", "torch"),
        (
            "from pingze.__main__ import run\n"
            "for command in (['generate', '日'], ['compose'], ['compose', '--help']):\n"
            "    with contextlib.suppress(SystemExit): run(command)",
            "torch matplotlib rich opencc sqlite3",
        ),
    ],
)
def test_nothing_is_imported_that_is_not_needed(run: str, absent: str) -> None:
    end = f"print([name for name in {absent.split()} if name in sys.modules])"
    done = python(
        "-c",
        f"import atexit, contextlib, sys\natexit.register(lambda: {end})\n{run}",
        PYTHONUTF8="1",
    )
    assert done.stdout.splitlines()[-1] == b"[]", done.stderr


def test_python_m_pingze_without_arguments_and_a_reader_that_has_gone() -> None:
    status, out, _ = pingze(PYTHONUTF8="1")
    assert (status, "pingze compose" in out) == (0, True)
    assert out.count("\n") <= 10
    assert pingze("--", PYTHONUTF8="1")[:2] == (0, out)
    command = f"{sys.executable} -m pingze compose --count 3 --seed 1 | head -n 1"
    done = subprocess.run(command, shell=True, check=True, capture_output=True, encoding="utf-8")
    assert done.stdout.startswith("1 · seed 1 · score ")
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("unbuffered", "redirected", "said"),
    [
        (
            "",
            "compose --seed 1 > /dev/full",
            "standard output cannot be written: No space left on device",
        ),
        (
            "1",
            "compose --seed 1 > /dev/full",
            "standard output cannot be written: No space left on device",
        ),
        ("", "compose --seed 1 >&-", "standard output cannot be written: Bad file descriptor"),
        (
            "",
            "check poem.txt > /dev/full",
            "standard output cannot be written: No space left on device",
        ),
        ("", "check - <&-", "standard input cannot be read: Bad file descriptor"),
        ("", "check nowhere.txt 2>&-", None),
        ("", "compose --seed -1 2> /dev/full", None),
        ("1", "compose --seed -1 2> /dev/full", None),
    ],
)
def test_closed_or_full_streams(
    tmp_path: Path, unbuffered: str, redirected: str, said: str | None
) -> None:
    (tmp_path / "poem.txt").write_text(
        "月日風平月，平平月日東。平平平月日，月日日平天。", encoding="utf-8"
    )
    command = f"PYTHONUNBUFFERED={unbuffered} {sys.executable} -m pingze {redirected}"
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (2, f"pingze: {said}\n" if said else "")


def test_public_names() -> None:
    kinds = "Checkpoint Corpus Infeasible Input MissingExtra Pingze Training Unfinished"
    named = """Alternative Automaton Change Collected Couplet Found FoundTexts
            Mended Poem Reason Sheet SheetVerdict Swap Verdict Violation
        Want alternatives antithesis_notes check collect compose couplet explain explain_verdict fill find generate mend
        read_poem revise suggest_swaps"""
    assert set(public_names) == {*named.split(), *(f"{kind}Error" for kind in kinds.split())}


@pytest.mark.parametrize(
    ("bound", "content", "said"),
    [
        ("LONGEST_ROW", "春" * 40, "has a line of more than 99 bytes"),
        ("MOST_ROWS", "\n" * 200, "has more than 99 lines: "),
        ("LONGEST_BLOCK", "春風\n" * 100, "has more than 99 lines without a blank line"),
    ],
)
@pytest.mark.parametrize("command", ["check", "originality"])
def test_a_file_of_no_verse_is_refused_while_it_is_read(
    call: Call,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    bound: str,
    content: str,
    said: str,
) -> None:
    """19 MB of newlines took 4 GB."""
    monkeypatch.setattr(f"pingze.cli.application.{bound}", 99)
    (tmp_path / "poem.txt").write_text(content, encoding="utf-8")
    status, shown, problem = call(command, str(tmp_path / "poem.txt"))
    assert (status, shown) == (2, "")
    assert said in problem
    assert problem.count("\n") == 1


def test_a_lack_of_memory_is_one_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("pingze.verse.checking.check", fail)
    status, _, problem = call("check", "春月紅芳碧，風流夜漏深。此心何必住，金草與山陰。")
    assert status == 2
    assert problem == (
        "pingze: there is not enough memory for this: ask for less, or end other programs\n"
    )
