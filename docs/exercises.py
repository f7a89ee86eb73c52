"""The answers to docs/exercises.md: each runs, and checks itself.

Run: python docs/exercises.py
"""

import numpy as np

from pingze.arrays import Array
from pingze.lstm import jacobians
from pingze.lstm.formulas import (
    Parameters,
    StepCache,
    gate_weights,
    sequence_backward,
    sequence_forward,
    sigmoid,
    step_backward,
    step_forward,
)

E, H, V, T = 3, 4, 5, 6
"""Sizes of what is tried out; one text."""


def answer_1() -> str:
    """One step by hand: h = 0.5 tanh(0.5 · tanh(1))."""
    parameters = Parameters(np.zeros((4, 1)), np.zeros((4, 1)), np.zeros(4))
    gate_weights(parameters)["c"].W_x[:] = 1
    zero = np.zeros((1, 1))
    (h, _), _ = step_forward(np.ones((1, 1)), zero, zero, parameters)
    by_hand = 0.5 * np.tanh(0.5 * np.tanh(1))
    np.testing.assert_allclose(h, by_hand)
    return f"h = {by_hand:.4f}"


def answer_2() -> str:
    """σ' = σ (1 - σ) and tanh' = 1 - tanh², by moving x a little."""
    x, move = np.linspace(-3, 3, 7), 1e-6
    s, t = sigmoid(x), np.tanh(x)
    np.testing.assert_allclose(
        s * (1 - s), (sigmoid(x + move) - sigmoid(x - move)) / (2 * move), rtol=1e-8
    )
    np.testing.assert_allclose(
        1 - t * t, (np.tanh(x + move) - np.tanh(x - move)) / (2 * move), rtol=1e-8
    )
    return "σ' is largest at 0, 1/4; at a gate of 0.95 it is 0.0475"


def answer_3() -> str:
    """The gradient p - onehot(y), the long way: through the softmax's Jacobian."""
    logits, y = np.random.default_rng(3).standard_normal(V), 2
    p = softmax(logits)
    jacobian = np.diag(p) - np.outer(p, p)
    dp = -np.eye(V)[y] / p[y]
    np.testing.assert_allclose(jacobian.T @ dp, p - np.eye(V)[y])
    return f"dlogits = {np.round(p - np.eye(V)[y], 3)}"


def answer_4() -> str:
    """The backward pass of one step, in vectors of one text."""
    rng = np.random.default_rng(4)
    cache = a_step(rng)
    dh, dc = rng.standard_normal((2, H))
    found = my_step_backward(dh, dc, cache)
    dx, dh_prev, dc_prev, gradients = step_backward(dh[None], dc[None], cache)
    expected = (dx[0], dh_prev[0], dc_prev[0], *gradients)
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs)
    return "the same as formulas.step_backward"


def my_step_backward(dh: Array, dc: Array, cache: StepCache) -> tuple[Array, ...]:
    """Terms (1) to (15), with the W of the four gates stacked."""
    x, h_prev, c_prev = cache.x[0], cache.h_prev[0], cache.c_prev[0]
    i, f, c_tilde, o = (gate[0] for gate in cache.gates)
    tanh_c = cache.phi_c[0]
    dc = dc + dh * o * (1 - tanh_c**2)
    dnet = np.concatenate(
        [
            dc * c_tilde * i * (1 - i),
            dc * c_prev * f * (1 - f),
            dc * i * (1 - c_tilde**2),
            dh * tanh_c * o * (1 - o),
        ]
    )
    W_x, W_h, _ = cache.parameters
    return W_x.T @ dnet, W_h.T @ dnet, dc * f, np.outer(dnet, x), np.outer(dnet, h_prev), dnet


def answer_5() -> str:
    """The gradient of a whole text's loss, embedding and output layer included, against moving every weight."""
    rng = np.random.default_rng(5)
    weights = random_weights(rng)
    ids = rng.integers(V, size=T + 1)
    _, gradient = text_loss(weights, ids)
    for name, value in weights.items():
        tried = np.zeros_like(value)
        for entry in np.ndindex(value.shape):
            losses = []
            for move in (1e-6, -1e-6):
                moved = {each: array.copy() for each, array in weights.items()}
                moved[name][entry] += move
                losses.append(text_loss(moved, ids)[0])
            tried[entry] = (losses[0] - losses[1]) / 2e-6
        np.testing.assert_allclose(gradient[name], tried, rtol=1e-5, atol=1e-8, err_msg=name)
    return f"{sum(value.size for value in weights.values())} weights agree"


def text_loss(weights: dict[str, Array], ids: Array) -> tuple[float, dict[str, Array]]:
    """Σ -ln p of the characters after the first, and its gradient by every weight, by hand."""
    M, U = weights["M"], weights["U"]
    parameters = Parameters(weights["W_x"], weights["W_h"], weights["b"])
    zero = np.zeros((1, H))
    (hs, _, _), caches = sequence_forward(M[ids[:-1]][:, None], zero, zero, parameters)
    p = np.array([softmax(U @ h[0] + weights["a"]) for h in hs])
    loss = -np.log(p[np.arange(T), ids[1:]]).sum()

    dlogits = p - np.eye(V)[ids[1:]]
    dhs = (dlogits @ U)[:, None]
    dxs, _, _, (dW_x, dW_h, db) = sequence_backward(dhs, zero, zero, caches)
    dM = np.zeros_like(M)
    for id_, dx in zip(ids[:-1], dxs[:, 0], strict=True):
        dM[id_] += dx
    output = {"U": dlogits.T @ hs[:, 0], "a": dlogits.sum(axis=0)}
    return float(loss), {"M": dM, "W_x": dW_x, "W_h": dW_h, "b": db} | output


