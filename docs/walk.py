"""A walk from one step of an LSTM to a trained toy, on NumPy alone: read it beside docs/lstm-derivation.md.

The toy reads a sign (甲 乙 丙 or 丁), ten numerals in any order, then ？, and has to say the sign
again. The numerals tell nothing, so the sign must stay in the cell for eleven steps. A few seconds
on a laptop.

Run: python docs/walk.py
"""

import numpy as np

from pingze.arrays import Array, Float, Int64
from pingze.lstm import jacobians
from pingze.lstm.formulas import Parameters, sequence_backward, sequence_forward, step_forward
from pingze.lstm.initializers import initialize

SIGNS, NUMERALS, ASK = "甲乙丙丁", "一二三", "？"
CHARACTERS = SIGNS + NUMERALS + ASK
LENGTH = 10
"""Numerals between the sign and ？."""
H = 16
Weights = dict[str, Array]


def walk(steps: int = 1200) -> float:
    """The whole way; gives the share of signs that the trained toy remembers."""
    rng = np.random.default_rng(0)
    weights = first_weights(rng)
    one_step(weights)
    check_gradient(weights, rng)
    train(weights, steps, rng)
    look_inside(weights, rng)
    return remembered(weights, sample(200, rng))


def first_weights(rng: np.random.Generator) -> Weights:
    """The LSTM's weights, and U (V, H) and a (V) of the output layer.

    A character enters as a one-hot vector.
    """
    V = len(CHARACTERS)
    lstm = initialize("orthogonal", V, H, rng)
    weights = {name: value.astype(np.float64) for name, value in lstm._asdict().items()}
    return weights | {"U": rng.normal(0, 0.1, (V, H)), "a": np.zeros(V)}


def one_step(weights: Weights) -> None:
    """1. A step: from a character and the state before to the state after."""
    print("1. One step. 甲 enters the empty state.")
    zero = np.zeros((1, H))
    (h, c), cache = step_forward(one_hot(np.array([[0]]))[0], zero, zero, parameters(weights))
    i, f, c_tilde, o = (gate[0, 0] for gate in cache.gates)
    print(f"   Its first unit: gates i {i:.4f}, f {f:.4f}, o {o:.4f}; candidate c̃ {c_tilde:.4f};")
    print(f"   c = f·0 + i·c̃ = {c[0, 0]:.4f}; h = o·tanh(c) = {h[0, 0]:.4f}")


def check_gradient(weights: Weights, rng: np.random.Generator) -> None:
    """2.

    The loss of a text, its gradient by hand, and the same by trying: move one weight and look.
    """
    print("2. The loss of 32 texts, and its gradient by backpropagation through time.")
    ids = sample(32, rng)
    loss, gradient = loss_and_gradient(weights, ids)
    print(
        f"   mean loss {loss:.4f} nats a character; a guess among {len(CHARACTERS)}: {np.log(len(CHARACTERS)):.4f}"
    )
    for name in ("weight_hh", "weight_ih", "U"):
        tried = []
        for move in (1e-5, -1e-5):
            moved = {key: value.copy() for key, value in weights.items()}
            moved[name][3, 5] += move
            tried.append(loss_and_gradient(moved, ids)[0])
        print(
            f"   d{name}[3, 5]: by hand {gradient[name][3, 5]:+.8f}, by trying {(tried[0] - tried[1]) / 2e-5:+.8f}"
        )


