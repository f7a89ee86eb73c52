"""Starter code for exercises 1, 4 and 6 of docs/exercises.md: three functions with holes, and their tests.

Copy this file, fill the holes, and run it: python starter.py

It says for each exercise whether it is open, wrong or right. Vectors are of one text: x is (E), h
and c are (H), W_x is (4H, E), W_h is (4H, H) and b is (4H), the gates one below the other in the
order i, f, c̃, o.
"""

import numpy as np

from pingze.arrays import Array
from pingze.lstm import jacobians
from pingze.lstm.formulas import Parameters, sequence_forward, step_backward, step_forward

E = 3
H = 4


def sigmoid(v: Array) -> Array:
    """Compute σ(v)."""
    result: Array = 1 / (1 + np.exp(-v))
    return result


def step(
    x: Array, h_prev: Array, c_prev: Array, W_x: Array, W_h: Array, b: Array
) -> tuple[Array, Array]:
    """Exercise 1: one step forward. Return h_t and c_t, (H) each."""
    # net = …            (4H)
    # i, f, c̃ and o = …  (H) each; np.split(net, 4) cuts net into its four gates
    # c = …
    # h = …
    raise NotImplementedError


def step_back(
    dh: Array,
    dc: Array,
    x: Array,
    h_prev: Array,
    c_prev: Array,
    gates: tuple[Array, Array, Array, Array],
    tanh_c: Array,
    W_x: Array,
    W_h: Array,
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Exercise 4: one step back. Return dx, dh_prev, dc_prev, dW_x, dW_h and db.

    `gates` holds i, f, c̃ and o, (H) each; `tanh_c` is tanh(c_t).
    """
    # do = …                          (1)
    # dc = dc + …                     (2)
    # df, di, dc̃, dc_prev = …         (3) to (6)
    # dnet_i, dnet_f, dnet_c, dnet_o  (7) to (10); np.concatenate stacks them to (4H)
    # dx, dh_prev = …                 (11) (12)
    # dW_x, dW_h, db = …              (13) to (15); np.outer makes an outer product
    raise NotImplementedError


def missed(A: Array, s: Array, f: Array, C: Array) -> Array:
    """Exercise 6: what the report's product misses over two steps, (H, H).

    A = ∂h_t/∂h_{t-1} and s, f are of the second step; C = ∂c_{t-1}/∂h_{t-2} is of the first.
    """
    raise NotImplementedError


# The tests. Do not change what follows.


def test_step() -> None:
    """Compare exercise 1 with `formulas.step_forward`."""
    rng = np.random.default_rng(1)
    weights = random_weights(rng)
    x, h_prev, c_prev = rng.standard_normal(E), rng.standard_normal(H), rng.standard_normal(H)
    (h, c), _ = step_forward(x[None], h_prev[None], c_prev[None], weights)
    found = step(x, h_prev, c_prev, *weights)
    compare({"h": found[0], "c": found[1]}, {"h": h[0], "c": c[0]})


def test_step_back() -> None:
    """Compare exercise 4 with `formulas.step_backward`."""
    rng = np.random.default_rng(4)
    weights = random_weights(rng)
    x, h_prev, c_prev = rng.standard_normal(E), rng.standard_normal(H), rng.standard_normal(H)
    _, cache = step_forward(x[None], h_prev[None], c_prev[None], weights)
    dh, dc = rng.standard_normal(H), rng.standard_normal(H)
    i, f, c_tilde, o = (gate[0] for gate in cache.gates)
    found = step_back(
        dh,
        dc,
        x,
        h_prev,
        c_prev,
        gates=(i, f, c_tilde, o),
        tanh_c=cache.phi_c[0],
        W_x=weights.weight_ih,
        W_h=weights.weight_hh,
    )
    dx, dh_prev, dc_prev, dweights = step_backward(dh[None], dc[None], cache)
    names = ("dx", "dh_prev", "dc_prev", "dW_x", "dW_h", "db")
    expected = (dx[0], dh_prev[0], dc_prev[0], *dweights)
    compare(dict(zip(names, found, strict=True)), dict(zip(names, expected, strict=True)))


def test_missed() -> None:
    """Compare exercise 6 with the product of the joint Jacobians of two steps."""
    rng = np.random.default_rng(6)
    start = rng.standard_normal((2, 1, H))
    x = rng.standard_normal((2, 1, E))
    _, caches = sequence_forward(x, start[0], start[1], random_weights(rng))
    first, second = caches
    of_second = jacobians.of_hidden(second)
    A = of_second.h_prev[0]
    C = jacobians.of_cell(first).h_prev[0]
    whole = jacobians.joint_product(caches)[0, :H, :H]
    found = missed(A, of_second.diagonal_c[0], second.gates.f[0], C)
    expected = whole - A @ jacobians.of_hidden(first).h_prev[0]
    compare({"what it misses": found}, {"what it misses": expected})


def random_weights(rng: np.random.Generator) -> Parameters:
    """Draw the weights of a small layer."""
    return Parameters(
        weight_ih=rng.standard_normal((4 * H, E)),
        weight_hh=rng.standard_normal((4 * H, H)),
        bias=rng.standard_normal(4 * H),
    )


def compare(found: dict[str, Array], expected: dict[str, Array]) -> None:
    """Raise AssertionError with the name of the first array that differs."""
    for name, right in expected.items():
        mine = np.asarray(found[name])
        if mine.shape != right.shape:
            raise AssertionError(f"{name} has shape {mine.shape}, not {right.shape}")
        if not np.allclose(mine, right):
            raise AssertionError(f"{name} is off by {abs(mine - right).max():.2g} at most")


TESTS = {1: test_step, 4: test_step_back, 6: test_missed}


def main() -> None:
    """Run the three tests, and print the state of each exercise."""
    for number, test in TESTS.items():
        try:
            test()
        except NotImplementedError:
            print(f"exercise {number}: open")
        except AssertionError as error:
            print(f"exercise {number}: wrong: {error}")
        else:
            print(f"exercise {number}: right")


if __name__ == "__main__":
    main()
