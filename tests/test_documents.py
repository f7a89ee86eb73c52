"""What the documents tell people to type can be typed: commands parse, Python runs, the site builds."""

import ast
import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer

import pingze
from pingze.cli import application_for
from pingze.messages import catalogue

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*sorted(ROOT.glob("README*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
LINKING = [*DOCUMENTS, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
"""All but CHANGELOG.md, which names files of earlier versions."""
RUN = [path for path in DOCUMENTS if "run_page.py" not in path.read_text(encoding="utf-8")]
"""Documents whose blocks run each by itself, and not as one program."""
OF_COMMANDS = {
    "at_least",
    "even",
    "listen",
    "one_character",
    "no_reading",
    "several_characters",
    "no_corpus_here",  # its code is `no_corpus`
}
"""Codes that no answer of the API has."""
PATH = re.compile(r"(?<![\w/.*])(?:src|docs|tests|lab|tools)/[\w./-]*\w\.\w+\b")


@pytest.mark.parametrize("path", LINKING, ids=lambda path: path.name)
def test_links_and_paths_lead_to_files(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    links = [path.parent / link for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)]
    paths = [
        ROOT / named for named in PATH.findall(text) if not named.startswith("docs/derivation/")
    ]
    assert [str(each) for each in (*links, *paths) if not each.exists()] == []


def blocks(path: Path, language: str, heading: str = "") -> list[str]:
    """The code of a language in a document, from a heading on if it is given."""
    text = path.read_text(encoding="utf-8")
    if heading:
        text = text.partition(f"\n## {heading}\n")[2]
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [block for name, block in fenced if name == language]


def commands(path: Path) -> list[list[str]]:
    """The arguments of each `pingze` in the shell blocks of a document, and in its transcripts."""
    shell = "\n".join(blocks(path, "sh") + [b for b in blocks(path, "text") if b.startswith("$ ")])
    lines = [line.removeprefix("$ ") for line in shell.replace("\\\n", " ").splitlines()]
    parts = [
        part for line in lines for part in re.split(r" \| | > | && ", re.sub(r"\s#.*", "", line))
    ]
    words = [
        shlex.split(re.sub(r"^(\w+=\S+ +)+", "", part.strip()))
        for part in parts
        if "pingze" in part
    ]
    return [rest for first, *rest in filter(None, words) if first == "pingze"]


def parse(arguments: list[str]) -> None:
    """Parse as the command line does, and run nothing."""
    command: Any = typer.main.get_command(application_for(()))
    context = command.make_context("pingze", list(arguments))
    while hasattr(command, "resolve_command"):
        rest = [*context._protected_args, *context.args]
        name, command, rest = command.resolve_command(context, rest)
        context = command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_are_those_that_there_are(path: Path) -> None:
    for arguments in commands(path):
        if {"--help", "--version", "--install-completion", "--show-completion"}.isdisjoint(
            arguments
        ):
            parse(arguments)


def test_commands_are_found_and_wrong_ones_are_refused() -> None:
    assert sum(len(commands(path)) for path in DOCUMENTS) > 40
    with pytest.raises(Exception, match="colour"):
        parse(["compose", "--colour", "red"])


def codes(path: Path) -> set[str]:
    """The codes of the errors and notes that a module makes."""
    found = set()
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call) and re.search(r"(Error|Note)$", ast.unparse(call.func)):
            for argument in call.args[:2]:
                constants = [each for each in ast.walk(argument) if isinstance(each, ast.Constant)]
                found.update(each.value for each in constants if isinstance(each.value, str))
    return found & catalogue().keys()


def test_every_code_of_an_answer_is_documented() -> None:
    """An answer of the API has the codes of what checks, composes and serves."""
    document = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"`([a-z_]+)`", document))
    found = set()
    for room in ("verse", "composing", "serve"):
        for path in (Path(pingze.__path__[0]) / room).rglob("*.py"):
            found |= codes(path)
    assert len(found) > 60
    assert found - documented - OF_COMMANDS == set()


@pytest.mark.parametrize(("kind", "named"), [("titles", "title's"), ("themes", "theme's")])
def test_readers_are_told_that_repeating_characters_is_no_merit(kind: str, named: str) -> None:
    scale = (ROOT / "lab" / "experiments" / "reading" / f"{kind}.md").read_text(encoding="utf-8")
    assert f"Repeating the {named} characters is in itself no merit." in scale


@pytest.mark.slow
@pytest.mark.parametrize("path", RUN, ids=lambda path: str(path.relative_to(ROOT)))
def test_python_runs(path: Path, tmp_path: Path) -> None:
    for block in blocks(path, "python"):
        script = [sys.executable, "-c", block]
        subprocess.run(script, check=True, cwd=tmp_path, env=os.environ | {"PYTHONUTF8": "1"})


@pytest.mark.slow
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_transcripts_print_what_they_say(path: Path, tmp_path: Path) -> None:
    """Each `$ pingze …` in a block of text, in the document's language."""
    language = "zh" if "zh" in path.relative_to(ROOT).as_posix() else "en"
    environment = os.environ | {"PYTHONUTF8": "1", "PINGZE_LANG": language}
    for block in blocks(path, "text"):
        for transcript in re.split(r"^\$ pingze ", block, flags=re.MULTILINE)[1:]:
            command, _, told = transcript.partition("\n")
            done = subprocess.run(
                [sys.executable, "-m", "pingze", *shlex.split(command)],
                capture_output=True,
                encoding="utf-8",
                check=True,
                cwd=tmp_path,
                env=environment,
            )
            assert done.stdout.strip() == told.strip(), command


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mkdocs") is None, reason="needs the extra docs")
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    """A page that no menu has, a link to nothing, a formula or a docstring that cannot be read: each is a warning."""
    site = tmp_path / "site"
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(site),
    ]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, stderr=subprocess.PIPE, cwd=ROOT, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    html = {
        p.relative_to(site).as_posix(): p.read_text(encoding="utf-8") for p in site.rglob("*.html")
    }
    assert "<math" in html["lstm-derivation.html"]
    assert "$`" not in html["lstm-derivation.html"]
    assert "<mo>+=</mo>" in html["lstm-variants.html"]
    assert 'mathvariant="bold"' not in html["lstm-variants.html"], "browsers no longer draw it"
    assert 'id="pingze.errors.Clash"' not in html["python.html"]
    assert "The rhyme group" in html["python.html"]
    for name, text in html.items():
        assert "```" not in text, f"{name} shows the marks of a block"
        inline = re.findall(r'(.*?)<math[^>]*display="inline"', text)
        assert all(inline), f"{name} has a formula in a sentence that stands outside its paragraph"
        if not name.startswith("report/"):
            assert not re.findall(
                r'(?:src|href)="(https?://[^"]*(?:fonts|cdn|unpkg)[^"]*)"', text
            ), name
