"""The way to a poem worth keeping: drafts, kept lines, revisions and alternatives at the command line."""

import io
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from pingze.verse.checking import check
from pingze.verse.standard import PINGSHUI
from tests.cli.calling import Call

LINES = ["獨坐寒窗下", "無人問姓名", "閑眠不可見", "何處有琴聲"]
POEM = "獨坐寒窗下，無人問姓名。\n閑眠不可見，何處有琴聲。\n"
COMPOSE = ("compose", "--form", "五絕", "--particles", "8", "--seed", "1")
REVISE = ("--particles", "8", "--seed", "1")


def found(call: Call, *arguments: str) -> list[dict]:
    """The objects that a command prints as JSON."""
    with warnings.catch_warnings(action="ignore"):
        status, out, _ = call(*arguments, "--json")
    assert status == 0
    return json.loads(out)


# -- drafts ------------------------------------------------------------------------------------------------------


def test_a_blank_line_gets_as_many_lines_as_drafts(call: Call) -> None:
    pattern = "獨坐寒窗下 無人問姓名 閑眠不可見 ＿＿＿＿＿"
    poems = found(call, *COMPOSE, "--pattern", pattern, "--count", "8")
    assert len({poem["lines"][3] for poem in poems}) == 8


def test_only_what_is_new_is_printed_where_most_is_kept(call: Call) -> None:
    keep = ("--keep", "1=獨坐寒窗下，無人問姓名。", "--keep", "3=閑眠不可見")
    status, out, _ = call(*COMPOSE, *keep, "--count", "2")
    assert status == 0
    row = "{} · seed 1 · score -?\\d+\\.\\d\n4 \\w{{5}}\n"
    assert re.fullmatch(row.format(1) + row.format(2), out)


def test_one_draft_is_printed_whole(call: Call) -> None:
    out = call("revise", POEM, "--line", "4", *REVISE)[1]
    assert re.fullmatch("獨坐寒窗下，無人問姓名。\n閑眠不可見，.{5}。\n", out)


def test_drafts_are_numbered_with_their_seed_and_score(call: Call) -> None:
    out = call(*COMPOSE, "--count", "2")[1]
    poem = "(.{5}，.{5}。\n){2}"
    row = "{} · seed 1 · score -?\\d+\\.\\d · .起首句.+ · .\n"
    assert re.fullmatch(f"{row.format(1)}{poem}\n{row.format(2)}{poem}", out)


def test_lines_of_drafts_are_kept_by_number(call: Call) -> None:
    drafts = found(call, *COMPOSE, "--count", "3")
    keep = ("--keep", "1-2=#2", "--count", "3")
    for poem in found(call, *COMPOSE, *keep):
        assert poem["lines"][:2] == drafts[1]["lines"][:2]


def test_a_draft_by_number_needs_the_seed(call: Call) -> None:
    status, _, told = call("compose", "--form", "五絕", "--keep", "1=#2", "--count", "3")
    assert (status, told.count("\n")) == (2, 1)
    assert "--seed" in told


def test_a_draft_that_there_is_not_is_refused(call: Call) -> None:
    status, _, told = call(*COMPOSE, "--keep", "1=#9", "--count", "3")
    assert status == 2
    assert "there are drafts #1 to #3" in told


def test_a_poem_of_which_all_is_kept_is_printed_whole(call: Call) -> None:
    keep = ("--keep", "1=獨坐寒窗下，無人問姓名。", "--keep", "3=閑眠不可見，何處有琴聲。")
    with warnings.catch_warnings(action="ignore"):
        out = call(*COMPOSE, *keep, "--count", "2")[1]
    assert out.endswith(POEM)


