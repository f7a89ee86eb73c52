"""Make the small measurements of docs/training-explained.md that need no rerun.

Run: python -m lab.experiments.training_probes [NAME ...]

`starts`, `overflow` and `plateau` use the report's network and draw; `plateau` takes minutes. The
LOG's entry is written by hand from what is printed.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from lab.report.course import PlainTrainer, diagnose
from lab.report.experiment import Setup
from lab.report.softmax import SoftmaxTwice
from pingze.arrays import Array
from pingze.corpus import Store
from pingze.derivation.differentiation import VERSE, trained_layer
from pingze.lstm.formulas import StepCache
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
        rng = np.random.default_rng(0)
        W, h, states = recurrent(name, rng), rng.standard_normal(512), []
        for _ in range(48):
            h = np.tanh(W @ h)
            states.append(h)
        dh, factors = rng.standard_normal(512), []
        for h in states[::-1]:
            back = W.T @ ((1 - h * h) * dh)
            factors.append(np.linalg.norm(back) / np.linalg.norm(dh))
            dh = back / np.linalg.norm(back)
        late = np.array(states[8:])
        print(
            f"{name}: factor {np.exp(np.log(factors).mean()):.2f}, root mean square slope "
            f"{((1 - late**2) ** 2).mean() ** 0.5:.3f}, |h| above 0.95: {(abs(late) > 0.95).mean():.0%}"
        )


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
            print(initialization, "forget bias", bias, *(f"{each:.2g}" for each in sorted(arrived)))


def gate_slopes(cache: StepCache) -> Array:
    """Return the slopes of i, f, c̃ and o at a step, (4, 1, H)."""
    g = cache.gates
    return np.array([g.i * (1 - g.i), g.f * (1 - g.f), 1 - g.c_tilde**2, g.o * (1 - g.o)])


def dips() -> None:
    """Part 3: print the gain's dips at some gate slopes, and what passes marks in the cell."""
    caches = trained_layer("report", 48)
    marks = [step for step in range(1, 48) if VERSE[step - 1] in "，。"]
    fourth = [mark - 4 for mark in marks[1:]]
    mean = {
        name: np.mean([gate_slopes(caches[step]) for step in steps], axis=0)
        for name, steps in (
            ("mark", marks),
            ("character", [s for s in range(9, 48) if s not in marks]),
        )
    }

    def back(dh: Array, dc: Array, step: int, slope: Array) -> tuple[Array, Array]:
        # Turn ∂h_t/∂(h, c) of a step into that of the step before.
        cache = caches[step]
        dc = dc + dh * cache.gates.o * (1 - cache.phi_c**2)
        into = np.hstack(
            [dc * cache.gates.c_tilde, dc * cache.c_prev, dc * cache.gates.i, dh * cache.phi_c]
        )
        return (into * np.hstack([*slope])) @ cache.parameters.weight_hh, dc * cache.gates.f

    def gains(changed: list[int], slope: Array | None) -> tuple[list[float], list[float]]:
        dh, dc, found, in_cell = np.eye(512), np.zeros((512, 512)), [1.0], []
        for step in range(47, -1, -1):
            own = slope if slope is not None and step in changed else gate_slopes(caches[step])
            in_cell.append(float(np.linalg.norm(back(0 * dh, dc, step, own)[0]) / 512**0.5))
            dh, dc = back(dh, dc, step, own)
            found.append(float(np.linalg.norm(dh) / 512**0.5))
        return found, in_cell

    def dip(gain: list[float], steps: list[int]) -> Iterator[str]:
        for d in sorted(48 - step for step in steps):
            yield f"{gain[d] / (gain[d - 1] * gain[d + 1]) ** 0.5:.2f}"

    gain, in_cell = gains([], None)
    print("gain over its neighbours' geometric mean: at marks", *dip(gain, marks))
    print("at marks with a character's slopes", *dip(gains(marks, mean["character"])[0], marks))
    print("at fourth characters", *dip(gain, fourth))
    print("at fourth characters with a mark's slopes", *dip(gains(fourth, mean["mark"])[0], fourth))
    shares = (in_cell[48 - step] / gain[49 - step] for step in marks[::-1])
    print(
        "one step further back, in the cell past the mark alone:",
        *(f"{share:.2f}" for share in shares),
    )


