"""Composing to a title, in a poet's manner: every part of composing reads the same tokens before the poem."""

from pathlib import Path

import numpy as np
import pytest

from pingze.composing import alternatives, compose, explain, generate, revise
from pingze.composing.composer import Composer, composer
from pingze.composing.poem import punctuate
from pingze.composing.request.input_characters import ConversionWarning
from pingze.corpus import CorpusPoem
from pingze.errors import InputError
from pingze.network import checkpoint
from pingze.network.model import LanguageModel
from pingze.network.reference import ReferenceNetwork
from pingze.training.evaluation import evaluate
from pingze.verse import check
from tests.composing import verse

TOKENS = ("<五絕>", "<七絕>", "<about>", "<李白>", "<李賀>", "<杜甫>")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    made = verse.checkpoint_of(verse.POOL, conditions=TOKENS)
    path = tmp_path / "model.safetensors"
    checkpoint.save(path, made.tensors, made.configuration, made.vocabulary)
    return path


def test_a_poem_has_the_probability_that_training_gives_it_under_its_conditions(model: Path) -> None:
    (poem,) = compose(form="五絕", title="春山 夜", poet="李賀", seed=2, particles=4, model=model)
    assert (poem.title, poem.poet) == ("春山夜", "李賀")
    assert check(str(poem)).form == "五絕"
    loaded = checkpoint.load(model)
    text = punctuate(poem.lines).replace("\n", "")
    row = CorpusPoem("tang", "春山夜", "李賀", text)
    figures = evaluate(LanguageModel.of(loaded), [row], loaded.vocabulary, 100)
    exact, made = Composer(loaded), composer(model)
    exact.network = ReferenceNetwork(loaded)
    prefix = [loaded.vocabulary.ids[token] for token in ("<五絕>", "<李賀>", *"春山夜")]
    score = exact.log_probability(poem.lines, prefix)
    assert -figures.nats_per_token * figures.tokens == pytest.approx(score, rel=1e-5)
    assert poem.log_probability == pytest.approx(made.log_probability(poem.lines, prefix), rel=1e-5)
    assert poem.log_probability == pytest.approx(score, rel=0.02)  # 8 bits round
    without = evaluate(LanguageModel.of(loaded), [row], loaded.vocabulary, 100, ("form", "title"))
    assert without.nats_per_token != pytest.approx(figures.nats_per_token, rel=1e-4)


def test_revision_and_its_weights_keep_title_and_poet(model: Path) -> None:
    (poem,) = compose(form="五絕", title="春山", poet="杜甫", seed=2, particles=4, model=model)
    revised = revise(poem, [(2, 3)], seed=2, particles=4, model=model)
    assert (revised.title, revised.poet) == ("春山", "杜甫")
    chosen = composer(model)
    prefix = [chosen.vocabulary.ids[token] for token in ("<五絕>", "<杜甫>", "春", "山")]
    for made in (poem, revised):
        assert made.log_probability == pytest.approx(chosen.log_probability(made.lines, prefix), rel=1e-5)
    at_place = {a.character: a.log_probability for a in alternatives(poem, 2, 3, limit=99, model=model)}
    assert at_place[poem.lines[1][2]] == pytest.approx(poem.log_probability, rel=1e-5)
    expected = np.exp(chosen.score(poem.lines, prefix)[1][0])
    assert explain(poem, model=model)[0].probability == pytest.approx(expected, rel=1e-4)


def test_what_is_scored_while_it_is_drawn_is_what_reading_gives(model: Path) -> None:
    """Through resampling, in several populations at once, at any temperature and whatever the nucleus."""
    chosen = composer(model)
    prefix = [chosen.vocabulary.ids[token] for token in ("<五絕>", *"春山")]
    for temperature in (0.3, 1.0, 2.0):
        poems = compose(
            form="五絕",
            title="春山",
            temperature=temperature,
            seed=1,
            count=3,
            particles=16,
            model=model,
        )
        for poem in poems:
            read = chosen.log_probability(poem.lines, prefix)
            assert poem.log_probability == pytest.approx(read, rel=1e-5)