def train(weights: Weights, steps: int, rng: np.random.Generator) -> None:
    """3.

    Adam (Kingma & Ba 2015): each weight moves against its gradient, in steps of a common size.
    """
    print(f"3. Training, {steps} steps of 32 texts. On average no loss is below {floor():.4f}.")
    mean = {name: np.zeros_like(value) for name, value in weights.items()}
    square = {name: np.zeros_like(value) for name, value in weights.items()}
    for step in range(1, steps + 1):
        ids = sample(32, rng)
        loss, gradient = loss_and_gradient(weights, ids)
        for name, d in clipped(gradient).items():
            mean[name] += 0.1 * (d - mean[name])
            square[name] += 0.001 * (d * d - square[name])
            unbiased_mean, unbiased_square = (
                mean[name] / (1 - 0.9**step),
                square[name] / (1 - 0.999**step),
            )
            weights[name] -= 0.01 * unbiased_mean / (np.sqrt(unbiased_square) + 1e-8)
        if step % (steps // 6) == 0:
            print(
                f"   step {step:4}: loss {loss:.4f}, signs remembered {remembered(weights, ids):.0%}"
            )


def clipped(gradient: Weights) -> Weights:
    """The gradient, shortened to length 1 where it is longer: the report's clipping."""
    length = np.sqrt(sum(float((d * d).sum()) for d in gradient.values()))
    return {name: d / max(1.0, length) for name, d in gradient.items()}


def look_inside(weights: Weights, rng: np.random.Generator) -> None:
    """4. Where it keeps the sign: what a change of the first state still does to the last."""
    print("4. What is left of a change of the first hidden state at ？, on average:")
    x = one_hot(sample(1, rng)[:-1])
    for name, each in (("before training", first_weights(rng)), ("after", weights)):
        zero = np.zeros((1, H))
        _, caches = sequence_forward(x, zero, zero, parameters(each))
        *_, products = jacobians.back_through_time(caches)
        whole, report = (np.linalg.norm(part[..., :H]) / np.sqrt(H) for part in products[:2])
        print(f"   {name}: {whole:.1e}; by the report's product, without the cell: {report:.1e}")
    text = sample(1, rng)
    print(f"   It reads {spell(text[:-1, 0])} and says {CHARACTERS[predict(weights, text)[0]]}.")


def sample(count: int, rng: np.random.Generator) -> Int64[Array, "T B"]:
    """Texts as columns of ids: a sign, numerals, ？, and the sign again."""
    signs = rng.integers(len(SIGNS), size=(1, count))
    numerals = len(SIGNS) + rng.integers(len(NUMERALS), size=(LENGTH, count))
    return np.concatenate([signs, numerals, np.full((1, count), CHARACTERS.index(ASK)), signs])


def loss_and_gradient(weights: Weights, ids: Int64[Array, "T B"]) -> tuple[float, Weights]:
    """Mean of -ln p(next character), and its gradient by each weight."""
    inputs, targets = one_hot(ids[:-1]), one_hot(ids[1:])
    zero = np.zeros((ids.shape[1], H))
    (hs, _, _), caches = sequence_forward(inputs, zero, zero, parameters(weights))
    p = softmax(hs @ weights["U"].T + weights["a"])
    count = targets.sum()
    loss = -np.log((p * targets).sum(axis=2)).sum() / count

    dlogits = (p - targets) / count
    dhs = dlogits @ weights["U"]
    _, _, _, dparameters = sequence_backward(dhs, np.zeros_like(zero), np.zeros_like(zero), caches)
    doutput = {"U": np.einsum("tbv,tbh->vh", dlogits, hs), "a": dlogits.sum(axis=(0, 1))}
    return float(loss), dparameters._asdict() | doutput


def predict(weights: Weights, ids: Int64[Array, "T B"]) -> Int64[Array, "B"]:
    """The likeliest character after ？."""
    zero = np.zeros((ids.shape[1], H))
    (_, h, _), _ = sequence_forward(one_hot(ids[:-1]), zero, zero, parameters(weights))
    likeliest: Array = (h @ weights["U"].T + weights["a"]).argmax(axis=1)
    return likeliest


def remembered(weights: Weights, ids: Int64[Array, "T B"]) -> float:
    """Share of the texts whose sign is said again."""
    return float((predict(weights, ids) == ids[-1]).mean())


def floor() -> float:
    """The loss of one who knows all that can be known: ln 3 for each numeral, nothing for ？ and the sign."""
    return float(LENGTH * np.log(len(NUMERALS)) / (LENGTH + 2))


def parameters(weights: Weights) -> Parameters:
    """The LSTM's part of the weights."""
    return Parameters(weights["weight_ih"], weights["weight_hh"], weights["bias"])


def softmax(logits: Float[Array, "T B V"]) -> Float[Array, "T B V"]:
    """Probabilities; the largest logit is taken off first, so that none overflows."""
    e = np.exp(logits - logits.max(axis=2, keepdims=True))
    shares: Array = e / e.sum(axis=2, keepdims=True)
    return shares


def one_hot(ids: Int64[Array, "T B"]) -> Float[Array, "T B V"]:
    """1 at each character's place."""
    rows: Array = np.eye(len(CHARACTERS))[ids]
    return rows


def spell(ids: Int64[Array, "T"]) -> str:
    """The text of ids."""
    return "".join(CHARACTERS[id_] for id_ in ids)


if __name__ == "__main__":
    print(f"   Of 200 new texts, {walk():.0%} are remembered.")
