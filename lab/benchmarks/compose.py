"""Measure how fast poems are composed, beside ONNX Runtime and torch.

    python -m lab.benchmarks.compose [--threads 1]

No speed is reported if the engines disagree. Three things are timed. First, one step of a character
(id in, state and logits out), alone and in batches of 32 and 64: our engine, its peers and a large
float32 matrix product take turns, so that all meet the same conditions. Second, poems with 8 and 32
particles and at the defaults, one by one on a warm process and in bulk. Third, the command in a
fresh process. Poems are also timed in processor time, which other work on the machine disturbs
less. Writes lab/benchmarks/results/compose.json and the figures `compose.*` of speed.

The measurements run in a separate process, because NumPy fixes its number of threads when it is
imported.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from jaxtyping import Float, Int64
from onnx import TensorProto, helper, numpy_helper

from lab.benchmarks import machine
from lab.figures import record
from pingze import compose
from pingze.arrays import Array
from pingze.composing.options import Composing
from pingze.machine import VARIABLE, threads
from pingze.network import checkpoint
from pingze.network.reference import ReferenceNetwork
from pingze.network.step_graph import GraphNetwork, onnxruntime, softmax

RESULTS = machine.ROOT / "lab" / "benchmarks" / "results" / "compose.json"
BATCHES = (1, 32, 64)
TOKENS = 32
"""The number of characters and marks in a 七絕."""
SECONDS = 4.0
"""How many seconds each batch size is measured."""
SIDE = 2048
"""The size of the square matrices whose product gives the machine's rate."""
LARGEST_DIFFERENCE = {"pingze": 0.2, "onnxruntime int8": 0.5}
"""The largest RMS difference in ln p from float32 that rounding to 8 bits may cause."""
FLOAT32_DIFFERENCE = 1e-4
ASKED: dict[str, dict[str, Any]] = {"8": {"particles": 8}, "32": {"particles": 32}, "default": {}}
"""The options with which poems are composed, by the suffix of their figures."""

Step = Callable[[Int64[Array, "B"]], Float[Array, "B V"]]
"""A function from ids to logits that keeps the state in itself."""
Shape = list[int | str | None]
"""The shape of a tensor in a graph, with a name for a free dimension."""


# -- the engines ------------------------------------------------------------------------------------------------


def our_step(loaded: checkpoint.Checkpoint, batch: int, *, reference: bool = False) -> Step:
    """Return a step of the engine that composes.

    In addition to the logits it sums their exponentials.
    """
    network = ReferenceNetwork(loaded) if reference else GraphNetwork(loaded.rounded())
    begun = network.start(batch)
    # the peers start from zeros
    state = replace(begun, layers=tuple(np.zeros_like(part) for part in begun.layers))

    def step(ids: Array) -> Array:
        nonlocal state
        state = network.step(state, ids)
        return state.logits

    return step


def torch_step(loaded: checkpoint.Checkpoint, batch: int) -> Step:
    """Return a step of torch's LSTM cell in eager mode."""
    w = {name: torch.from_numpy(tensor.copy()) for name, tensor in loaded.tensors.items()}
    no_bias = torch.zeros_like(w["lstm.0.bias"])
    h = c = torch.zeros(batch, loaded.configuration.hidden_size)

    @torch.inference_mode()
    def step(ids: Array) -> Array:
        nonlocal h, c
        x = torch.nn.functional.embedding(torch.from_numpy(ids), w["embedding.weight"])
        h, c = torch.lstm_cell(
            x, (h, c), w["lstm.0.weight_ih"], w["lstm.0.weight_hh"], w["lstm.0.bias"], no_bias
        )
        logits: Array = torch.nn.functional.linear(h, w["output.weight"], w["output.bias"]).numpy()
        return logits

    return step


