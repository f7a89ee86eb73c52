"""The page's files, without a browser: what they name is there, types and format of the JavaScript, and the font."""

import json
import re
import shutil
import subprocess
from dataclasses import fields
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from pingze.composing.options import MOODS, Composing
from pingze.network import checkpoint
from pingze.serve.app import PAGE
from pingze.verse.character_table import mainland_variants, simplified_forms
from pingze.verse.patterns import STRICTNESSES

TOOLS = Path(__file__).parents[2] / "node_modules" / ".bin"
LARGEST_FONT = 3.1e6
# of the characters neither script's are in the font; half of them are Simplified forms of rare ones
RARE = 0.01

DATA = PAGE.parents[1] / "verse" / "data"
MODULES = {path.name: path.read_text(encoding="utf-8") for path in sorted(PAGE.glob("*.js"))}
WORDS: dict[str, list[str]] = json.loads((PAGE / "words.json").read_text(encoding="utf-8"))
RULES = set(
    re.findall(
        r'^\["(\w+)"\]$',
        (PAGE.parents[1] / "messages.toml").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
)
ELSEWHERE = {"reader.js", "about.js"}
"""What other pages load: the one without a server, and those that tell about pingze."""


class Markup(HTMLParser):
    """The elements of index.html, and the text within scripts and styles."""

    def __init__(self, name: str = "index.html") -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self.feed((PAGE / name).read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.inline += data.strip() if self.cdata_elem else ""


def test_nothing_stands_inline() -> None:
    markup = Markup()
    names = {name for _, attributes in markup.elements for name in attributes}
    assert markup.inline == ""
    assert not {name for name in names if name == "style" or name.startswith("on")}
    assert "style" not in {tag for tag, _ in markup.elements}


def test_what_the_markup_loads_is_there_and_ours() -> None:
    loaded = {
        each[name] or ""
        for _, each in Markup().elements
        for name in ("src", "href")
        if name in each
    }
    # All modules at once, and not one after the other.
    assert {f"/page/{name}" for name in MODULES if name not in ELSEWHERE} <= loaded
    for address in loaded:
        if address.startswith("/v1/"):
            continue
        assert address.startswith("/page/")
        assert (PAGE / address.removeprefix("/page/").partition("#")[0]).is_file()


def test_each_word_is_there_in_both_languages() -> None:
    for name, (chinese, english) in WORDS.items():
        assert chinese
        assert english
        assert set(re.findall(r"\$\d", chinese)) == set(re.findall(r"\$\d", english)), name


def test_the_choices_in_the_markup_are_those_of_the_server() -> None:
    markup = (PAGE / "index.html").read_text(encoding="utf-8")
    chosen = {
        name: re.findall(r'value="(\w*)"', rest)
        for name, rest in re.findall(r'<select id="(\w+)"(.*)', markup)
    }
    assert chosen["mood"] == ["", *MOODS]
    assert chosen["level"] == list(STRICTNESSES)
    places = {each.name: each.metadata for each in fields(Composing)}["acrostic_at"]
    assert chosen["acrostic_at"] == places["json_schema_extra"]["enum"]


def test_english_phrases_can_be_met_and_mean_characters() -> None:
    english, glosses = (
        json.loads((folder / name).read_text("utf-8"))
        for folder, name in ((PAGE, "english.json"), (DATA, "glosses.json"))
    )
    for phrase, meaning in english.items():
        words = re.findall(r"[a-z]+|[^a-z\s]+", phrase)  # as the page takes a text apart
        assert " ".join(words) == phrase
        assert len(words) <= 3
        assert set(meaning) <= glosses.keys(), phrase


def test_each_rule_has_its_name() -> None:
    assert "出韻" in RULES
    assert WORDS.keys() >= RULES


def test_each_word_that_is_asked_for_is_there() -> None:
    asked = {name for text in MODULES.values() for name in re.findall(r'\bt\("(\w+)"', text)}
    for page in ("index.html", "reader.html"):
        for _, attributes in Markup(page).elements:
            asked |= {
                attributes[name] or "" for name in ("data-t", "data-label") if name in attributes
            }
    assert len(asked) > 50
    assert asked <= WORDS.keys()


def test_each_word_is_asked_for() -> None:
    """By its name, or by one that is put together, as `gate_${gate}`."""
    markup = "".join(
        (PAGE / name).read_text(encoding="utf-8") for name in ("index.html", "reader.html")
    )
    text = "".join(MODULES.values()) + markup
    starts = re.findall(r"t\(`(\w+)\$", text)
    kinds = {each for form in "絕律排古詞聯句" for each in (form, f"{form}_name")}
    others = {
        "surprise",
        "gates",
        "next",
        "reach",
        "layer",
        "unit",
        "joyful",
        "calm",
        "sad",
        "customary",
        "strict",
    }
    unused = (
        {name for name in WORDS if not re.search(rf'["\']{name}["\']', text)}
        - kinds
        - others
        - RULES
    )
    assert {name for name in unused if not name.startswith(tuple(starts))} == set()


def test_each_word_has_a_simplified_form() -> None:
    simplified = mainland_variants() | simplified_forms()
    for said, _ in WORDS.values():
        shown = "".join(
            simplified.get(character, character)
            for character in re.findall(r"[\u3400-\u9fff]", said)
        )
        assert shown.encode("gb2312").decode("gb2312") == shown


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("tsc", ["--project", "tsconfig.json"]),
        ("prettier", ["--check", "--log-level", "warn", "src/pingze/serve/page/*.js"]),
    ],
)
def test_the_page_keeps_types_and_format(tool: str, arguments: list[str]) -> None:
    if not (TOOLS / tool).exists() or shutil.which("node") is None:
        pytest.skip(f"`make node_modules` brings {tool}, by npm")
    done = subprocess.run(
        [TOOLS / tool, *arguments],
        cwd=TOOLS.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_font_holds_what_poems_are_written_with_in_both_scripts() -> None:
    simplified, held = simplified_forms(), set(map(chr, TTFont(PAGE / "kai.woff").getBestCmap()))
    for name in checkpoint.SHIPPED:
        wanted = {token for token in checkpoint.load(name).vocabulary.tokens if len(token) == 1}
        assert len(wanted - held) < RARE * len(wanted)
        shown = {simplified.get(character, character) for character in wanted}
        assert len(shown - held) < RARE * len(shown)


def test_the_font_is_small_and_free() -> None:
    assert (PAGE / "kai.woff").stat().st_size < LARGEST_FONT
    assert "SIL OPEN FONT LICENSE Version 1.1" in (PAGE / "kai-OFL.txt").read_text(encoding="utf-8")
