"""Composing to a title, in a poet's manner: every part of composing reads the same tokens before the poem."""

from pathlib import Path

import numpy as np
import pytest

from pingze.composing.composer import Composer, load_composer
from pingze.composing.desk import alternatives, compose, revise
from pingze.composing.explaining import explain
from pingze.composing.generation import generate
from pingze.composing.poem import Poem, punctuate
from pingze.composing.sheet import Sheet
from pingze.composing.typed_text import ConversionWarning
from pingze.corpus import CorpusPoem
from pingze.errors import InputError
from pingze.network import checkpoint
from pingze.network.model import LanguageModel
from pingze.network.reference import ReferenceNetwork
from pingze.training.evaluation import evaluate
from tests import invented
from tests.composing import verse

TOKENS = ("<五絕>", "<七絕>", "<about>", "<李白>", "<李賀>", "<杜甫>")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return invented.saved(
        tmp_path / "model.safetensors", verse.checkpoint_of(verse.POOL, conditions=TOKENS)
    )


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A model that knows no conditions."""
    return invented.saved(tmp_path / "plain.safetensors", verse.checkpoint_of(verse.POOL))


def read(poem: Poem, model: Path, *tokens: str) -> float:
    """ln p of a poem that is read after some tokens."""
    chosen = load_composer(model)
    return float(
        chosen.score(poem.lines, [chosen.vocabulary.ids[token] for token in tokens])[1].sum()
    )


def test_a_poem_has_the_probability_that_training_gives_it_under_its_conditions(
    model: Path,
) -> None:
    (poem,) = compose(form="五絕", title="春山 夜", poet="李賀", seed=2, particles=4, model=model)
    assert (poem.title, poem.poet) == ("春山夜", "李賀")
    loaded = checkpoint.load(model)
    row = CorpusPoem("tang", "春山夜", "李賀", punctuate(poem.lines).replace("\n", ""))
    figures = evaluate(LanguageModel.of(loaded), [row], loaded.vocabulary, 100)
    exact = Composer(loaded)
    exact.network = ReferenceNetwork(loaded)
    prefix = [loaded.vocabulary.ids[token] for token in ("<五絕>", "<李賀>", *"春山夜")]
    score = exact.score(poem.lines, prefix)[1].sum()
    assert -figures.nats_per_token * figures.tokens == pytest.approx(score, rel=1e-5)
    assert poem.log_probability == pytest.approx(score, rel=0.02)  # 8 bits round
    without = evaluate(LanguageModel.of(loaded), [row], loaded.vocabulary, 100, ("form", "title"))
    assert without.nats_per_token != pytest.approx(figures.nats_per_token, rel=1e-4)


def test_revision_and_its_weights_keep_title_and_poet(model: Path, plain: Path) -> None:
    (poem,) = compose(form="五絕", title="春山", poet="杜甫", seed=2, particles=4, model=model)
    (revised,) = revise(poem, [(2, 3)], seed=2, particles=4, model=model)
    (by_another,) = revise(poem, [1], seed=1, particles=2, model=plain)
    assert {(each.title, each.poet) for each in (revised, by_another)} == {("春山", "杜甫")}
    assert by_another.log_probability == pytest.approx(read(by_another, plain))
    tokens = ("<五絕>", "<杜甫>", *"春山")
    for made in (poem, revised):
        assert made.log_probability == pytest.approx(read(made, model, *tokens), rel=1e-5)
    at_place = {
        found.text: found.log_probability
        for found in alternatives(Sheet.of(revised), 2, 3, 3, count=99, model=model)
    }
    assert at_place[poem.lines[1][2]] == pytest.approx(poem.log_probability, rel=1e-5)
    chosen = load_composer(model)
    first = chosen.score(poem.lines, [chosen.vocabulary.ids[token] for token in tokens])[1][0]
    assert explain(poem, model=model)[0].probability == pytest.approx(np.exp(first), rel=1e-4)


@pytest.mark.parametrize(("temperature", "title"), [(0.3, "春山"), (1.0, None), (2.0, "春山")])
def test_scores_while_drawing_are_those_of_reading(
    model: Path, temperature: float, title: str | None
) -> None:
    """Through resampling, in several populations at once, at any temperature, and with the form alone."""
    options = {"title": title, "temperature": temperature, "seed": 1, "count": 3, "particles": 16}
    for poem in compose(form="五絕", model=model, **options):
        assert poem.log_probability == pytest.approx(
            read(poem, model, "<五絕>", *title or ""), rel=1e-5
        )
    assert "<" not in generate("春", seed=1, model=model)


def test_free_text_is_read_as_far_as_the_model_knows_it(model: Path) -> None:
    given = {"title": "风龘山G龘", "poet": "李贺", "about": "龘"}
    with pytest.warns(ConversionWarning) as said:
        (poem,) = compose(form="五絕", seed=1, particles=2, model=model, **given)
    assert (poem.title, poem.poet, poem.about) == ("風山", "李賀", None)
    warnings = "\n".join(str(each.message) for each in said)
    assert "风 was read as 風" in warnings
    assert "title: the model does not know 龘, G, which is left out" in warnings
    assert "about: the model does not know" in warnings


def test_a_theme_changes_what_is_composed_and_stays_with_the_poem(model: Path) -> None:
    options = {"form": "五絕", "seed": 1, "particles": 4, "top_p": 1.0, "model": model}
    (plain,), (themed,) = compose(**options), compose(**options, about="山 海")
    assert (plain.about, themed.about) == (None, "山海")
    assert plain.lines != themed.lines
    assert revise(themed, [2], seed=1, particles=2, model=model)[0].about == "山海"
    assert themed.log_probability == pytest.approx(
        read(themed, model, "<五絕>", "<about>", *"山海"), rel=1e-5
    )


def test_what_the_model_does_not_know_is_named(model: Path, plain: Path) -> None:
    for options, said in (
        ({"poet": "李黑"}, "poet '李黑' is unknown; choose one of (李白, 李賀|李賀, 李白)"),
        ({"poet": "某甲"}, "choose one of 李白, 李賀, 杜甫"),
        ({"title": "春" * 21}, "title has 21 characters; give 20 at most"),
    ):
        with pytest.raises(InputError, match=said):
            compose(form="五絕", model=model, **options)
    (poem,) = compose(form="五絕", seed=1, particles=2, model=plain)
    for option in ("title", "poet", "about"):
        for ask in (compose, lambda **asked: revise(poem, [1], **asked)):
            with pytest.raises(
                InputError, match=rf"{option}: the model .*plain.safetensors was not trained"
            ):
                ask(model=plain, **{option: "春"})