def onnx_step(path: Path, hidden: int, batch: int, threads: int) -> Step:
    """Return a step that ONNX Runtime runs from a graph."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    h = c = np.zeros((1, batch, hidden), np.float32)

    def step(ids: Array) -> Array:
        nonlocal h, c
        logits, h, c = session.run(None, {"ids": ids[None], "h": h, "c": c})
        found: Array = logits[0]
        return found

    return step


def write_graph(loaded: checkpoint.Checkpoint, path: Path) -> None:
    """Write one step as an ONNX graph, from ids, h and c to logits, h and c.

    The bias is that of a text without conditions.
    """
    t = loaded.tensors
    H = loaded.configuration.hidden_size
    V = loaded.configuration.vocabulary_size
    # 1) The weights, as ONNX names and orders them.
    weights = {
        "embedding": t["embedding.weight"],
        "W": _onnx_gates(t["lstm.0.weight_ih"])[None],
        "R": _onnx_gates(t["lstm.0.weight_hh"])[None],
        "B": np.concatenate([_onnx_gates(t["lstm.0.bias"]), np.zeros(4 * H, np.float32)])[None],
        "output_bias": t["output.bias"],
    }
    if loaded.configuration.tied:
        weights["output"] = t["embedding.weight"].T
        weights["projection"] = t["projection.weight"].T
    else:
        weights["output"] = t["output.weight"].T
    initializers = [numpy_helper.from_array(np.array([1]), "direction")]
    for name, weight in weights.items():
        initializers.append(numpy_helper.from_array(np.ascontiguousarray(weight), name))
    # 2) The nodes.
    nodes = [
        helper.make_node("Gather", ["embedding", "ids"], ["x"]),
        helper.make_node(
            "LSTM", ["x", "W", "R", "B", "", "h", "c"], ["hs", "h1", "c1"], hidden_size=H
        ),
        helper.make_node("Squeeze", ["hs", "direction"], ["top"]),
    ]
    hidden = "top"
    if loaded.configuration.tied:
        nodes.append(helper.make_node("MatMul", ["top", "projection"], ["projected"]))
        hidden = "projected"
    nodes.append(helper.make_node("MatMul", [hidden, "output"], ["product"]))
    nodes.append(helper.make_node("Add", ["product", "output_bias"], ["logits"]))
    # 3) The graph.
    state: Shape = [1, "N", H]
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "N"])
    graph = helper.make_graph(
        nodes=nodes,
        name="step",
        inputs=[ids, _float("h", state), _float("c", state)],
        outputs=[_float("logits", [1, "N", V]), _float("h1", state), _float("c1", state)],
        initializer=initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def _float(name: str, shape: Shape) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _onnx_gates(stacked: Array) -> Array:
    """Reorder stacked gates from ours, i, f, c̃, o, to ONNX's, i, o, f, c̃."""
    i, f, c_tilde, o = np.split(stacked, 4)
    return np.concatenate([i, o, f, c_tilde])


def engines(
    loaded: checkpoint.Checkpoint, folder: Path, batch: int, threads: int
) -> dict[str, Callable[[], Step]]:
    """Return, by each engine's name, a function that makes its step with a fresh state."""
    H = loaded.configuration.hidden_size
    whole = folder / "step.onnx"
    small = folder / "int8.onnx"
    if not small.exists():
        write_graph(loaded, whole)
        quantization = import_module("onnxruntime.quantization")
        quantization.quantize_dynamic(whole, small, weight_type=quantization.QuantType.QInt8)
    return {
        "pingze": lambda: our_step(loaded, batch),
        "pingze float32": lambda: our_step(loaded, batch, reference=True),
        "torch": lambda: torch_step(loaded, batch),
        "onnxruntime": lambda: onnx_step(whole, H, batch, threads),
        "onnxruntime int8": lambda: onnx_step(small, H, batch, threads),
    }


# -- correctness and speed --------------------------------------------------------------------------------------


