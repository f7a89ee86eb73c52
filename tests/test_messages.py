"""The catalogue: each sentence in both languages with the same parameters; errors that go to other processes."""

import ast
import pickle
import re
import string
from dataclasses import fields
from pathlib import Path

import pytest

import pingze
from pingze.composing.options import Composing
from pingze.errors import Clash, InfeasibleError, InputError, MissingExtraError, PingzeError
from pingze.messages import catalogue, language, say

NAMES = {"fields", "types", "described"}
SENTENCES = {code: texts for code, texts in catalogue().items() if code not in NAMES}
PACKAGE = Path(pingze.__path__[0])


def parameters(sentence: str) -> set[str]:
    """The names in a sentence's braces."""
    return {field for _, field, _, _ in string.Formatter().parse(sentence) if field}


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_says_the_same_in_both_languages(code: str) -> None:
    texts = SENTENCES[code]
    assert texts.keys() == {"en", "zh"}
    assert parameters(texts["zh"]) <= parameters(texts["en"])
    for text in texts.values():
        assert "\n" not in text


def test_every_option_is_named_and_described_in_chinese() -> None:
    for each in fields(Composing):
        assert each.name in catalogue()["fields"]
        assert each.name in catalogue()["described"]


def test_lists_are_joined_and_fields_named_in_the_language() -> None:
    parameters = {"field": "form", "has": "八絕", "choices": ["五絕", "七絕"]}
    assert say("choice", parameters) == "form '八絕' is unknown; choose one of 五絕, 七絕"
    assert say("choice", parameters, "zh") == "詩體沒有「八絕」；可選：五絕、七絕。"


def test_the_command_line_speaks_the_language_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    # as on Windows
    monkeypatch.setattr("locale.getlocale", lambda: ("Chinese (Traditional)_Taiwan", "950"))
    rows = [
        ("", "zh"),
        ("LANG=en_US", "en"),
        ("LANG=en_US LC_MESSAGES=zh_TW.UTF-8", "zh"),
        ("LANG=zh LC_ALL=C", "en"),
    ]
    for asked, chosen in (
        *rows,
        ("LC_ALL=de PINGZE_LANG=zh", "zh"),
        ("LC_ALL=zh_CN PINGZE_LANG=en", "en"),
    ):
        monkeypatch.setattr("os.environ", dict(each.split("=") for each in asked.split()))
        assert language() == chosen, asked


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_every_error_gives_what_its_sentence_names(path: Path) -> None:
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and "Error" in call.func.id
        ):
            continue
        code = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
        given = {keyword.arg for keyword in call.keywords}
        if code in SENTENCES and None not in given:
            assert parameters(SENTENCES[code]["en"]) <= given, code
        named = re.findall(r"\bfield='(\w+)'", ast.unparse(call))
        assert str(code).startswith("train_") or set(named) <= catalogue()["fields"].keys()


@pytest.mark.parametrize(
    "error",
    [
        InfeasibleError("五絕", [Clash("rhyme 東", "rhyme")]),
        InputError("too_long", field="title", has=30, most=20),
        MissingExtraError("training", "train"),
        *(
            kind("stopped")
            for kind in PingzeError.__subclasses__()
            if kind.__init__ is PingzeError.__init__
        ),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_pickled_error_comes_back_whole(error: PingzeError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))
    assert back.cause == error.cause


def test_a_refusal_is_said_in_chinese_with_its_clashes() -> None:
    clash = Clash("start's 平", "start", 1, 4, "平", "仄", "line 1, character 4 must be 仄")
    said = "「起首」在第 1 句第 4 字的「平」（該處須仄聲）、押東韻：須捨去，方能成詩。"
    assert InfeasibleError("五絕", [clash, Clash("rhyme 東", "rhyme", has="東")]).text("zh") == said
