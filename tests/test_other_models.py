"""The recipes of docs/other-models.md run: untrained models write regular verse through other libraries."""

import asyncio
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pingze import Automaton
from pingze.files import table
from pingze.verse.checking import check
from tests.test_documents import blocks

DOCUMENT = Path(__file__).parents[1] / "docs" / "other-models.md"
END = "<|endoftext|>"
PROMPT = "作詩一首："
WISHES = [
    (4, {"form": "七絕"}),
    pytest.param(100, {"form": "七絕"}, marks=pytest.mark.slow),
    pytest.param(100, {"form": "五律", "rhyme": "陽"}, marks=pytest.mark.slow),
    pytest.param(100, {"form": "浣溪沙"}, marks=pytest.mark.slow),
]
"""How many texts a model writes, and the options of the automaton."""


def needs(*packages: str) -> pytest.MarkDecorator:
    """Skip a test where one of the packages is not installed."""
    missing = [name for name in packages if find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"needs {' '.join(missing)}")


pytestmark = [needs("transformers"), pytest.mark.filterwarnings("ignore")]


def code(heading: str) -> str:
    """The first code under a heading of the document."""
    return blocks(DOCUMENT, "text", heading)[0]


def recipe(heading: str) -> dict[str, Any]:
    """What that code defines."""
    names: dict[str, Any] = {}
    exec(compile(code(heading), str(DOCUMENT), "exec"), names)
    return names


def assert_regular(text: str, options: dict[str, str]) -> None:
    verdict = check(text, form=options["form"])
    assert verdict.ok, (text, verdict)
    assert options.get("rhyme") in (None, verdict.rhyme)


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