def test_drafts_are_numbered_in_chinese(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PINGZE_LANG", "zh")
    assert call(*COMPOSE, "--count", "2")[1].startswith("1 · 種子 1 · 得分 ")


def test_numbers_seeds_and_scores_are_in_the_json(call: Call) -> None:
    poems = found(call, *COMPOSE, "--count", "3")
    assert [(poem["number"], poem["count"], poem["seed"]) for poem in poems] == [
        (1, 3, 1),
        (2, 3, 1),
        (3, 3, 1),
    ]
    scores = [poem["score"] for poem in poems]
    assert scores == sorted(scores, reverse=True)


def test_numbered_drafts_can_be_checked(call: Call) -> None:
    out = call(*COMPOSE, "--count", "3")[1]
    assert [verdict["ok"] for verdict in found(call, "check", out)] == [True] * 3


def test_explanations_are_of_what_is_new(call: Call) -> None:
    out = call("revise", POEM, "--line", "4", "--count", "2", "--explain", *REVISE)[1]
    rows = re.findall(r"^(\d)\.\d ", out, re.MULTILINE)
    assert rows == ["4"] * 10


# -- what is kept, excluded, chosen --------------------------------------------------------------------------------


def test_a_line_is_kept_by_its_number(call: Call) -> None:
    (poem,) = found(call, *COMPOSE, "--keep", "3=閑眠不可見")
    assert poem["lines"][2] == "閑眠不可見"


@pytest.mark.parametrize("given", ["3=閑眠不可見，何處有琴聲。", "3-4=閑眠不可見 何處有琴聲"])
def test_a_couplet_is_kept_by_its_first_line(call: Call, given: str) -> None:
    (poem,) = found(call, *COMPOSE, "--keep", given)
    assert poem["lines"][2:] == LINES[2:]


def test_a_kept_line_may_have_blanks(call: Call) -> None:
    (poem,) = found(call, *COMPOSE, "--keep", "3=閑眠＿＿＿")
    assert re.fullmatch("閑眠.{3}", poem["lines"][2])


def test_a_kept_line_may_have_choices(call: Call) -> None:
    keep = ("--keep", f"1={LINES[0]}，{LINES[1]}，{LINES[2]}", "--keep", "4=何處有[琴歌鐘]聲")
    poems = found(call, *COMPOSE, *keep, "--count", "9")
    assert {poem["lines"][3] for poem in poems} == {"何處有琴聲", "何處有歌聲", "何處有鐘聲"}


def test_fewer_drafts_than_were_asked_for_are_told(call: Call) -> None:
    keep = ("--keep", f"1={LINES[0]}，{LINES[1]}，{LINES[2]}", "--keep", "4=何處有[琴歌]聲")
    with warnings.catch_warnings(action="always"):
        status, _, err = call(*COMPOSE, *keep, "--count", "9")
    assert status == 0
    assert err == "pingze: 2 of 9 drafts: more different ones were not found\n"


def test_a_pattern_may_have_choices(call: Call) -> None:
    (poem,) = found(call, *COMPOSE, "--pattern", "＿＿[山江]＿＿")
    assert poem["lines"][0][2] in "山江"


def test_a_word_is_excluded_but_not_its_characters(call: Call) -> None:
    asked = (*COMPOSE, "--keep", f"1={LINES[0]}，{LINES[1]}，{LINES[2]}，何處有＿聲")
    words = [poem["lines"][3][3:] for poem in found(call, *asked, "--count", "3")]
    others = found(call, *asked, "--count", "3", "--exclude-words", " ".join(words))
    assert not set(words) & {poem["lines"][3][3:] for poem in others}
    assert {poem["lines"][3][4] for poem in others} == {"聲"}


def test_characters_are_excluded_from_one_line(call: Call) -> None:
    (before,) = found(call, *COMPOSE)
    first = before["lines"][0]
    (poem,) = found(call, *COMPOSE, "--exclude-at", f"1={first}")
    assert not set(first) & set(poem["lines"][0])


def test_variants_are_written_in_their_usual_forms(call: Call) -> None:
    asked = (*COMPOSE, "--count", "40", "--title", "山中聞猨", "--repeat")
    written = "".join("".join(poem["lines"]) for poem in found(call, *asked))
    usual = "".join("".join(poem["lines"]) for poem in found(call, *asked, "--usual-forms"))
    assert set(written) & set("猨疎峯烟")
    assert not set(usual) & set("猨疎峯烟")


def test_a_variant_that_is_asked_for_stays(call: Call) -> None:
    (poem,) = found(call, *COMPOSE, "--include", "猨", "--usual-forms")
    assert "猨" in "".join(poem["lines"])


# -- revise --------------------------------------------------------------------------------------------------------


def test_drafts_of_one_character_differ(call: Call) -> None:
    poems = found(call, "revise", POEM, "--line", "2", "--char", "3", "--count", "4", *REVISE)
    assert len({poem["lines"][1] for poem in poems}) == 4
    assert {poem["lines"][1][:2] + poem["lines"][1][3:] for poem in poems} == {"無人姓名"}


def test_a_revised_line_may_be_kept_in_part(call: Call) -> None:
    (poem,) = found(call, "revise", POEM, "--keep", "4=何處＿＿聲", *REVISE)
    assert re.fullmatch("何處.{2}聲", poem["lines"][3])
    assert poem["lines"][:3] == LINES[:3]


def test_a_revision_may_have_another_rhyme(call: Call) -> None:
    lines = ("--line", "2", "--line", "4")
    (poem,) = found(call, "revise", POEM, *lines, "--rhyme", "陽", *REVISE)
    assert poem["rhyme"] == "陽"
    assert "陽" in PINGSHUI.rhymes(poem["lines"][3][4])


def test_nothing_to_revise_is_refused(call: Call) -> None:
    assert call("revise", POEM) == (
        2,
        "",
        "pingze: there is nothing to revise: give a line, or a line and a character\n",
    )


# -- alternatives --------------------------------------------------------------------------------------------------


def test_alternatives_are_listed_with_their_change_of_score(call: Call) -> None:
    status, out, _ = call("alternatives", POEM, "--line", "2", "--char", "3", "--count", "5")
    assert status == 0
    rows = [re.fullmatch(r"(\w)  ([+-]\d+\.\d)", row) for row in out.splitlines()]
    assert len(rows) == 5
    changes = [float(row[2]) for row in rows if row]
    assert changes == sorted(changes, reverse=True)


def test_alternatives_keep_tones_and_rhyme(call: Call) -> None:
    asked = ("alternatives", POEM, "--line", "4", "--char", "5", "--count", "5")
    for each in found(call, *asked):
        assert check("，".join([*LINES[:3], LINES[3][:4] + each["text"]])).ok


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ("--line 2", 5),
        ("--line 2 --from 2 --to 3", 2),
        ("--line 2 --from 4", 2),
        ("--line 3 --line 4", 10),
    ],
)
def test_alternatives_of_a_word_a_line_or_a_couplet(call: Call, asked: str, size: int) -> None:
    listed = found(call, "alternatives", POEM, *asked.split(), "--count", "3", *REVISE)
    assert {len(each["text"]) for each in listed} == {size}


