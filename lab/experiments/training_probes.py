"""Make the small measurements of docs/training-explained.md that need no rerun.

    python -m lab.experiments.training_probes [NAME ...]

`starts`, `first_step`, `overflow`, `plateau` and `places` use the report's network and draw; the
last two take minutes. `forget_biases` is for docs/lstm-derivation.md. The LOG's entry is written by
hand from what is printed.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from lab.report.course import PlainTrainer, diagnose
from lab.report.experiment import Setup
from lab.report.softmax import SoftmaxTwice
from pingze.arrays import Array
from pingze.corpus import Store
from pingze.derivation.differentiation import VERSE, run_layer, trained_layer, untrained_layer
from pingze.derivation.pictures import FORGET_BIASES, gradient_flow
from pingze.lstm.formulas import Parameters, StepCache, gate_weights, sequence_forward
from pingze.network.batches import pack
from tools.training_pictures import WEIGHTS, recurrent

EPSILON = 1e-8
"""What Adam adds to the root of v."""


def setup(seed: int) -> Setup:
    """Prepare the report's draw with a seed that lab/report/results uses."""
    with Store.open() as store:
        return Setup.of(store, "hours", seed)


def slopes() -> None:
    """Part 2: print a plain RNN's gradient factor a step, and the slopes behind it."""
    for name in WEIGHTS:
        # 1) Forward.
        rng = np.random.default_rng(0)
        W = recurrent(name, rng)
        h = rng.standard_normal(512)
        states = []
        for _ in range(48):
            h = np.tanh(W @ h)
            states.append(h)
        # 2) Back, with the gradient's factor at each step.
        dh = rng.standard_normal(512)
        factors = []
        for h in states[::-1]:
            back = W.T @ ((1 - h * h) * dh)
            factors.append(np.linalg.norm(back) / np.linalg.norm(dh))
            dh = back / np.linalg.norm(back)
        # 3) The slopes of tanh after the first steps.
        late = np.array(states[8:])
        factor = np.exp(np.log(factors).mean())
        slope = ((1 - late**2) ** 2).mean() ** 0.5
        saturated = (abs(late) > 0.95).mean()
        print(f"{name}: factor {factor:.2f}, root mean square slope {slope:.3f}, ", end="")
        print(f"|h| above 0.95: {saturated:.0%}")


def starts() -> None:
    """Part 2: print the gradient 16 steps back before training, by initialization."""
    at = setup(11)
    for initialization in ("xavier", "orthogonal"):
        for bias in (0, 1):
            arrived = []
            for seed in at.seeds:
                made = PlainTrainer(replace(at, seed=seed), {"initialization": initialization})
                with torch.no_grad():
                    made.model.lstm.layers[0].bias[512:1024] = bias
                arrived.append(diagnose(made.model, made.dev_sequences)[1][16])
            gradients = " ".join(f"{gradient:.2g}" for gradient in sorted(arrived))
            print(f"{initialization} forget bias {bias} {gradients}")


def gate_slopes(cache: StepCache) -> Array:
    """Return the slopes of i, f, c̃ and o at a step, (4, 1, H)."""
    g = cache.gates
    return np.array([g.i * (1 - g.i), g.f * (1 - g.f), 1 - g.c_tilde**2, g.o * (1 - g.o)])


def dips() -> None:
    """Part 3: print the gain's dips at some gate slopes, and what passes marks in the cell."""
    # 1) The steps that read a mark, the fourth characters before them, and the mean slopes.
    caches = trained_layer("report", 48)
    slopes_of = [gate_slopes(cache) for cache in caches]
    marks = [step for step in range(1, 48) if VERSE[step - 1] in "，。"]
    characters = [step for step in range(9, 48) if step not in marks]
    fourth = [mark - 4 for mark in marks[1:]]
    of_marks = np.mean([slopes_of[step] for step in marks], axis=0)
    of_characters = np.mean([slopes_of[step] for step in characters], axis=0)

    # 2) The gains with the layer's own slopes, and with exchanged ones.
    gain, in_cell = gains(caches, slopes_of)
    exchanged = list(slopes_of)
    for step in marks:
        exchanged[step] = of_characters
    gain_without_marks, _ = gains(caches, exchanged)
    exchanged = list(slopes_of)
    for step in fourth:
        exchanged[step] = of_marks
    gain_with_more_marks, _ = gains(caches, exchanged)

    # 3) The dips.
    print("gain over its neighbours' geometric mean: at marks", dip(gain, marks))
    print("at marks with a character's slopes", dip(gain_without_marks, marks))
    print("at fourth characters", dip(gain, fourth))
    print("at fourth characters with a mark's slopes", dip(gain_with_more_marks, fourth))
    shares = [f"{in_cell[48 - step] / gain[49 - step]:.2f}" for step in marks[::-1]]
    print("one step further back, in the cell past the mark alone:", " ".join(shares))