@pytest.fixture(scope="module")
def gpt2(tokenizer: Any) -> Any:
    """An untrained GPT-2."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    size = len(tokenizer)
    return GPT2LMHeadModel(GPT2Config(vocab_size=size, n_layer=1, n_head=2, n_embd=16)).eval()


# -- transformers --


def test_the_tokenizer_has_parts_of_characters_and_pairs(tokenizer: Any) -> None:
    tokens = recipe("transformers")["bytes_of"](tokenizer)
    assert {1, 2, 3, 6} <= {len(token) for token in tokens.values()}


@pytest.mark.parametrize(("count", "options"), WISHES)
def test_transformers_writes_regular_verse(
    tokenizer: Any, gpt2: Any, count: int, options: dict[str, str]
) -> None:
    names = recipe("transformers")
    automaton = Automaton(names["bytes_of"](tokenizer), tokenizer.eos_token_id, **options)
    prompt = tokenizer([PROMPT], return_tensors="pt")
    written = gpt2.generate(
        input_ids=prompt["input_ids"],
        attention_mask=prompt["attention_mask"],
        logits_processor=[names["KeepsForm"](automaton)],
        do_sample=True,
        num_return_sequences=count,
        max_new_tokens=200,
        pad_token_id=tokenizer.eos_token_id,
    )
    begin = prompt["input_ids"].shape[1]
    for row in written:
        assert_regular(tokenizer.decode(row[begin:], skip_special_tokens=True), options)


# -- llama-cpp-python --


@pytest.fixture(scope="module")
def gguf_file(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained Llama of one layer with the tokenizer, as a file."""
    import gguf

    path = tmp_path_factory.mktemp("model") / "model.gguf"
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    types = [gguf.TokenType.NORMAL for _ in tokens]
    types[tokens.index(END)] = gguf.TokenType.CONTROL
    width, inner = 32, 64
    # 1) What the file says of the model.
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(512)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_eos_token_id(tokens.index(END))
    # 2) The weights.
    generator = np.random.default_rng(0)
    shapes = {
        "token_embd": (len(tokens), width),
        "output": (len(tokens), width),
        "blk.0.attn_q": (width, width),
        "blk.0.attn_k": (width, width),
        "blk.0.attn_v": (width, width),
        "blk.0.attn_output": (width, width),
        "blk.0.ffn_gate": (inner, width),
        "blk.0.ffn_up": (inner, width),
        "blk.0.ffn_down": (width, inner),
    }
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", generator.normal(size=shape).astype(np.float32))
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(width, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@needs("llama_cpp", "gguf")
@pytest.mark.parametrize(("count", "options"), WISHES)
def test_llama_cpp_writes_regular_verse(
    gguf_file: Path, count: int, options: dict[str, str]
) -> None:
    from llama_cpp import Llama, LogitsProcessorList

    llm = Llama(str(gguf_file), n_ctx=512, n_threads=1, seed=1, verbose=False)
    tokens = {id_: llm.detokenize([id_]) for id_ in range(llm.n_vocab())}
    automaton = Automaton(tokens, llm.token_eos(), **options)
    texts = []
    for _ in range(count):
        keeps_form = recipe("llama-cpp-python")["KeepsForm"](automaton)
        answer = llm(PROMPT, logits_processor=LogitsProcessorList([keeps_form]), max_tokens=200)
        texts.append(answer["choices"][0]["text"])
    llm.close()
    assert len(set(texts)) == count
    for text in texts:
        assert_regular(text, options)


# -- vLLM --


WRITE_WITH_VLLM = """
import json, sys
from vllm import LLM, SamplingParams

if __name__ == "__main__":
    model, prompt, count, options, to = sys.argv[1:]
    llm = LLM(model, logits_processors=["keeps_form:KeepsForms"], enforce_eager=True, max_model_len=512)
    asked = {"pingze": json.loads(options)}
    sampling = SamplingParams(n=int(count), max_tokens=200, seed=1, extra_args=asked)
    texts = [output.text for output in llm.generate([prompt], sampling)[0].outputs]
    with open(to, "w", encoding="utf-8") as file:
        json.dump(texts, file)
"""


@needs("vllm")
@pytest.mark.slow
@pytest.mark.parametrize(("count", "options"), [(100, {"form": "七絕"}), (16, {"form": "浣溪沙"})])
def test_vllm_writes_regular_verse(
    tokenizer: Any, tmp_path: Path, count: int, options: dict[str, str]
) -> None:
    """In a process of its own, which starts another for the engine."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    # 1) A model with heads that are wide enough for vLLM, and the recipe as a module.
    torch.manual_seed(0)
    size = len(tokenizer)
    end = tokenizer.eos_token_id
    sizes = GPT2Config(vocab_size=size, n_layer=1, n_head=2, n_embd=64, eos_token_id=end)
    GPT2LMHeadModel(sizes).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    module = code("transformers") + code("vLLM")
    (tmp_path / "keeps_form.py").write_text(module, encoding="utf-8")
    (tmp_path / "write.py").write_text(WRITE_WITH_VLLM, encoding="utf-8")
    # 2) It writes.
    own = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}
    command = ["write.py", "model", PROMPT, str(count), json.dumps(options), "texts.json"]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=tmp_path,
        env=os.environ | own,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    texts = json.loads((tmp_path / "texts.json").read_text(encoding="utf-8"))
    assert len(set(texts)) == count
    for text in texts:
        assert_regular(text, options)


# -- genlm-control --


@needs("genlm.control") if find_spec("genlm") else needs("genlm")
@pytest.mark.parametrize(("count", "options"), WISHES)
def test_genlm_control_writes_regular_verse(
    tokenizer: Any, gpt2: Any, count: int, options: dict[str, str]
) -> None:
    from genlm.backend.llm import AsyncTransformer
    from genlm.control import PromptedLLM, direct_token_sampler

    llm = PromptedLLM(AsyncTransformer(gpt2, tokenizer))
    llm.set_prompt_from_str(PROMPT)
    tokens = {token.token_id: token.byte_string for token in llm.vocab}
    (end,) = llm.token_maps.eos_idxs
    form = recipe("genlm-control")["KeepsForm"](Automaton(tokens, end, **options), llm.vocab)
    sampler = direct_token_sampler(llm * form)
    written = asyncio.run(sampler.smc(n_particles=count, ess_threshold=0.5, max_tokens=200))
    assert written.ess > 0
    texts = written.decoded_posterior
    assert sum(texts.values()) == pytest.approx(1)
    for text in texts:
        assert_regular(text, options)