@pytest.mark.parametrize(
    ("asked", "lines"), [("--line 2 --line 3", "2, 3"), ("--line 1 --line 2 --char 3", "1, 2")]
)
def test_two_lines_are_both_lines_of_a_couplet(call: Call, asked: str, lines: str) -> None:
    status, out, err = call("alternatives", POEM, *asked.split())
    assert (status, out) == (2, "")
    said = "give one line (or characters of it), or both lines of a couplet"
    assert err == f"pingze: line is {lines}; {said}\n"


def test_no_alternative_has_status_1(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pingze.composing.desk.alternatives", lambda *_, **__: [])
    status, out, err = call("alternatives", POEM, "--line", "2", "--char", "3")
    assert (status, out) == (1, "")
    assert err == "nothing else that keeps the constraints was found\n"


def test_a_draft_is_mended_in_several_ways(call: Call) -> None:
    faulty = POEM.replace("聲", "天")
    ways = found(call, "mend", faulty, "--count", "3", "--seed", "1")
    changed = {(change["line"], change["position"]) for way in ways for change in way["changes"]}
    assert len(ways) == 3
    assert changed == {(2, 5), (4, 5)}
    assert all(check("，".join(way["poem"]["lines"])).ok for way in ways)


# -- how a poem is given -------------------------------------------------------------------------------------------

HEADED = f"夜坐　五絕　王維\n{POEM}"
TAKING = ["revise --line 4", "alternatives --line 4 --char 4 --count 1", "mend", "check"]


def printed(call: Call, command: str, given: str) -> tuple[int, str]:
    name, *options = command.split()
    seed = () if name == "check" else ("--seed", "1")
    return call(name, given, *options, *seed, "--json")[:2]


@pytest.mark.parametrize("command", TAKING)
def test_a_poem_is_read_from_a_file(call: Call, tmp_path: Path, command: str) -> None:
    file = tmp_path / "poem.txt"
    file.write_text(HEADED, encoding="utf-8")
    assert printed(call, command, str(file)) == printed(call, command, HEADED)


@pytest.mark.parametrize("command", TAKING)
def test_a_poem_is_read_from_standard_input(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    whole = printed(call, command, HEADED)
    file = tmp_path / "poem.txt"
    file.write_text(HEADED, encoding="utf-8")
    descriptor = os.open(file, os.O_RDONLY)
    kept = os.dup(0)
    os.dup2(descriptor, 0)
    try:
        assert printed(call, command, "-") == whole
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(descriptor)


def test_title_and_poet_of_a_heading_are_used(call: Call) -> None:
    (poem,) = found(call, "revise", HEADED, "--line", "4", *REVISE)
    assert (poem["title"], poem["poet"]) == ("夜坐", "王維")


def test_options_go_before_a_heading(call: Call) -> None:
    asked = ("revise", HEADED, "--line", "4", "--title", "聞琴", "--poet", "李白")
    (poem,) = found(call, *asked, *REVISE)
    assert (poem["title"], poem["poet"]) == ("聞琴", "李白")


@pytest.mark.parametrize(("heading", "form"), [("夜坐　五古\n", "五古"), ("夜坐\n", "五絕")])
def test_a_poem_is_checked_by_the_form_of_its_heading(call: Call, heading: str, form: str) -> None:
    (verdict,) = found(call, "check", heading + POEM)
    assert verdict["form"] == form


# -- on a terminal -------------------------------------------------------------------------------------------------


def test_changed_characters_are_marked_on_a_terminal() -> None:
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "pingze", "revise", POEM, "--line", "4", "--char", "4"]
    subprocess.run(
        [*command, *REVISE], stdout=slave, check=True, env=os.environ | {"PYTHONUTF8": "1"}
    )
    os.close(slave)
    with io.FileIO(master) as terminal:
        shown = terminal.read(10_000).decode("utf-8")
    assert re.search("閑眠不可見，何處有\x1b\\[32m\x1b\\[1m\\w\x1b\\[0m聲。", shown)


def test_nothing_is_marked_in_a_pipe(call: Call) -> None:
    assert "\x1b" not in call("revise", POEM, "--line", "4", "--char", "4", *REVISE)[1]
