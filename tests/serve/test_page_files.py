"""The page's files by themselves, without a browser: what they name is there, and nothing stands inline."""

import re
from html.parser import HTMLParser

import pytest

from pingze.serve.app import PAGE

MODULES = {path.name: path.read_text(encoding="utf-8") for path in sorted(PAGE.glob("*.js"))}
IMPORT = re.compile(r'^import \{ (.*?) \} from "\./(.*?)";$', re.M)
EXPORT = re.compile(r"^export (?:async function|function|const|class) ([\w$]+)", re.M)
WORD = re.compile(r'^  (\w+): \[\s*"([^"]+)",\s*"([^"]+)",?\s*\],$', re.M)
WORDS = {name for name, _, _ in WORD.findall(MODULES["words.js"])}


class Markup(HTMLParser):
    """The elements of index.html, and the text within scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self.feed((PAGE / "index.html").read_text(encoding="utf-8"))

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
    loaded = [
        attributes[name] or ""
        for _, attributes in Markup().elements
        for name in ("src", "href")
        if name in attributes
    ]
    assert {f"/page/{name}" for name in MODULES} <= set(loaded)  # all at once, and not one after the other
    for address in loaded:
        if address.startswith("/v1/"):
            continue
        assert address.startswith("/page/")
        assert (PAGE / address.removeprefix("/page/").partition("#")[0]).is_file()


@pytest.mark.parametrize("module", MODULES)
def test_what_a_module_imports_is_exported(module: str) -> None:
    found = IMPORT.findall(MODULES[module])
    assert len(found) == len(re.findall(r"^import ", MODULES[module], re.M))
    for names, source in found:
        assert set(names.split(", ")) <= set(EXPORT.findall(MODULES[source])), source


def test_each_word_is_there_in_both_languages() -> None:
    table = MODULES["words.js"].split("const words = {")[1].split("\n};")[0]
    assert len(WORDS) == len(re.findall(r"^  \w+: ", table, re.M))
    for name, chinese, english in WORD.findall(table):
        assert set(re.findall(r"\$\d", chinese)) == set(re.findall(r"\$\d", english)), name


def test_each_word_that_is_asked_for_is_there() -> None:
    asked = {name for text in MODULES.values() for name in re.findall(r'\bt\("(\w+)"', text)}
    for _, attributes in Markup().elements:
        asked |= {attributes[name] or "" for name in ("data-t", "data-label") if name in attributes}
    assert len(asked) > 50
    assert asked <= WORDS