class Adam64:
    """Adam with m and v in float64 and without clipping, to replace a trainer's optimizer."""

    def __init__(self, parameters: Iterator[torch.nn.Parameter]) -> None:
        self.param_groups: list[dict[str, Any]] = [{"params": [*parameters], "lr": 0.0}]
        self.kept = [
            torch.zeros(2, *p.shape, dtype=torch.float64) for p in self.param_groups[0]["params"]
        ]
        self.steps, self.grad_scale = 0, torch.ones(())

    def zero_grad(self) -> None:
        """Discard the gradients."""
        for p in self.param_groups[0]["params"]:
            p.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Update the parameters."""
        self.steps += 1
        for p, (m, v) in zip(self.param_groups[0]["params"], self.kept, strict=True):
            g = p.grad.double() / self.grad_scale
            m.lerp_(g, 0.1)
            v.lerp_(g * g, 0.001)
            m_hat, v_hat = m / (1 - 0.9**self.steps), v / (1 - 0.999**self.steps)
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
            if kind == "float32":
                state = made.optimizer.state
                v = {name: state[p]["exp_avg_sq"] for name, p in made.model.named_parameters()}
                print(
                    *(
                        f"{name} {float(each.isinf().float().mean()):.3f}"
                        for name, each in v.items()
                    ),
                    end="",
                )
            print()


def plateau() -> None:
    """Part 6: print a step's size with two softmaxes, and the marks predicted."""
    for seed, steps, forget_at in ((11, 16, 0), (13, 48, 0), (11, 44, 16)):
        made = SoftmaxTwice(setup(seed), {"learning_rate": 0.01, "precision": "float32"})
        inputs, targets, sizes = map(torch.from_numpy, pack(made.dev_sequences[:32]))
        marks, parameters = targets.bincount().topk(2).indices, [*made.model.parameters()]
        for number in range(1, steps + 1):
            taken = made.step(number - 1, 0.01)
            age = number - forget_at if number > forget_at else number
            if number == forget_at:
                made.optimizer.state.clear()
            if forget_at and number == forget_at + 1:
                gradients = [p.grad for p in parameters if p.grad is not None]
                print_first_step(torch.cat([gradient.flatten() for gradient in gradients]))
            if number % 4 or number == forget_at:
                continue
            squares = np.zeros(3)
            for p in parameters:
                m, v = (made.optimizer.state[p][name] for name in ("exp_avg", "exp_avg_sq"))
                root, grad = (v / (1 - 0.999**age)).sqrt() + 1e-8, p.grad
                assert grad is not None
                step, added = (each / (1 - 0.9**age) / root for each in (m, 0.1 * grad))
                squares += [p.numel(), float(step.square().sum()), float(added.square().sum())]
            with torch.no_grad():
                best = made.model.output(made.model(inputs, sizes)).argmax(dim=1)
            found = [float((best[targets == mark] == mark).float().mean()) for mark in marks]
            moved, present = (squares[1:] / squares[0]) ** 0.5
            loss = taken.loss / taken.tokens
            print(
                f"seed {seed}, step {number}: loss {loss:.4f}, norm {taken.norm:.2g}, step over rate {moved:.3f},",
                end=" ",
            )
            print(
                f"present gradient's part {present:.4f}, marks found {found[0]:.2f} {found[1]:.2f}",
                flush=True,
            )


def print_first_step(gradient: torch.Tensor) -> None:
    """Print the size of Adam's first step from a gradient, with its ε and without, and the entries that ε exceeds."""
    size = gradient.abs().double()
    with_epsilon = (size / (size + EPSILON)).square().mean().sqrt()
    without = (size > 0).double().mean().sqrt()
    print(
        f"first step over rate {with_epsilon:.3f}, without ε {without:.3f};",
        f"entries below ε {float((size < EPSILON).double().mean()):.3f}, zero {float((size == 0).double().mean()):.3f}",
    )


PROBES: tuple[Callable[[], None], ...] = (slopes, starts, dips, overflow, plateau)

if __name__ == "__main__":
    for probe in PROBES:
        if not sys.argv[1:] or probe.__name__ in sys.argv[1:]:
            probe()
