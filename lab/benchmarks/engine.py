"""Measure how fast the engine trains, beside PyTorch's modules.

    python -m lab.benchmarks.engine [--threads 2]

The layer alone, the head alone and the whole step are timed on real batches of the report's draw.
They take turns with each other and with a large product in float32 and bfloat16, which is the
limit, so that all meet the same conditions. Peak memory and the growth of cost with each size are
measured too. Nothing is reported unless the loss curves agree. Writes
lab/benchmarks/results/engine.json, the picture engine.svg and the figures `engine.*`.
"""

import argparse
import dataclasses
import json
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import torch

from lab.benchmarks import contenders, machine
from lab.benchmarks.contenders import NAMES
from lab.figures import record
from pingze.corpus import Store
from pingze.machine import VARIABLE, set_pools, threads
from pingze.network.batches import Ids, encode_sequence, epoch_order, pack
from pingze.network.configuration import ModelConfiguration
from pingze.network.vocabulary import BOS, Vocabulary

RESULTS = machine.ROOT / "lab" / "benchmarks" / "results" / "engine.json"
REPORT = ModelConfiguration()
BATCH = 32
LENGTH = 48
ROUNDS = 15
CURVE_STEPS = 100
CURVE_EVERY = 20
SIDE = 2048
"""The size of the square matrices whose product gives the machine's rate."""
LARGEST_DIFFERENCE = 0.02
"""The largest difference between the contenders' loss curves, in nats per token."""
GROWTH: dict[str, tuple[int, ...]] = {
    "batch": (8, 32, 128),
    "length": (12, 48, 192),
    "hidden_size": (128, 512, 1024),
    "vocabulary_size": (1000, 5851, 20000),
    "layers": (1, 2, 4),
}


class Field:
    """The processes of the contenders, which get requests in turn."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connections: dict[str, Connection] = {}
        for name in NAMES:
            ours, theirs = context.Pipe()
            context.Process(target=contenders.serve, args=(theirs, name), daemon=True).start()
            self.connections[name] = ours
        self.become(REPORT)

    def become(self, model: ModelConfiguration) -> None:
        """Have each contender build a new model of these sizes."""
        for name in NAMES:
            self.ask(name, "become", model)

    def ask(self, name: str, *question: Any) -> Any:
        """Send one contender a request, and return its answer."""
        self.connections[name].send(question)
        return self.connections[name].recv()

    def close(self) -> None:
        """End the processes."""
        for connection in self.connections.values():
            connection.send(None)


def report_batches() -> list[list[Ids]]:
    """Return the batches of the first epoch of the report's draw."""
    with Store.open() as store:
        texts = store.report_draw("train")
    vocabulary = Vocabulary.of_texts((text[:LENGTH] for text in texts), REPORT.vocabulary_size)
    sequences = [encode_sequence(text, vocabulary, LENGTH) for text in texts]
    order = epoch_order(len(sequences), 1, 0)
    ordered = [sequences[number] for number in order]
    return [ordered[start : start + BATCH] for start in range(0, len(ordered), BATCH)]


def curves(field: Field, data: list[list[Ids]]) -> dict[str, list[float]]:
    """Return each contender's mean loss over every `CURVE_EVERY` steps.

    Raise SystemExit if the losses differ.
    """
    found: dict[str, list[float]] = {}
    for name in NAMES:
        losses = [field.ask(name, "step", batch) for batch in data[:CURVE_STEPS]]
        found[name] = np.reshape(losses, (-1, CURVE_EVERY)).mean(axis=1).tolist()
    apart = float(np.ptp(list(found.values()), axis=0).max())
    if apart > LARGEST_DIFFERENCE:
        sys.exit(f"the contenders' losses are {apart:.4f} nats apart: no speed is reported")
    return found


def time_in_turn(field: Field, data: list[list[Ids]]) -> dict[str, Any]:
    """Measure the median seconds of each part and contender, and of a large product."""
    times: dict[str, dict[str, list[float]]] = {}
    for part in ("layer", "head", "step"):
        times[part] = {name: [] for name in NAMES}
    rates: dict[str, list[float]] = {"float32": [], "bf16": []}
    for batch in data[:ROUNDS]:
        for part, by_name in times.items():
            for name in NAMES:
                field.ask(name, "time", part, data[0])  # wakes its threads
                by_name[name].append(field.ask(name, "time", part, batch))
        for precision, dtype in (("float32", torch.float32), ("bf16", torch.bfloat16)):
            rates[precision].append(product_rate(dtype))
    medians = {}
    for part, by_name in times.items():
        medians[part] = {name: statistics.median(found) for name, found in by_name.items()}
    return {
        "seconds": medians,
        "product_flops": {p: statistics.median(r) for p, r in rates.items()},
    }


def product_rate(dtype: torch.dtype) -> float:
    """Measure the operations per second of a large matrix product."""
    a = torch.ones(SIDE, SIDE, dtype=dtype)
    b = torch.ones(SIDE, SIDE, dtype=dtype)
    a @ b
    started = time.perf_counter()
    for _ in range(3):
        a @ b
    return 3 * 2 * SIDE**3 / (time.perf_counter() - started)


def operations(data: Sequence[list[Ids]], model: ModelConfiguration) -> dict[str, float]:
    """Count the operations in each part's products, both ways, without padding."""
    tokens = statistics.mean(len(pack(batch).targets) for batch in data)
    E = model.embedding_size
    H = model.hidden_size
    V = model.vocabulary_size
    layer = 6 * tokens * 4 * H * (E + H)
    head = 6 * tokens * H * V
    return {"layer": layer, "head": head, "step": layer + head}


