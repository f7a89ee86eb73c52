"""Measure how the cost of training grows with width, vocabulary, corpus and processes.

    PINGZE_THREADS=1 python -m lab.benchmarks.cost

Times are processor times of one thread, so that other work on the machine does not count; memory is
what the kernel reports. The steps are those of lab/benchmarks/engine.py (`contenders.Fed`), on random
texts of 48 tokens. Writes lab/benchmarks/results/cost.json and docs/training-cost.svg, and prints the
tables of docs/training.md.
"""

import dataclasses
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lab.benchmarks import contenders, machine
from pingze.corpus import CorpusPoem
from pingze.network.batches import Ids
from pingze.network.configuration import ModelConfiguration
from pingze.network.vocabulary import BOS, Vocabulary
from pingze.training.texts import examples

RESULTS = machine.ROOT / "lab" / "benchmarks" / "results" / "cost.json"
PICTURE = machine.ROOT / "docs" / "training-cost.svg"
BATCH = 32
LENGTH = 48
REPORT = ModelConfiguration()
GRID: dict[str, tuple[int, ...]] = {
    "hidden_size": (256, 512, 1024),
    "vocabulary_size": (2000, 5851, 20000),
}
CORPORA = (1000, 4000, 16000)
PROCESSES = (1, 2)
MANY = 850_000
"""The number of poems in the largest collection that a person may train on."""
EPOCHS = 10


def batch_of(model: ModelConfiguration) -> list[Ids]:
    """Make a batch of random texts."""
    rng = np.random.default_rng(0)
    return [np.append(BOS, rng.integers(4, model.vocabulary_size, LENGTH)) for _ in range(BATCH)]


def seconds_a_step(trainer: contenders.Fed, batch: Sequence[Ids]) -> float:
    """Measure the processor seconds of a step: the median of three, after a first one."""
    trainer.step_on(batch)
    return statistics.median(_seconds(lambda: trainer.step_on(batch)) for _ in range(3))


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def sizes() -> list[dict[str, Any]]:
    """Measure a row for each size, in a fresh process each, which has no freed memory."""
    rows = []
    for name, values in GRID.items():
        rows += [asked("--size", name, str(value)) for value in values]
    return rows


def asked(*arguments: str) -> dict[str, Any]:
    """Run this file with some arguments in a new process, and return the row that it prints."""
    command = [sys.executable, "-m", "lab.benchmarks.cost"]
    command += arguments
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, encoding="utf-8", cwd=machine.ROOT
    )
    print(done.stdout, end="", file=sys.stderr, flush=True)
    row: dict[str, Any] = json.loads(done.stdout)
    return row


def of_size(name: str, value: int) -> dict[str, Any]:
    """Measure a step's seconds, the bytes that stay and are added, and the peak."""
    model = dataclasses.replace(REPORT, **{name: value})  # type: ignore[arg-type]
    trainer = contenders.Fed(model, "bf16")
    batch = batch_of(model)
    parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
    # measured first, while the process has freed no memory
    rises = contenders.peak_bytes(_part(trainer), batch)
    return {
        "size": name,
        "value": value,
        "parameters": parameters,
        "seconds": seconds_a_step(trainer, batch),
        "stays": 16 * parameters,  # weight, gradient and Adam's two moments
        "rises": rises,
        "whole": _most(),
    }


def _most() -> int:
    """Return the peak resident memory of this process in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _part(trainer: contenders.Fed) -> contenders.Part:
    def nothing(_: Sequence[Ids]) -> None:
        pass

    return contenders.Part(step=trainer.step_on, layer=nothing, head=nothing)


def corpora() -> list[dict[str, Any]]:
    """Measure a row for each number of poems."""
    return [asked("--corpus", str(count)) for count in CORPORA]


def of_corpus(count: int) -> dict[str, Any]:
    """Measure the seconds of encoding `count` poems, and the bytes that they take."""
    rng = np.random.default_rng(0)
    characters = [chr(0x4E00 + k) for k in range(5000)]
    vocabulary = Vocabulary.of_texts(["".join(characters) + "，。"], 6000, ["<七絕>"])
    poems = []
    for _ in range(count):
        lines = ["".join(rng.choice(characters, 5)) for _ in range(8)]
        text = "，".join(lines) + "，"
        poems.append(CorpusPoem(dynasty="tang", title="題", author="某", text=text))
    # loads the tables of prosody, which are not to be counted
    examples(poems[:10], vocabulary, LENGTH)
    before = _resident()
    started = time.process_time()
    made = examples(poems, vocabulary, LENGTH)
    return {
        "poems": len(made),
        "seconds": time.process_time() - started,
        "bytes": _resident() - before,
    }


def _resident() -> int:
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))


def processes() -> list[dict[str, Any]]:
    """Measure a step's seconds and largest memory by number of processes."""
    rows = []
    for count in PROCESSES:
        command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(count)]
        command += ["-m", "lab.benchmarks.cost", "--one-of-several"]
        done = subprocess.run(
            command, check=True, capture_output=True, encoding="utf-8", cwd=machine.ROOT
        )
        found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        row = {
            "processes": count,
            "seconds": sum(each["seconds"] for each in found),
            "bytes": max(each["bytes"] for each in found),
        }
        print(row, file=sys.stderr, flush=True)
        rows.append(row)
    return rows