def differences(made: Mapping[str, Callable[[], Step]], batch: int, size: int) -> dict[str, float]:
    """Return each engine's RMS difference in ln p from float32, over thirty steps."""
    rng = np.random.default_rng(0)
    texts = rng.integers(0, size, (30, batch))
    scores = {}
    for name, make in made.items():
        step = make()
        scores[name] = np.stack([_log_p(step(ids)) for ids in texts])
    ours = scores.pop("pingze float32")
    return {name: float(np.sqrt(np.mean((score - ours) ** 2))) for name, score in scores.items()}


def _log_p(logits: Float[Array, "B V"]) -> Float[Array, "B V"]:
    log_p: Array = logits - softmax(logits)[1][:, None]
    return log_p


def check_agreement(found: Mapping[str, float]) -> None:
    """Exit with a message if an engine's results differ too much from those of ours in float32."""
    for name, difference in found.items():
        if not difference <= LARGEST_DIFFERENCE.get(name, FLOAT32_DIFFERENCE):
            sys.exit(
                f"{name} differs from ours in float32 by {difference:.3g} in ln p: no speed is reported"
            )


def time_in_turn(tasks: Mapping[str, Callable[[], object]], seconds: float) -> dict[str, float]:
    """Run the tasks in turn, in short bursts, and return the median seconds of each."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for task in tasks.values():
        task()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or min(len(found) for found in times.values()) < 3:
        for name, task in tasks.items():
            start = time.perf_counter()
            burst_end = start + 0.03
            while start < burst_end:
                task()
                times[name].append(time.perf_counter() - start)
                start = time.perf_counter()
    return {name: statistics.median(found) for name, found in times.items()}


def measure_steps(loaded: checkpoint.Checkpoint, threads: int) -> dict[str, Any]:
    """Measure a step's time by engine and batch size, and the machine's rate then."""
    matrix = np.random.default_rng(0).standard_normal((SIDE, SIDE), dtype=np.float32)
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for batch in BATCHES:
            made = engines(loaded, Path(folder), batch, threads)
            found = differences(made, batch, loaded.configuration.vocabulary_size)
            check_agreement(found)
            # characters as frequent as in verse
            text = str(compose(form="七律", model=loaded.name, seed=1)[0])
            ids = np.resize(loaded.vocabulary.encode(text.replace("\n", "")), batch)
            tasks = {name: _bound(make(), ids) for name, make in made.items()}
            seconds = time_in_turn(tasks | {"product": lambda: matrix @ matrix}, SECONDS)
            rate = 2 * SIDE**3 / seconds.pop("product")
            ours = seconds["pingze"]
            peers = {name: s for name, s in seconds.items() if "pingze" not in name}
            float32_peers = [s for name, s in peers.items() if "int8" not in name]
            result[str(batch)] = {
                "microseconds": {name: round(s * 1e6, 1) for name, s in seconds.items()},
                "difference": found,
                "ratio_best_peer": min(peers.values()) / ours,
                "ratio_best_float32_peer": min(float32_peers) / ours,
                "product_gflops": rate / 1e9,
                "share_of_product": _operations(loaded) * batch / ours / rate,
            }
    return result


def _bound(step: Step, ids: Array) -> Callable[[], object]:
    return lambda: step(ids)


def _operations(loaded: checkpoint.Checkpoint) -> int:
    """Count the operations of one character's products.

    The input's is left out, since particles share it.
    """
    size = loaded.configuration
    H = size.hidden_size
    output = H * size.vocabulary_size
    if size.tied:
        output = size.embedding_size * (H + size.vocabulary_size)
    return 2 * (4 * H * H * (2 * size.layers - 1) + output)


def measure_poems() -> dict[str, float]:
    """Measure the milliseconds of a 七絕 in a warm process, and the poems per second in bulk.

    Each comes with its share of the machine's rate in a float32 product, a rate that 8-bit products
    can exceed.
    """
    compose(form="七絕", seed=0)
    matrix = np.random.default_rng(0).standard_normal((SIDE, SIDE), dtype=np.float32)
    result = {}
    operations = TOKENS * _operations(checkpoint.load(checkpoint.DEFAULT))
    for name, asked in ASKED.items():
        # 1) One by one, in turn with a large product.
        texts = asked.get("particles", Composing.particles)
        seeds = iter(range(10_000))
        tasks = {"poem": lambda a=asked, s=seeds: compose(form="七絕", seed=next(s), **a)}
        seconds = time_in_turn(tasks | {"product": lambda: matrix @ matrix}, 4)
        rate = 2 * SIDE**3 / seconds["product"]
        result[f"warm_ms_{name}"] = seconds["poem"] * 1000
        result[f"warm_processor_ms_{name}"] = 1000 * statistics.median(
            processor_seconds(tasks["poem"]) for _ in range(9)
        )
        result[f"warm_share_of_product_{name}"] = texts * operations / seconds["poem"] / rate
        # 2) In bulk.
        count = 1280 // texts
        start = time.perf_counter()
        compose(form="七絕", seed=0, count=count, **asked)
        each = (time.perf_counter() - start) / count
        result[f"bulk_per_second_{name}"] = 1 / each
        result[f"bulk_share_of_product_{name}"] = texts * operations / each / rate
    result["warm_ratio_to_peer_default"] = _ratio_to_peer()
    return result


def _ratio_to_peer() -> float:
    """Measure a default poem's processor time over that of ONNX Runtime's 8-bit graph.

    The peer steps 64 texts at a time. Poems and steps take turns.
    """
    loaded = checkpoint.load(checkpoint.DEFAULT)
    with tempfile.TemporaryDirectory() as folder:
        step = engines(loaded, Path(folder), 64, 1)["onnxruntime int8"]()
    ids = np.arange(64) + len(loaded.vocabulary) // 2

    def steps_of_a_poem() -> None:
        for _ in range(Composing.particles * TOKENS // 64):
            step(ids)

    ours = []
    theirs = []
    for seed in range(15):
        ours.append(processor_seconds(partial(compose, form="七絕", seed=seed)))
        theirs.append(processor_seconds(steps_of_a_poem))
    return statistics.median(ours) / statistics.median(theirs)


def processor_seconds(task: Callable[[], object]) -> float:
    """Measure how much of this process's processor time a task takes."""
    start = time.process_time()
    task()
    return time.process_time() - start


