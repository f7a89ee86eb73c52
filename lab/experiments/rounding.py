"""Measure what rounding to 8 bits costs in hanzi perplexity.

    python -m lab.experiments.rounding

The poems are the Tang poems of the dev split, given form, poet and title. Records the figures
`compose.rounding.*`.
"""

import numpy as np

from lab.figures import record
from pingze.corpus import Store
from pingze.network import checkpoint
from pingze.network.reference import ReferenceNetwork, State
from pingze.network.step_graph import GraphNetwork
from pingze.network.vocabulary import UNK, Vocabulary
from pingze.training import texts
from pingze.training.presets import LENGTHS

BATCH_SIZE = 128


def hanzi_perplexity(
    network: ReferenceNetwork, examples: list[texts.Example], vocabulary: Vocabulary
) -> float:
    """Return the perplexity of the Han characters of poems, given their conditions."""
    ordered = sorted(examples, key=lambda example: len(example.text))
    is_han = vocabulary.is_han | (np.arange(len(vocabulary)) == UNK)
    losses = [
        _losses(network, ordered[start : start + BATCH_SIZE], is_han)
        for start in range(0, len(ordered), BATCH_SIZE)
    ]
    return float(np.exp(np.concatenate(losses).mean(dtype=np.float64)))


def _losses(
    network: ReferenceNetwork, batch: list[texts.Example], is_han: np.ndarray
) -> np.ndarray:
    """Return -ln p of every Han character in a batch of poems."""
    # 1) Read each poem's conditions, without the padding that batches need.
    states = []
    for example in batch:
        prefix: list[int] = []
        for part in example.prefix:
            prefix += [int(number) for number in part]
        states.append(network.start(prefix=prefix))
    state = _joined(states)
    # 2) Read the texts after <bos> together; the id 0, which is no Han character, fills up shorter ones.
    longest = max(len(example.text) for example in batch)
    texts_of_batch = np.zeros((len(batch), longest), int)
    for row, example in zip(texts_of_batch, batch, strict=True):
        row[: len(example.text)] = example.text
    found = []
    for ids in texts_of_batch.T[1:]:
        found.append(-state.log_p[np.arange(len(ids)), ids][is_han[ids]])
        state = network.step(state, ids)
    return np.concatenate(found)


def _joined(states: list[State]) -> State:
    """Return the states of several texts as one batch."""
    layers = []
    for depth in range(len(states[0].layers)):
        parts = [state.layers[depth] for state in states]
        layers.append(np.concatenate(parts))
    biases = [np.broadcast_to(state.bias, (len(state.h), state.bias.shape[1])) for state in states]
    return State(
        layers=tuple(layers),
        bias=np.concatenate(biases),
        logits=np.concatenate([state.logits for state in states]),
        log_sum=np.concatenate([state.log_sum for state in states]),
    )


def main() -> None:
    """Measure both networks, and record the figures."""
    shipped = checkpoint.load(checkpoint.DEFAULT)
    with Store.open() as store:
        poems = texts.read_split(store, "tang", "dev")
    examples = texts.examples(poems, shipped.vocabulary, LENGTHS["tang"])
    networks = {"float32": ReferenceNetwork(shipped), "8_bits": GraphNetwork(shipped.rounded())}
    values = {}
    for name, network in networks.items():
        perplexity = hanzi_perplexity(network, examples, shipped.vocabulary)
        values[f"compose.rounding.hanzi_perplexity_{name}"] = perplexity
    record("python -m lab.experiments.rounding", values)


if __name__ == "__main__":
    main()