def one_of_several() -> None:
    """Take steps with the other processes of a torchrun, and print seconds and bytes."""
    trainer = contenders.Fed(REPORT, "bf16")
    seconds = seconds_a_step(trainer, batch_of(REPORT))
    print(json.dumps({"seconds": seconds, "bytes": _most()}) + "\n", end="", flush=True)


def main() -> None:
    """Measure everything, or the one row that another process running this file asks for."""
    match sys.argv[1:]:
        case ["--one-of-several"]:
            one_of_several()
        case ["--size", name, value]:
            print(json.dumps(of_size(name, int(value))))
        case ["--corpus", count]:
            print(json.dumps(of_corpus(int(count))))
        case _:
            measure()


def measure() -> None:
    """Measure everything, write the results, print the tables and draw the plot."""
    result: dict[str, Any] = {"machine": machine.description("torch", "numba") | {"threads": 1}}
    result |= {"sizes": sizes(), "corpora": corpora(), "processes": processes()}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print_tables(result)
    plot(result)


def print_tables(result: dict[str, Any]) -> None:
    """Print the results as Markdown tables."""
    print(
        "| | | ms a step | MB that stay | MB that a step adds | MB in all |\n|---|---|---|---|---|---|"
    )
    for row in result["sizes"]:
        name = row["size"].replace("_size", "")
        megabytes = " | ".join(f"{row[key] / 1e6:.0f}" for key in ("stays", "rises", "whole"))
        print(f"| {name} | {row['value']:,} | {1e3 * row['seconds']:.0f} | {megabytes} |")
    print("\n| poems | s to read | MB |\n|---|---|---|")
    for row in result["corpora"]:
        print(f"| {row['poems']:,} | {row['seconds']:.1f} | {row['bytes'] / 1e6:.0f} |")
    print("\n| processes | ms a step, of all together | MB of each |\n|---|---|---|")
    for row in result["processes"]:
        print(f"| {row['processes']} | {1e3 * row['seconds']:.0f} | {row['bytes'] / 1e6:.0f} |")
    print("\n" + _many(result))


def _many(result: dict[str, Any]) -> str:
    """Estimate the cost of `MANY` poems, from the largest corpus and each width's step."""
    largest = result["corpora"][-1]
    times = MANY / largest["poems"]
    minutes = largest["seconds"] * times / 60
    gigabytes = largest["bytes"] * times / 1e9
    hours = []
    for row in result["sizes"]:
        if row["size"] == "hidden_size":
            training = row["seconds"] * MANY / BATCH * EPOCHS / 3600
            hours.append(f"{row['value']} units {training:.0f} h")
    read = f"{MANY:,} poems: {minutes:.0f} minutes to read, {gigabytes:.1f} GB"
    return f"{read}; {EPOCHS} epochs on one core: {', '.join(hours)}"


def plot(result: dict[str, Any]) -> None:
    """Plot the milliseconds of a step and its memory against width and vocabulary."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(7, 2.6), layout="constrained")
    for axis, name in zip(axes, GRID, strict=True):
        rows = [row for row in result["sizes"] if row["size"] == name]
        values = [row["value"] for row in rows]
        milliseconds = [1e3 * row["seconds"] for row in rows]
        axis.plot(values, milliseconds, "o-", color="#b33a2b", label="ms a step")
        memory = [(row["stays"] + row["rises"]) / 1e6 for row in rows]
        axis.plot(values, memory, "s--", color="#44484f", label="MB: weights, Adam, a step")
        axis.set_xlabel(name.replace("_", " "))
        axis.set_ylim(bottom=0)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False)
    figure.savefig(PICTURE, metadata={"Date": None})


if __name__ == "__main__":
    main()
