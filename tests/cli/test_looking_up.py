"""`check --json` as HTTP answers it, a batch with what is no verse, a line alone, and several words at once."""

import json
from pathlib import Path

import pytest

from pingze.serve import answers, schemas
from tests.cli.calling import Call

REGULAR = "獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴聲。"
FAULTY = "獨坐寒窗下，無人問姓名。閑眠不可見，何處有琴天。"


@pytest.mark.parametrize("options", [{}, {"fine": True}, {"explain": True}])
def test_json_of_check_is_what_http_answers(call: Call, options: dict[str, bool]) -> None:
    flags = [f"--{name}" for name in options]
    status, out, _ = call("check", FAULTY, "--json", *flags)
    asked = schemas.CheckRequest(text=FAULTY, **options)
    expected = json.loads(answers.encoded(answers.check, asked, "en"))["verdicts"]
    assert status == 1
    assert json.loads(out) == expected
    assert "聲" in expected[0]["violations"][0]["fitting"]


def test_a_batch_keeps_the_place_of_what_is_no_verse(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "poems.txt"
    file.write_text(f"{REGULAR}\n\nhello\n\n{REGULAR}\n", encoding="utf-8")
    status, out, _ = call("check", str(file), "--json")
    assert status == 1
    verdicts = json.loads(out)
    assert [verdict["ok"] for verdict in verdicts] == [True, False, True]
    assert verdicts[1]["notes"][0] == "no line of verse was found"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("獨坐寒窗下", "it keeps the pattern ◐●○○●"),
        ("獨坐寒窗天", "●●○○○ fits no pattern"),
        ("獨坐寒窗下，", "it keeps the pattern ◐●○○●"),
    ],
)
def test_a_line_alone_is_told_its_pattern(call: Call, line: str, said: str) -> None:
    assert said in call("check", line)[1]


def test_the_tones_of_several_words_are_rows(call: Call) -> None:
    assert call("tones", "將軍", "明月")[1] == "將 平  軍 平\n明 平  月 仄\n"
    assert call("tones", "將軍 明月")[1] == call("tones", "將軍", "明月")[1]
    found = json.loads(call("tones", "將軍", "明月", "--json")[1])
    assert [row["tones"] for row in found["明月"]] == ["平", "仄"]


@pytest.mark.parametrize(("name", "label"), [("平聲先", "下平一先"), ("去声送", "去聲一送")])
def test_a_group_may_be_named_with_its_tone(call: Call, name: str, label: str) -> None:
    assert call("rhyme", name)[1].startswith(f"{label}  ")
