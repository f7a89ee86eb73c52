"""Pack poems into batches, which are arrays of ids without padding.

A sequence is `<bos>` + text + `<eos>`, cut to a maximum number of predicted tokens (48 in the
report). A batch sorts its sequences, longest first, and holds all their first tokens, then all
their second tokens, and so on (PyTorch's packed form). Tokens before `<bos>`
(`pingze.network.conditions`) are read but not predicted.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from pingze.arrays import Bool, Int64
from pingze.network.vocabulary import BOS, EOS, PAD, Vocabulary

Ids = Int64[np.ndarray, "_"]


class Batch(NamedTuple):
    """Sequences in packed form, with N tokens over T steps."""

    inputs: Int64[np.ndarray, "N"]
    targets: Int64[np.ndarray, "N"]
    """The id of the token after each input, or `PAD` if that token is not predicted."""
    sizes: Int64[np.ndarray, "T"]
    """Number of sequences still running at each step; the numbers add up to N."""

    @property
    def predicted(self) -> Bool[np.ndarray, "N"]:
        """For each target, whether it is predicted."""
        return self.targets != PAD


def encode_sequence(text: str, vocabulary: Vocabulary, length: int) -> Ids:
    """Encode `<bos>` + text + `<eos>` and cut it to at most `length` predicted tokens."""
    ids = np.concatenate([[BOS], vocabulary.encode(text[:length]), [EOS]])
    return ids[: length + 1]


def predicted_tokens(sequence: Ids) -> int:
    """Count the predicted tokens of a sequence: those after `<bos>`."""
    begin = int(np.argmax(sequence == BOS))
    return len(sequence) - 1 - begin


def pack(sequences: Sequence[Ids]) -> Batch:
    """Pack sequences of any lengths into one batch. The tokens after `<bos>` are its targets."""
    # 1) Pad the B sequences to (T + 1, B). A token is the input of its step and the target of the
    # step before it. The last token is only a target, so a sequence has one input less than tokens.
    ordered = sorted(sequences, key=len, reverse=True)
    input_counts = np.array([len(sequence) - 1 for sequence in ordered])
    steps = input_counts[0]  # T, since the first sequence is the longest
    padded = np.full((steps + 1, len(ordered)), PAD, np.int64)
    for column, sequence in enumerate(ordered):
        padded[: len(sequence), column] = sequence
    inputs = padded[:-1]
    next_tokens = padded[1:]
    # 2) Find the steps at which each sequence has an input, and its steps from `<bos>` onward. Both
    # masks are (T, B). Before `<bos>`, the next token is a condition, which is not predicted.
    running = np.arange(steps)[:, None] < input_counts
    begun = np.logical_or.accumulate(inputs == BOS, axis=0)
    targets = np.where(begun, next_tokens, PAD)
    # 3) Drop the padding. The mask selects row by row, that is, step by step.
    return Batch(inputs=inputs[running], targets=targets[running], sizes=running.sum(axis=1))


def batches(sequences: Sequence[Ids], size: int) -> Iterator[Batch]:
    """Yield batches of `size` consecutive sequences; the last batch may be smaller."""
    for start in range(0, len(sequences), size):
        yield pack(sequences[start : start + size])


def epoch_order(count: int, seed: int, epoch: int) -> Int64[np.ndarray, "count"]:
    """Draw the order of the sequences in an epoch.

    The same arguments give the same order, so that a run can resume.
    """
    return np.random.default_rng([seed, epoch]).permutation(count)
