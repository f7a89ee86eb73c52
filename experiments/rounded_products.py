"""What rounding to 8 bits costs: the hanzi perplexity of the network that composes, by how its products are made.

Run: python -m experiments.rounded_products

Tang poems of the dev split, given form, poet and title. Weights are rounded to whole numbers up to 64, with which
products are exact on every processor (`composing.products`), and to compare up to 127; torch's float32 model is
measured by `experiments.tang_model`. Records the figures `compose.rounding.*`.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from experiments.figures import record
from pingze.corpus import Store
from pingze.network import checkpoint
from pingze.network.numpy_network import LayerStates, NumpyNetwork
from pingze.network.products import LARGEST_WEIGHT, Product, in_8_bits, in_float32
from pingze.network.softmax import log_softmax
from pingze.network.vocabulary import Vocabulary
from pingze.training import data
from pingze.training.configuration import LENGTHS

BATCH_SIZE = 128
PRODUCTS: dict[str, Callable[[np.ndarray], Product]] = {
    "float32": in_float32,
    "up_to_127": partial(in_8_bits, largest=127),
    "up_to_64": partial(in_8_bits, largest=LARGEST_WEIGHT),
}


def hanzi_perplexity(network: NumpyNetwork, examples: list[data.Example], vocabulary: Vocabulary) -> float:
    """Over the Han characters of poems, their conditions given."""
    ordered, is_han = sorted(examples, key=lambda example: len(example.text)), np.array(vocabulary.hanzi())
    losses = [
        _losses(network, ordered[start : start + BATCH_SIZE], is_han)
        for start in range(0, len(ordered), BATCH_SIZE)
    ]
    return float(np.exp(np.concatenate(losses).mean()))


def _losses(network: NumpyNetwork, batch: list[data.Example], is_han: np.ndarray) -> np.ndarray:
    """-ln p of the Han characters of some poems, read side by side."""
    state = LayerStates.joined([network.start(prefix=_prefix(example)) for example in batch])
    found = []
    for at in range(1, max(len(example.text) for example in batch)):
        ids = np.array([example.text[at] if at < len(example.text) else 0 for example in batch])
        log_p = log_softmax(network.logits(state))[np.arange(len(ids)), ids]
        found.append(-log_p[is_han[ids]])
        state = network.step(state, ids)
    return np.concatenate(found)


def _prefix(example: data.Example) -> list[int]:
    return [int(id_) for part in example.prefix for id_ in part]


def main() -> None:
    """Measure and record."""
    shipped = checkpoint.load(checkpoint.DEFAULT)
    with Store.open() as store:
        texts = data.read_split(store, "tang", "dev")
    examples = data.examples(texts, shipped.vocabulary, LENGTHS["tang"])
    found = {
        f"compose.rounding.hanzi_perplexity_{name}": hanzi_perplexity(
            NumpyNetwork(shipped, product), examples, shipped.vocabulary
        )
        for name, product in PRODUCTS.items()
    }
    record("python -m experiments.rounded_products", found)


if __name__ == "__main__":
    main()
