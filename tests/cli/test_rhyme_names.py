"""Every rhyme group by its name in every command that takes one, or a poem that rhymes in it."""

import json
from itertools import chain

import pytest

from pingze.composing import alternatives, read_poem
from pingze.verse.rhyme import rhyme_characters
from pingze.verse.rhyme_groups import GROUPS, LEVEL
from pingze.verse.tones import groups
from tests import invented
from tests.cli.calling import Call
from tests.composing import verse

DRAWN = ("--particles", "2", "--taste", "0", "--json")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random model that knows a dozen rhymes of every group, which rhyme in no other."""
    rhymes = chain(*([c for c in rhyme_characters(name) if groups(c) == {name}][:12] for name in GROUPS))
    made = verse.checkpoint_of("".join(dict.fromkeys([*verse.POOL, *rhymes])))
    return str(invented.saved(tmp_path_factory.mktemp("model") / "model.safetensors", made))


SIMPLIFIED_TOO = "肴徑豔葉"
"""Names that are Simplified for another character, or whose Simplified form stands for several."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in SIMPLIFIED_TOO)) for name in GROUPS]
)
def test_every_command_knows_every_group(call: Call, model: str, name: str) -> None:
    group = GROUPS[name]
    form = "五絕" if group.side == LEVEL else "五古"
    with_model = ("--form", form, *DRAWN, "--model", model)

    def answer(*arguments: str) -> str:
        status, out, err = call(*arguments)
        assert status == 0, err
        return out

    for written in (name, group.label[2:], group.label):
        assert list(json.loads(answer("rhyme", written, "--json"))) == [group.label]
    (poem,) = json.loads(answer("compose", "--lines", "4", "--rhyme", name, "--seed", "1", *with_model))
    assert poem["rhyme"] == name
    text = "，".join(poem["lines"])
    assert answer("check", text, "--form", form)
    revise = ("revise", text, "--line", "1", *with_model)
    assert json.loads(answer(*revise))[0]["rhyme"] == name
    assert answer(*revise, "--explain")
    assert alternatives(read_poem(text, form=form), 2, 1, model=model, taste=0)
    if form == "五絕":  # what is mended is regulated
        mended = json.loads(answer("mend", text[:-1] + "月", "--model", model, "--json"))
        assert mended["poem"]["rhyme"] == name