def growth(field: Field) -> list[dict[str, Any]]:
    """Measure the seconds of a step while one size grows and the others stay the report's."""
    rows = []
    for size, values in GROWTH.items():
        for value in values:
            # 1) The model and a batch of random texts, at this size.
            model = REPORT
            B = BATCH
            T = LENGTH
            if size == "batch":
                B = value
            elif size == "length":
                T = value
            else:
                model = dataclasses.replace(REPORT, **{size: value})  # type: ignore[arg-type]
            rng = np.random.default_rng(0)
            batch = [np.append(BOS, rng.integers(4, model.vocabulary_size, T)) for _ in range(B)]
            field.become(model)
            # 2) A first step, which is not timed, then a second, of each contender.
            times: dict[str, list[float]] = {}
            for name in NAMES:
                field.ask(name, "time", "step", batch)
                times[name] = [field.ask(name, "time", "step", batch)]
            # 3) Four more, in turn.
            for _ in range(4):
                for name in NAMES:
                    times[name].append(field.ask(name, "time", "step", batch))
            row: dict[str, Any] = {"size": size, "value": value}
            for name, found in times.items():
                row[name] = statistics.median(found)
            rows.append(row)
    return rows


def peaks(data: list[list[Ids]]) -> dict[str, int]:
    """Measure in fresh processes how many bytes a step on the longest batch adds."""
    field = Field()
    longest = max(data[:50], key=lambda batch: len(pack(batch).targets))
    found = {name: field.ask(name, "peak", longest) for name in NAMES}
    field.close()
    return found


def main() -> None:
    """Measure, print the tables, write the results, record the figures."""
    parser = argparse.ArgumentParser(description="Training's speed beside PyTorch's own parts.")
    parser.add_argument("--threads", type=int, default=threads(), help="threads of every contender")
    os.environ[VARIABLE] = str(parser.parse_args().threads)
    set_pools()
    data = report_batches()
    field = Field()
    result: dict[str, Any] = {
        "machine": machine.description("torch", "numba") | {"threads": threads()}
    }
    result["curves"] = curves(field, data)
    result |= time_in_turn(field, data)
    result["growth"] = growth(field)
    field.close()
    result["operations"] = operations(data[:ROUNDS], REPORT)
    result["peak_bytes"] = peaks(data)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print_tables(result)
    plot(result)
    record("python -m lab.benchmarks.engine", figures(result))


def figures(result: dict[str, Any]) -> dict[str, float]:
    """Return the figures that the issue asks for, by name."""
    step = result["seconds"]["step"]
    layer = result["seconds"]["layer"]
    peak = result["peak_bytes"]
    return {
        "engine.step.ratio_float32_user": step["float32 user"] / step["ours"],
        "engine.step.ratio_bf16_user": step["bf16 user"] / step["ours"],
        "engine.step.ratio_float32_both": step["float32 user"] / step["ours float32"],
        "engine.step.share_of_bf16_product": share(result, "step", "ours"),
        "engine.layer.ratio_float32_both": layer["float32 user"] / layer["ours float32"],
        "engine.step.peak_memory_share": peak["ours"] / peak["float32 user"],
    }


def share(result: dict[str, Any], part: str, name: str) -> float:
    """Return a contender's share of the rate of a large product, without padding."""
    precision = "float32" if "float32" in name else "bf16"
    return float(
        result["operations"][part]
        / result["seconds"][part][name]
        / result["product_flops"][precision]
    )


def print_tables(result: dict[str, Any]) -> None:
    """Print the three tables in Markdown."""
    rates = result["product_flops"]
    print(
        f"large product: float32 {rates['float32'] / 1e9:.0f}, bf16 {rates['bf16'] / 1e9:.0f} GFLOP/s\n"
    )
    print(
        "| ms (share of the product's rate) | layer | head | whole step | peak MB |\n|---|---|---|---|---|"
    )
    for name in NAMES:
        cells = [
            f"{1e3 * result['seconds'][part][name]:.1f} ({share(result, part, name):.0%})"
            for part in ("layer", "head", "step")
        ]
        print(f"| {name} | {' | '.join(cells)} | {result['peak_bytes'][name] / 1e6:.0f} |")
    print(f"\n| ms a step at | {' | '.join(NAMES)} |\n|{'---|' * (len(NAMES) + 1)}")
    for row in result["growth"]:
        milliseconds = [f"{1e3 * row[name]:.0f}" for name in NAMES]
        print(f"| {row['size']} {row['value']} | {' | '.join(milliseconds)} |")
    print(f"\n| steps | {' | '.join(NAMES)} |\n|{'---|' * (len(NAMES) + 1)}")
    for number in range(CURVE_STEPS // CURVE_EVERY):
        losses = [f"{result['curves'][name][number]:.4f}" for name in NAMES]
        print(f"| to {(number + 1) * CURVE_EVERY} | {' | '.join(losses)} |")


def plot(result: dict[str, Any]) -> None:
    """Draw the milliseconds of a whole step as bars, with the limit as a line."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 2.4), layout="constrained")
    names = list(reversed(NAMES))
    times = [1e3 * result["seconds"]["step"][name] for name in names]
    colours = ["#b33a2b" if name.startswith("ours") else "#8a8f98" for name in names]
    bars = axes.barh(names, times, color=colours)
    axes.bar_label(bars, fmt="%.0f", padding=3)
    limit = 1e3 * result["operations"]["step"] / result["product_flops"]["bf16"]
    axes.axvline(
        limit, color="#44484f", linestyle=":", label=f"the products alone in bf16: {limit:.0f} ms"
    )
    axes.legend(frameon=False, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("ms a training step, median (the report's model, real batches)")
    figure.savefig(RESULTS.with_suffix(".svg"), metadata={"Date": None})


if __name__ == "__main__":
    main()
