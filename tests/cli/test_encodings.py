"""Systems whose text is not UTF-8: what is printed is in their code page, what is written to files is UTF-8."""

import ast
import json
import re
from pathlib import Path

import pytest

from pingze import __path__ as package
from pingze.verse.checking import check
from tests.cli.calling import pingze, python

POEM = "獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴聲。"


@pytest.mark.parametrize("encoding", ["cp950", "gb18030", "utf-16"])
def test_a_poem_in_a_code_page_that_has_its_characters(encoding: str) -> None:
    likeliest = ("generate", "日", "--temperature", "0", "--model", "report", "--max-lines", "2")
    done = python("-m", "pingze", *likeliest, PYTHONUTF8="0", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode(encoding).startswith("日")


def test_output_in_ascii(tmp_path: Path) -> None:
    status, out, err = pingze("check", POEM[:-2] + "山。", PYTHONIOENCODING="ascii")
    assert (status, out) == (2, "")
    pattern = (
        r"pingze: standard output is in ascii, which has no '\\u\w+': set PYTHONIOENCODING=utf-8\n"
    )
    assert re.fullmatch(pattern, err)
    status, out, err = pingze("check", POEM[:-2] + "山。", "--json", PYTHONIOENCODING="ascii")
    assert (status, err) == (1, "")
    assert json.loads(out)[0]["lines"][0] == "獨坐寒窗下"


def test_files_are_utf_8_in_any_locale(tmp_path: Path) -> None:
    (tmp_path / "poem.txt").write_text(POEM, encoding="utf-8")
    locale = {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    asked = python("-c", "import locale; print(locale.getencoding())", **locale)
    assert asked.stdout.strip().lower() not in (b"utf-8", b"utf8")
    assert pingze("export", "--to", "shared", "--model", "report", cwd=tmp_path, **locale)[0] == 0
    assert "<bos>" in (tmp_path / "shared" / "vocab.txt").read_text(encoding="utf-8")
    _, out, _ = pingze("check", "poem.txt", "--json", cwd=tmp_path, **locale)
    assert json.loads(out)[0]["lines"] == list(check(POEM).lines)


def test_every_text_file_is_opened_with_its_encoding() -> None:
    """Where none is named, Python takes the locale's."""
    for path in Path(package[0]).rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for call in (node for node in nodes if isinstance(node, ast.Call)):
            name = ast.unparse(call.func)
            given = [ast.unparse(argument) for argument in (*call.args, *call.keywords)]
            is_text = re.search(r"\.write_text$|(?<!Store\.)(?<!os\.)\bopen$", name)
            is_text = is_text or (not given and name.endswith(".read_text"))
            named = any(re.match(r"encoding=|'[rwax+]*[b|][+*]?'$", each) for each in given)
            assert named or not is_text, f"{path.name}, line {call.lineno}"