def test_a_form_is_read_even_alone_and_the_generator_is_free(model: Path) -> None:
    (poem,) = compose(form="五絕", seed=1, particles=4, model=model)
    chosen = composer(model)
    assert poem.log_probability == pytest.approx(
        chosen.log_probability(poem.lines, [chosen.vocabulary.ids["<五絕>"]]), rel=1e-5
    )
    assert "<" not in generate("春", seed=1, model=model)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"poet": "李黑"}, "poet '李黑' is unknown; choose one of (李白, 李賀|李賀, 李白)"),
        ({"poet": "某甲"}, "choose one of 李白, 李賀, 杜甫"),
        ({"title": "春" * 21}, "title has 21 characters; give 20 at most"),
    ],
)
def test_what_the_model_does_not_know_is_named(model: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        compose(form="五絕", model=model, **options)


def test_a_title_and_a_theme_are_free_text_of_which_is_read_what_the_model_knows(model: Path) -> None:
    with pytest.warns(ConversionWarning, match="title: the model does not know 龘, G, which is left out"):
        (poem,) = compose(form="五絕", title="春龘山G龘", seed=1, particles=2, model=model)
    assert poem.title == "春山"
    with pytest.warns(ConversionWarning, match="about: the model does not know"):
        (poem,) = compose(form="五絕", about="龘", seed=1, particles=2, model=model)
    assert poem.about is None


def test_a_theme_changes_what_is_composed_and_stays_with_the_poem(model: Path) -> None:
    options = {"form": "五絕", "seed": 1, "particles": 4, "top_p": 1.0, "model": model}
    (plain,), (themed,) = compose(**options), compose(**options, about="山 海")
    assert (plain.about, themed.about) == (None, "山海")
    assert plain.lines != themed.lines
    assert revise(themed, [2], seed=1, particles=2, model=model).about == "山海"
    chosen = composer(model)
    prefix = [chosen.vocabulary.ids[token] for token in ("<五絕>", "<about>", "山", "海")]
    assert themed.log_probability == pytest.approx(chosen.log_probability(themed.lines, prefix), rel=1e-5)


def test_simplified_names_and_titles_are_read(model: Path) -> None:
    with pytest.warns(ConversionWarning, match="风 was read as 風"):
        (poem,) = compose(form="五絕", title="风", poet="李贺", seed=1, particles=2, model=model)
    assert (poem.title, poem.poet) == ("風", "李賀")


def test_a_model_without_conditions_refuses_them(tmp_path: Path) -> None:
    made = verse.checkpoint_of(verse.POOL)
    path = tmp_path / "plain.safetensors"
    checkpoint.save(path, made.tensors, made.configuration, made.vocabulary)
    (poem,) = compose(form="五絕", seed=1, particles=2, model=path)
    for option in ("title", "poet", "about"):
        with pytest.raises(InputError, match=rf"{option}: the model .*plain.safetensors was not trained"):
            compose(form="五絕", model=path, **{option: "春"})
        with pytest.raises(InputError, match=rf"{option}: the model .*plain.safetensors was not trained"):
            revise(poem, [1], model=path, **{option: "春"})


def test_another_model_s_title_stays_with_the_poem(model: Path, tmp_path: Path) -> None:
    (poem,) = compose(form="五絕", title="春山", poet="杜甫", seed=1, particles=2, model=model)
    made = verse.checkpoint_of(verse.POOL)
    path = tmp_path / "plain.safetensors"
    checkpoint.save(path, made.tensors, made.configuration, made.vocabulary)
    revised = revise(poem, [1], seed=1, particles=2, model=path)
    assert (revised.title, revised.poet) == ("春山", "杜甫")
    assert revised.log_probability == pytest.approx(composer(path).log_probability(revised.lines))
