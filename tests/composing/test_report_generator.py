"""The generator on a random model: its shape, its end, its distribution, and what it refuses."""

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pingze
from pingze.composing import composer as composer_module
from pingze.errors import InputError
from pingze.network import checkpoint
from pingze.network.reference import LineSampler
from pingze.network.step_graph import GraphNetwork, softmax
from pingze.network.vocabulary import EOS
from pingze.verse.characters import MARKS
from tests import invented

MODEL = invented.model()


@pytest.fixture(autouse=True)
def _invented_model(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    serve(monkeypatch, MODEL)
    yield
    composer_module._composer.cache_clear()


def serve(monkeypatch: pytest.MonkeyPatch, model: checkpoint.Checkpoint) -> None:
    """Let every model's name mean one model."""
    monkeypatch.setattr(checkpoint, "load", lambda name: model)
    composer_module._composer.cache_clear()


def with_end(bias: float) -> checkpoint.Checkpoint:
    """The model, with `<eos>` made likelier or impossible."""
    output_bias = MODEL.tensors["output.bias"].copy()
    output_bias[EOS] = bias
    return replace(MODEL, stored=MODEL.stored | {"output.bias": output_bias})


@given(
    st.text(alphabet=invented.CHARACTERS, min_size=1, max_size=16),
    st.sampled_from([0.0, 0.1, 1.0, 100.0]),
    st.integers(2, 9),
    st.sampled_from([8, 10, 64]),
    st.integers(0, 2**32),
)
@settings(max_examples=50)
def test_shape(start: str, temperature: float, split_len: int, max_lines: int, seed: int) -> None:
    if len(start) > max_lines * (split_len - 1):
        return
    poem = pingze.generate(start, temperature, split_len, max_lines=max_lines, seed=seed)
    couplets = poem.split("\n")
    assert 1 <= len(couplets) <= max_lines // 2
    for couplet in couplets:
        assert [couplet[split_len - 1], couplet[2 * split_len - 1]] == ["，", "。"]
        assert len(couplet) == 2 * split_len
    assert set(poem) <= set(invented.CHARACTERS) | set("，。\n")
    assert "".join(c for c in poem if c in invented.CHARACTERS).startswith(start)


def test_temperature_zero_takes_the_likeliest_whatever_the_seed() -> None:
    assert (
        pingze.generate("日", seed=1)
        == pingze.generate("日", seed=1)
        != pingze.generate("日", seed=2)
    )
    poem = pingze.generate("日", temperature=0, max_lines=2)
    assert poem == pingze.generate("日", temperature=0, max_lines=2, seed=5)
    network, vocabulary = GraphNetwork(MODEL.rounded()), MODEL.vocabulary
    state = network.start()
    for at, character in enumerate(poem):
        if at and character not in "，。":
            ranked = [vocabulary.tokens[i] for i in np.argsort(-state.logits[0])]
            assert next(c for c in ranked if c in invented.CHARACTERS) == character
        state = network.step(state, vocabulary.encode(character))


def test_ends_when_the_model_ends_it_after_an_even_line(monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, with_end(1e4))
    assert pingze.generate("日").count("\n") == 0
    assert pingze.generate("天地山水風月花雪日夜江海春秋東").count("\n") == 1
    serve(monkeypatch, with_end(-1e4))
    assert pingze.generate("日", max_lines=20).count("\n") == 9
    assert pingze.generate("日").count("\n") == 6, "14 lines, as the report's longest poem"


def test_draws_follow_the_tempered_distribution() -> None:
    """Total variation from softmax(logits / T) over Han characters, on 4,000 draws of the second character."""
    sampler = LineSampler(
        GraphNetwork(MODEL.rounded()), MODEL.vocabulary, 0.7, np.random.default_rng(0)
    )
    logits = np.where(sampler.vocabulary.is_han, sampler.state.logits, -np.inf)
    (expected,), _ = softmax((logits / 0.7).astype(np.float32))
    counts = np.bincount(
        [sampler._draw(sampler.vocabulary.is_han) for _ in range(4000)], minlength=len(expected)
    )
    assert 0.5 * np.abs(counts / 4000 - expected).sum() < 0.05


@pytest.mark.parametrize(
    ("start", "options", "message"),
    [
        (" ，。\n", {}, "start is empty; give one or more characters"),
        ("日囧", {}, r"does not know the character '囧' \(U\+56E7\); choose another"),
        ("日\ud800", {}, r"does not know the character '\\ud800'"),
        ("日", {"temperature": float("nan")}, "temperature is nan"),
        ("日", {"split_len": 1}, "split_len is 1; it must be at least 2"),
        ("日", {"max_lines": 3}, "max_lines is 3; it must be an even number from 2"),
        ("日" * 71, {}, "start has 71 characters; give 70 at most"),
        ("日", {"title": "夜"}, "title: the model .* was not trained with such a condition"),
    ],
)
def test_bad_input(start: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        pingze.generate(start, **options)


@given(
    st.text(alphabet=invented.CHARACTERS, max_size=16),
    st.sampled_from([0.0, 1.0, 100.0]),
    st.sampled_from([2, 8, 40]),
    st.integers(0, 2**32),
)
@settings(max_examples=30, deadline=None)
def test_lines_of_the_models_own(start: str, temperature: float, max_lines: int, seed: int) -> None:
    free = pingze.generate(start, temperature, None, max_lines=max_lines, seed=seed)
    text = free.replace("\n", "")
    assert text.startswith(start)
    assert sum(character in MARKS for character in text) <= max_lines
    assert not re.search(f"^[{MARKS}]|[{MARKS}]{{2}}", text)
    assert all(row[-1] in "。？！" for row in free.split("\n")[:-1])
