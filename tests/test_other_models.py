"""The recipes of docs/other-models.md run: an untrained GPT-2 writes regular verse through `transformers.generate`."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pingze import Automaton
from pingze.files import table
from pingze.verse.checking import check

DOCUMENT = Path(__file__).parents[1] / "docs" / "other-models.md"
END = "<|endoftext|>"
pytestmark = [
    pytest.mark.skipif(find_spec("transformers") is None, reason="needs transformers"),
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def recipe() -> dict[str, Any]:
    """What the document's recipe for transformers defines."""
    (code,) = re.findall(
        r"^```text\n(import .*?)^```", DOCUMENT.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    names: dict[str, Any] = {}
    exec(compile(code, str(DOCUMENT), "exec"), names)
    return names


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """A byte-level tokenizer, learned from words of verse: bytes, halves, characters and pairs of them."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=3000,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    words = [f"{word}，{word}。" for word in table("words")]
    made.train_from_iterator(words, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token=END)


def generated(recipe: dict[str, Any], tokenizer: Any, count: int, **options: str) -> list[str]:
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    size = len(tokenizer)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=size, n_layer=1, n_head=2, n_embd=16))
    automaton = Automaton(recipe["bytes_of"](tokenizer), tokenizer.eos_token_id, **options)
    prompt = tokenizer(["作詩一首："], return_tensors="pt")
    written = model.generate(
        input_ids=prompt["input_ids"],
        attention_mask=prompt["attention_mask"],
        logits_processor=[recipe["KeepsForm"](automaton)],
        do_sample=True,
        num_return_sequences=count,
        max_new_tokens=200,
        pad_token_id=tokenizer.eos_token_id,
    )
    begin = prompt["input_ids"].shape[1]
    return [tokenizer.decode(row[begin:], skip_special_tokens=True) for row in written]


def test_the_tokenizer_has_parts_of_characters_and_pairs(
    recipe: dict[str, Any], tokenizer: Any
) -> None:
    sizes = {len(token) for token in recipe["bytes_of"](tokenizer).values()}
    assert {1, 2, 3, 6} <= sizes


@pytest.mark.parametrize(
    ("count", "options"),
    [
        (4, {"form": "七絕"}),
        pytest.param(100, {"form": "七絕"}, marks=pytest.mark.slow),
        pytest.param(100, {"form": "五律", "rhyme": "陽"}, marks=pytest.mark.slow),
        pytest.param(100, {"form": "浣溪沙"}, marks=pytest.mark.slow),
    ],
)
def test_generated_verse_is_regular(
    recipe: dict[str, Any], tokenizer: Any, count: int, options: dict[str, str]
) -> None:
    for text in generated(recipe, tokenizer, count, **options):
        verdict = check(text, form=options["form"])
        assert verdict.ok, (text, verdict)
        assert options.get("rhyme") in (None, verdict.rhyme)