def answer_6() -> str:
    """What the report's product misses over two steps: diag[s ⊙ f] C of the step before."""
    first, second = some_steps(2)
    by_hidden = jacobians.of_hidden(second).h_prev[0] @ jacobians.of_hidden(first).h_prev[0]
    missed = jacobians.joint_product([first, second])[0, :H, :H] - by_hidden
    by_cell = jacobians.of_hidden(second).c_prev[0] @ jacobians.of_cell(first).h_prev[0]
    np.testing.assert_allclose(missed, by_cell, atol=1e-15)
    return f"it misses {np.linalg.norm(missed):.3f} in norm"


def answer_7() -> str:
    """Four steps have 2³ = 8 ways: walk each of them, and add up."""
    caches = some_steps(4)
    blocks = [
        {("h", "h"): J[:H, :H], ("h", "c"): J[:H, H:], ("c", "h"): J[H:, :H], ("c", "c"): J[H:, H:]}
        for J in (jacobians.joint(cache)[0] for cache in caches)
    ]
    total = np.zeros((H, H))
    for way in np.ndindex(2, 2, 2):
        states = ["h", *("hc"[each] for each in way), "h"]
        product = np.eye(H)
        for block, by, of in zip(blocks, states, states[1:], strict=False):
            product = block[of, by] @ product
        total += product
    np.testing.assert_allclose(total, jacobians.joint_product(caches)[0, :H, :H], rtol=1e-9)
    return "the eight ways add up to ∂h_t/∂h_k"


def answer_8() -> str:
    """f^48 = 1/2, so f = 2^(-1/48), and b_f = ln(f / (1 - f))."""
    f = 0.5 ** (1 / 48)
    bias = np.log(f / (1 - f))
    half, common = sigmoid(np.array([bias, 1.0])) ** 48
    np.testing.assert_allclose(half, 0.5)
    return f"f = {f:.4f}, b_f = {bias:.2f}; with b_f = 1 there is left {common:.1e}"


def answer_9() -> str:
    """From zero everywhere, only the output's bias has a gradient, on every step."""
    weights = {
        name: np.zeros_like(value)
        for name, value in random_weights(np.random.default_rng(9)).items()
    }
    ids = np.array([0, 1, 1, 2, 3, 4, 0])
    for _ in range(3):
        _, gradient = text_loss(weights, ids)
        moved = [name for name, value in gradient.items() if value.any()]
        assert moved == ["a"]
        weights["a"] -= 0.1 * gradient["a"]
    return "only a moves: h is 0, so dU is 0; U is 0, so dh is 0, and all below it"


def answer_10() -> str:
    """A GRU's step back, against moving h_{t-1}."""
    rng = np.random.default_rng(10)
    W_r, W_u, W_n = rng.normal(0, 0.7, (3, H, H + E))
    x, h_prev, dh = rng.standard_normal(E), rng.standard_normal(H), rng.standard_normal(H)

    def forward(h_prev: Array) -> tuple[Array, tuple[Array, Array, Array]]:
        z = np.concatenate([h_prev, x])
        r, u = sigmoid(W_r @ z), sigmoid(W_u @ z)
        n = np.tanh(W_n @ np.concatenate([r * h_prev, x]))
        return u * h_prev + (1 - u) * n, (r, u, n)

    _, (r, u, n) = forward(h_prev)
    dnet_n = dh * (1 - u) * (1 - n**2)
    drh = W_n[:, :H].T @ dnet_n
    dnet_u, dnet_r = dh * (h_prev - n) * u * (1 - u), drh * h_prev * r * (1 - r)
    dh_prev = dh * u + drh * r + W_u[:, :H].T @ dnet_u + W_r[:, :H].T @ dnet_r

    moves = 1e-6 * np.eye(H)
    tried = [dh @ (forward(h_prev + move)[0] - forward(h_prev - move)[0]) / 2e-6 for move in moves]
    np.testing.assert_allclose(dh_prev, tried, rtol=1e-7)
    return "four ways back to h_{t-1}: kept, reset, and through two gates"


def softmax(logits: Array) -> Array:
    """Probabilities."""
    e = np.exp(logits - logits.max())
    p: Array = e / e.sum()
    return p


def random_weights(rng: np.random.Generator) -> dict[str, Array]:
    """Embedding M, the LSTM's stacked weights, output U and a."""
    shapes = {
        "M": (V, E),
        "W_x": (4 * H, E),
        "W_h": (4 * H, H),
        "b": (4 * H,),
        "U": (V, H),
        "a": (V,),
    }
    return {name: rng.normal(0, 0.5, shape) for name, shape in shapes.items()}


def a_step(rng: np.random.Generator) -> StepCache:
    """One step with random weights, input and state."""
    weights = random_weights(rng)
    parameters = Parameters(weights["W_x"], weights["W_h"], weights["b"])
    h_prev, c_prev = rng.standard_normal((2, 1, H))
    return step_forward(rng.standard_normal((1, E)), h_prev, c_prev, parameters)[1]


def some_steps(count: int) -> list[StepCache]:
    """Steps with random weights and inputs, from the state zero."""
    rng = np.random.default_rng(count)
    weights = random_weights(rng)
    parameters = Parameters(weights["W_x"], weights["W_h"], weights["b"])
    zero = np.zeros((1, H))
    return sequence_forward(rng.standard_normal((count, 1, E)), zero, zero, parameters)[1]


ANSWERS = (
    *(answer_1, answer_2, answer_3, answer_4, answer_5),
    *(answer_6, answer_7, answer_8, answer_9, answer_10),
)

if __name__ == "__main__":
    for number, answer in enumerate(ANSWERS, start=1):
        print(f"{number:2}. {answer()}")