def gains(caches: list[StepCache], slopes_of: Sequence[Array]) -> tuple[list[float], list[float]]:
    """Return the gain of ∂h_48/∂h_k by distance, and the part of the next that the cell alone passes."""
    dh = np.eye(512)
    dc = np.zeros((512, 512))
    gain = [1.0]
    in_cell = []
    for step in range(47, -1, -1):
        past_the_cell, _ = back(0 * dh, dc, caches[step], slopes_of[step])
        in_cell.append(float(np.linalg.norm(past_the_cell) / 512**0.5))
        dh, dc = back(dh, dc, caches[step], slopes_of[step])
        gain.append(float(np.linalg.norm(dh) / 512**0.5))
    return gain, in_cell


def back(dh: Array, dc: Array, cache: StepCache, slopes: Array) -> tuple[Array, Array]:
    """Turn ∂h_t/∂(h, c) of a step into that of the step before."""
    gates = cache.gates
    dc = dc + dh * gates.o * (1 - cache.phi_c**2)
    dgates = np.hstack([dc * gates.c_tilde, dc * cache.c_prev, dc * gates.i, dh * cache.phi_c])
    dnet = dgates * np.hstack(list(slopes))
    return dnet @ cache.parameters.weight_hh, dc * gates.f


def dip(gain: Sequence[float], steps: Sequence[int]) -> str:
    """Format the gain at some steps, the last first, over the geometric mean of its neighbours'."""
    found = []
    for distance in sorted(48 - step for step in steps):
        beside = (gain[distance - 1] * gain[distance + 1]) ** 0.5
        found.append(f"{gain[distance] / beside:.2f}")
    return " ".join(found)


def forget_biases() -> None:
    """Derivation: print what comes through time from orthogonal weights, by the forget bias."""
    trained = trained_layer("report", 48)
    x = np.stack([cache.x for cache in trained])
    # The generator has drawn the other layers of the picture first.
    rng = np.random.default_rng(0)
    for name in ("normal", "uniform", "xavier", "orthogonal"):
        orthogonal = untrained_layer(name, trained, rng)[0].parameters
    for bias in FORGET_BIASES:
        parameters = orthogonal._replace(bias=orthogonal.bias.copy())
        gate_weights(parameters)["f"].b[:] = bias
        caches = run_layer(parameters, x)
        flow = gradient_flow(caches, (48,))
        means = [np.mean([getattr(cache.gates, gate) for cache in caches]) for gate in "ifo"]
        slope = np.mean([1 - cache.phi_c**2 for cache in caches])
        print(f"b_f {bias:g}: mean i, f, o", *(f"{mean:.2f}" for mean in means), end=" ")
        print(
            f"slope of tanh(c) {slope:.2f}; least gain", f"{flow.gains['whole'].min():.3g}", end=" "
        )
        for way in ("whole", "cell"):
            gains = [f"{flow.gains[way][distance - 1]:.2g}" for distance in (8, 16, 32, 48)]
            print(f"{way} after 8, 16, 32, 48:", *gains, end=" ")
        print(f"singular values above 1 after 48: {np.mean(flow.spectra[48] > 1):.1%}")