def cold_seconds(runs: int = 9) -> float:
    """Measure the median wall time of the command in a fresh process."""
    command = [sys.executable, "-m", "pingze", "compose", "--form", "七絕"]
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


# -- running ----------------------------------------------------------------------------------------------------


def worker(threads: int) -> None:
    """Measure in this process, and print the results as JSON."""
    result = {"steps": measure_steps(checkpoint.load("report"), threads), "poems": measure_poems()}
    print(json.dumps(result))


def main() -> None:
    """Measure in a fresh process, write the results, record the figures."""
    parser = argparse.ArgumentParser(description="Composing's speed beside its peers'.")
    parser.add_argument("--threads", type=int, default=threads(), help="threads of every engine")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(arguments.threads)
        return
    where = machine.description("onnxruntime", "onnx", "torch") | {"threads": arguments.threads}
    environment = os.environ | {VARIABLE: str(arguments.threads)}
    command = [sys.executable, "-m", "lab.benchmarks.compose", "--worker"]
    command += ["--threads", str(arguments.threads)]
    done = subprocess.run(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.returncode)
    result = json.loads(done.stdout) | {"cold_seconds": cold_seconds(), "machine": where}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1, ensure_ascii=False))
    record("python -m lab.benchmarks.compose", figures(result))


def figures(result: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures that the issues ask for, by name."""
    values = {f"compose.{name}": value for name, value in result["poems"].items()}
    values["compose.cold_seconds"] = result["cold_seconds"]
    for batch, found in result["steps"].items():
        for name in ("ratio_best_peer", "ratio_best_float32_peer"):
            values[f"compose.step.{name}_{batch}"] = found[name]
    return values


if __name__ == "__main__":
    main()
