"""Systems whose text is not UTF-8: what is printed is in their code page, what is written to files is UTF-8."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pingze
from pingze.verse import check

POEM = "獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴聲。"
SOURCES = sorted(Path(pingze.__path__[0]).rglob("*.py"))


def run(folder: Path, encoding: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"PYTHONUTF8": "0", "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "pingze", *arguments]
    return subprocess.run(command, capture_output=True, cwd=folder, env=environment, check=False)


@pytest.mark.parametrize("encoding", ["cp950", "gb18030", "utf-16"])
def test_a_poem_in_a_code_page_that_has_its_characters(tmp_path: Path, encoding: str) -> None:
    done = run(
        tmp_path, encoding, "generate", "日", "--temperature", "0", "--model", "report", "--max-lines", "2"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode(encoding).startswith("日")


def test_files_are_utf_8_in_any_locale(tmp_path: Path) -> None:
    (tmp_path / "poem.txt").write_text(POEM, encoding="utf-8")
    environment = os.environ | {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    script = "import locale; print(locale.getencoding())"
    asked = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True
    )
    assert asked.stdout.strip().lower() not in ("utf-8", "utf8")
    command = [sys.executable, "-m", "pingze"]
    for arguments in (["check", "poem.txt", "--json"], ["export", "--to", "shared", "--model", "report"]):
        done = subprocess.run(
            [*command, *arguments], capture_output=True, cwd=tmp_path, env=environment, check=False
        )
        assert done.returncode == 0, done.stderr
    assert "<bos>" in (tmp_path / "shared" / "vocab.txt").read_text(encoding="utf-8")
    checked = subprocess.run(
        [*command, "check", "poem.txt", "--json"],
        capture_output=True,
        cwd=tmp_path,
        env=environment,
        check=True,
    )
    assert json.loads(checked.stdout)[0]["lines"] == list(check(POEM).lines)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_text_file_is_opened_with_its_encoding(path: Path) -> None:
    """Where none is named, Python takes the locale's."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = {keyword.arg for keyword in node.keywords}
        if name == "write_text" or (
            name == "read_text" and not node.args and isinstance(node.func, ast.Attribute)
        ):
            assert "encoding" in given, f"{path.name}, line {node.lineno}"
        modes = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        if name == "open" and not any("b" in mode or "|" in mode for mode in modes):
            own = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") in (
                "Store",
                "os",
            )
            assert own or "encoding" in given, f"{path.name}, line {node.lineno}"