def first_step() -> None:
    """Part 3: print how a ReLU network's state grows along a poem after Adam's first step at 0.02."""
    for seed in setup(11).seeds:
        # 1) One step of training.
        made = PlainTrainer(setup(seed), {"activation": "relu", "learning_rate": 0.02})
        made.step(0, 0.02)
        tensors = {name: tensor.astype(float) for name, tensor in made.model.tensors().items()}
        parameters = Parameters(*(tensors[f"lstm.0.{name}"] for name in Parameters._fields))
        # 2) The dev poems of 48 tokens, read with the new weights.
        ids = np.array([sequence for sequence in made.dev_sequences if len(sequence) == 49]).T
        x = tensors["embedding.weight"][ids[:-1]]
        start = np.zeros((ids.shape[1], 512))
        (hs, _, _), caches = sequence_forward(x, start, start, parameters, "relu")
        norms = np.linalg.norm(hs, axis=2)
        factors = np.median(norms[1:] / norms[:-1], axis=1)
        # 3) The units that hold the state at the end, their gates, and what W_ch does among them.
        gates = caches[-1].gates
        largest = hs[-1].max(axis=1, keepdims=True)
        holding = hs[-1] > 1e-3 * largest
        is_open = (gates.i > 0.99) & (gates.f > 0.99) & (gates.o > 0.99)
        units = np.flatnonzero(holding[0])
        among_them = gate_weights(parameters)["c"].W_h[np.ix_(units, units)]
        eigenvalue = np.linalg.eigvals(among_them).real.max()
        print(f"seed {seed}, {ids.shape[1]} poems: |h| grows at tokens 2 to 8 by", end=" ")
        print(
            *(f"{factor:.2f}" for factor in factors[:7]),
            f"and at 48 by {factors[-1]:.2f};",
            end=" ",
        )
        print(f"{holding.mean():.3f} of the units hold the state,", end=" ")
        print(
            f"{(is_open & holding).sum() / holding.sum():.3f} of these have all gates open;",
            end=" ",
        )
        print(f"largest eigenvalue of W_ch among them {eigenvalue:.2f};", end=" ")
        print(f"|h| after 48 tokens {np.median(norms[-1]):.1e}", flush=True)


class Adam64:
    """Adam with m and v in float64 and without clipping, to replace a trainer's optimizer."""

    def __init__(self, parameters: Iterator[torch.nn.Parameter]) -> None:
        self.param_groups: list[dict[str, Any]] = [{"params": list(parameters), "lr": 0.0}]
        self.m = [torch.zeros_like(p, dtype=torch.float64) for p in self.param_groups[0]["params"]]
        self.v = [torch.zeros_like(p, dtype=torch.float64) for p in self.param_groups[0]["params"]]
        self.steps = 0
        self.grad_scale = torch.ones(())

    def zero_grad(self) -> None:
        """Discard the gradients."""
        for p in self.param_groups[0]["params"]:
            p.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Update the parameters."""
        self.steps += 1
        for p, m, v in zip(self.param_groups[0]["params"], self.m, self.v, strict=True):
            g = p.grad.double() / self.grad_scale
            m.lerp_(g, 0.1)
            v.lerp_(g * g, 0.001)
            m_hat = m / (1 - 0.9**self.steps)
            v_hat = v / (1 - 0.999**self.steps)
            p -= (self.param_groups[0]["lr"] * m_hat / (v_hat.sqrt() + 1e-8)).float()


def overflow() -> None:
    """Part 4: print the first steps of ReLU with Adam at 0.02, in float32 and float64."""
    at = setup(12)
    for kind in ("float32", "float64"):
        made: Any = PlainTrainer(at, {"activation": "relu", "learning_rate": 0.02})
        if kind == "float64":
            made.optimizer = Adam64(made.model.parameters())
        for number in range(6):
            taken = made.step(number, 0.02)
            print(
                f"{kind} step {number + 1}: loss {taken.loss / taken.tokens:.3g}, norm {taken.norm:.3g}",
                end=" ",
            )
            if kind == "float32":  # the share of infinite entries of v
                infinite = []
                for name, p in made.model.named_parameters():
                    v = made.optimizer.state[p]["exp_avg_sq"]
                    infinite.append(f"{name} {float(v.isinf().float().mean()):.3f}")
                print(" ".join(infinite), end="")
            print()


def plateau() -> None:
    """Part 6: print a step's size with two softmaxes, and the marks predicted."""
    for seed, steps, forget_at in ((11, 16, 0), (13, 48, 0), (11, 44, 16)):
        made = SoftmaxTwice(setup(seed), {"learning_rate": 0.01, "precision": "float32"})
        batch = pack(made.dev_sequences[:32])
        inputs = torch.from_numpy(batch.inputs)
        targets = torch.from_numpy(batch.targets)
        sizes = torch.from_numpy(batch.sizes)
        marks = targets.bincount().topk(2).indices
        parameters = list(made.model.parameters())
        for number in range(1, steps + 1):
            # 1) A step; after step `forget_at` the optimizer forgets its moments.
            taken = made.step(number - 1, 0.01)
            age = number - forget_at if number > forget_at else number
            if number == forget_at:
                made.optimizer.state.clear()
            if forget_at and number == forget_at + 1:
                gradients = [p.grad for p in parameters if p.grad is not None]
                print_first_step(torch.cat([gradient.flatten() for gradient in gradients]))
            if number % 4 or number == forget_at:
                continue
            # 2) The root mean squares of the step, and of the present gradient's part of it.
            entries = 0
            squares = 0.0
            present_squares = 0.0
            for p in parameters:
                assert p.grad is not None
                state = made.optimizer.state[p]
                root = (state["exp_avg_sq"] / (1 - 0.999**age)).sqrt() + EPSILON
                step = state["exp_avg"] / (1 - 0.9**age) / root
                present_part = 0.1 * p.grad / (1 - 0.9**age) / root
                entries += p.numel()
                squares += float(step.square().sum())
                present_squares += float(present_part.square().sum())
            moved = (squares / entries) ** 0.5
            present = (present_squares / entries) ** 0.5
            # 3) The share of each mark's places at which it is the likeliest token.
            with torch.no_grad():
                best = made.model.output(made.model(inputs, sizes)).argmax(dim=1)
            found = [float((best[targets == mark] == mark).float().mean()) for mark in marks]
            loss = taken.loss / taken.tokens
            print(f"seed {seed}, step {number}: loss {loss:.4f}, norm {taken.norm:.2g}, ", end="")
            print(f"step over rate {moved:.3f}, present gradient's part {present:.4f}, ", end="")
            print(f"marks found {found[0]:.2f} {found[1]:.2f}", flush=True)


