"""Time the automaton for other models' tokens, beside llguidance with a grammar of the form alone.

    pip install llguidance
    python -m lab.benchmarks.automaton

The vocabulary has 30,000 tokens and more: characters, words of two, all single bytes, and the first
two bytes of each character. 64 texts of a 七絕 are written by random logits. For the automaton, the
time is that of `allowed` and `advance`; for llguidance that of computing its mask and of consuming
the token, by a grammar that knows lines, marks and nothing of tones and rhyme. Both on one core,
processor time, by token and text.
"""

import json
import time
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np

from lab.figures import record
from pingze import Automaton
from pingze.files import table

COMMAND = "python -m lab.benchmarks.automaton"
FORM = "七絕"
TEXTS = 64
ROUNDS = 3
END = 0
GRAMMAR = r"""
start: line "，" line "。" line "，" line "。"
line: /[\p{Han}]{7}/
"""


def main() -> None:
    """Print and record the milliseconds of each."""
    tokens = vocabulary()
    times = {"automaton": min(automaton_ms(tokens, TEXTS, seed) for seed in range(ROUNDS))}
    times["automaton_single"] = min(automaton_ms(tokens, 1, seed) for seed in range(ROUNDS))
    if find_spec("llguidance"):
        times["llguidance"] = min(llguidance_ms(tokens, seed) for seed in range(ROUNDS))
        print("llguidance", version("llguidance"))
    print(f"{len(tokens)} tokens; ms by token and text:", json.dumps(times))
    record(COMMAND, {f"automaton.ms.{name}": round(value, 3) for name, value in times.items()})


def vocabulary() -> dict[int, str | bytes]:
    """Return the tokens by id; END is not among them."""
    characters = list(table("characters"))
    words = [word for word in table("words") if len(word) == 2]
    pairs = [pair for pair in table("word_tones") if pair not in table("words")]
    every: list[str | bytes] = [*characters, *words, *pairs, "，", "。"]
    every += [bytes([byte]) for byte in range(256)]
    every += sorted({character.encode()[:2] for character in characters})
    return dict(enumerate(every, start=END + 1))


def automaton_ms(tokens: dict[int, str | bytes], texts: int, seed: int) -> float:
    """Return the automaton's milliseconds for a token of a text."""
    automaton = Automaton(tokens, END, form=FORM)
    automaton.allowed(automaton.start())  # builds the tables of the tokens
    rng = np.random.default_rng(seed)
    state = automaton.start(texts)
    spent = 0.0
    written = 0
    while not state.ended.all():
        before = time.process_time()
        allowed = automaton.allowed(state)
        spent += time.process_time() - before
        ids = np.where(allowed, rng.random(allowed.shape), -1).argmax(axis=1)
        written += int((~state.ended).sum())
        before = time.process_time()
        state = automaton.advance(state, ids)
        spent += time.process_time() - before
    return 1000 * spent / written


def llguidance_ms(tokens: dict[int, str | bytes], seed: int) -> float:
    """Return llguidance's milliseconds for a token of a text."""
    import llguidance
    import llguidance.numpy

    wrapper = llguidance.TokenizerWrapper(_Tokens(tokens))
    tokenizer = llguidance.LLTokenizer(wrapper)
    rng = np.random.default_rng(seed)
    grammar = llguidance.LLMatcher.grammar_from_lark(GRAMMAR)
    mask = llguidance.numpy.allocate_token_bitmask(1, tokenizer.vocab_size)
    spent = 0.0
    written = 0
    for _ in range(TEXTS):
        matcher = llguidance.LLMatcher(tokenizer, grammar)
        while not matcher.is_stopped():
            before = time.process_time()
            llguidance.numpy.fill_next_token_bitmask(matcher, mask)
            spent += time.process_time() - before
            bits = np.unpackbits(mask.view(np.uint8), bitorder="little")
            id_ = int(rng.choice(np.flatnonzero(bits)))
            written += 1
            before = time.process_time()
            matcher.consume_token(id_)
            spent += time.process_time() - before
    return 1000 * spent / written


class _Tokens:
    """The tokens as llguidance reads them."""

    def __init__(self, tokens: dict[int, str | bytes]) -> None:
        self.eos_token_id = END
        self.bos_token_id = None
        self.special_token_ids = [END]
        self.tokens = [b"<end>"]
        for token in tokens.values():
            self.tokens.append(token.encode() if isinstance(token, str) else token)

    def __call__(self, text: bytes) -> list[int]:
        """Return a text as single bytes."""
        return [self.tokens.index(bytes([byte])) for byte in text]


if __name__ == "__main__":
    main()
