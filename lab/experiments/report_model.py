"""Train the report's model on the report's draw, ship it, and record what it reaches.

    python -m lab.experiments.report_model RUN [field=value ...]

An existing RUN is resumed. Writes network/weights/report.safetensors in 8 bits, and the figures
`report.dev.*` of that file to lab/figures.json. The LOG's entry is written by hand from the
figures.
"""

import json
import sys
from pathlib import Path

import pingze.network.weights
from lab.figures import record
from pingze.cli.progress import training_progress
from pingze.corpus import Store
from pingze.network import checkpoint
from pingze.network.model import LanguageModel
from pingze.training.evaluation import evaluate
from pingze.training.presets import preset
from pingze.training.run import LOG_FILE, Run
from pingze.training.texts import Texts

SHIPPED = Path(pingze.network.weights.__path__[0]) / "report.safetensors"


def main(folder: Path, settings: list[str]) -> None:
    """Train the model, ship it, measure it, and record the figures."""
    with Store.open() as store:
        train = store.report_draw("train")
        dev = store.report_draw("dev")
    run = Run(folder, preset("report", settings), Texts(train, dev), resume=folder.exists())
    with training_progress(run) as (on_row, on_step):
        run.train(on_row, on_step)
    best = checkpoint.load(folder)
    checkpoint.save(SHIPPED, best.rounded())
    loaded = checkpoint.load("report")
    figures = evaluate(LanguageModel.of(loaded), dev, loaded.vocabulary, run.configuration.length)
    command = f"python -m lab.experiments.report_model runs/report {' '.join(settings)}".strip()
    record(
        command,
        {
            "report.dev.initial_nats_per_48": first_dev_figure(folder),
            "report.dev.nats_per_48": figures.nats_per_48_tokens,
            "report.dev.perplexity": figures.perplexity,
            "report.dev.hanzi_perplexity": figures.hanzi_perplexity,
            "report.train.seconds": run.position.seconds,
        },
    )


def first_dev_figure(folder: Path) -> float:
    """Return what the run measured on dev before its first step."""
    for line in (folder / LOG_FILE).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["kind"] == "dev":
            return float(row["nats_per_48_tokens"])
    raise ValueError(f"{folder / LOG_FILE} has no row of dev")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