def print_first_step(gradient: torch.Tensor) -> None:
    """Print the size of Adam's first step from a gradient, with its ε and without, and the entries that ε exceeds."""
    size = gradient.abs().double()
    with_epsilon = (size / (size + EPSILON)).square().mean().sqrt()
    without = (size > 0).double().mean().sqrt()
    print(
        f"first step over rate {with_epsilon:.3f}, without ε {without:.3f};",
        f"entries below ε {float((size < EPSILON).double().mean()):.3f}, zero {float((size == 0).double().mean()):.3f}",
    )


def places() -> None:
    """Part 6: print at which places each mark is the likeliest token, with Adam at 0.001."""
    made = SoftmaxTwice(setup(12), {"learning_rate": 0.001, "precision": "float32"})
    for number in range(96):
        made.step(number, 0.001)
    batch = pack(made.dev_sequences)
    inputs = torch.from_numpy(batch.inputs)
    targets = torch.from_numpy(batch.targets)
    sizes = torch.from_numpy(batch.sizes)
    with torch.no_grad():
        best = made.model.output(made.model(inputs, sizes)).argmax(dim=1)
    place = torch.repeat_interleave(torch.arange(1, len(sizes) + 1), sizes)
    for mark in targets.bincount().topk(2).indices:
        chosen = best == mark
        right = chosen & (targets == mark)
        print(
            f"token {int(mark)}: likeliest at {float(chosen.float().mean()):.3f} of the places,",
            f"from {int(place[chosen].min())} to {int(place[chosen].max())};",
            f"{float(right.float().mean()):.4f} of the places are right,",
            f"{float(right.sum() / (targets == mark).sum()):.3f} of the mark's found",
        )


PROBES: tuple[Callable[[], None], ...] = (
    slopes,
    starts,
    dips,
    forget_biases,
    first_step,
    overflow,
    plateau,
    places,
)

if __name__ == "__main__":
    for probe in PROBES:
        if not sys.argv[1:] or probe.__name__ in sys.argv[1:]:
            probe()
