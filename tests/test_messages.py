"""The catalogue: each sentence in both languages with the same parameters; what fills them in."""

import string

import pytest

from pingze.messages import catalogue, language, say

SENTENCES = {code: texts for code, texts in catalogue().items() if code != "fields"}


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_says_the_same_in_both_languages(code: str) -> None:
    texts = SENTENCES[code]
    assert texts.keys() == {"en", "zh"}
    named = {
        name: {field for _, field, _, _ in string.Formatter().parse(text) if field}
        for name, text in texts.items()
    }
    assert named["zh"] <= named["en"], code
    for text in texts.values():
        assert "\n" not in text


def test_lists_are_joined_and_fields_named_in_the_language() -> None:
    parameters = {"field": "form", "has": "八絕", "choices": ["五絕", "七絕"]}
    assert say("choice", parameters) == "form '八絕' is unknown; choose one of 五絕, 七絕"
    assert say("choice", parameters, "zh") == "體沒有「八絕」；可選：五絕、七絕。"


@pytest.mark.parametrize(("asked", "chosen"), [("zh", "zh"), ("zh_TW", "zh"), ("en", "en"), ("de", "en")])
def test_the_command_line_speaks_the_language_asked_for(
    monkeypatch: pytest.MonkeyPatch, asked: str, chosen: str
) -> None:
    monkeypatch.setenv("PINGZE_LANG", asked)
    assert language() == chosen
