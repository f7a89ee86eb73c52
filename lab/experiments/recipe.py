"""Train the recipe on the report's draw, and measure what each part contributes.

    python -m lab.experiments.recipe whole RUN [field=value ...]
    python -m lab.experiments.recipe ablation RUNS [field=value ...]

`whole` trains the preset and records `recipe.dev.*`. `ablation` trains the recipe and, for each
part, the recipe without that part, for three epochs each (or `epochs=N`), and records each as
`recipe.ablation.*`. Both resume where they stopped. The LOG's entry is written by hand from what
they print.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from lab.figures import record
from pingze.cli.progress import training_progress
from pingze.corpus import Store
from pingze.network import checkpoint
from pingze.network.model import LanguageModel
from pingze.training.evaluation import Figures, evaluate
from pingze.training.presets import Preset, preset
from pingze.training.run import Run
from pingze.training.texts import read

ABLATIONS = {
    "recipe": [],
    "output not tied": ["tied=false"],
    "512 units": ["hidden_size=512"],
    "two layers of 560": ["layers=2", "hidden_size=560"],
    "no dropout of features": ["dropout=0", "output_dropout=0", "locked_dropout=false"],
    "dropout not locked": ["locked_dropout=false"],
    "no embedding dropout": ["embedding_dropout=0"],
    "no DropConnect": ["weight_dropout=0"],
    "no weight decay": ["weight_decay=0"],
    "no warm-up": ["warmup_steps=0"],
    "no decay of the rate": ["decay=false"],
    "no averaging": ["averaging=0"],
}
"""The settings that each row changes."""


def main(part: str, folder: Path, settings: list[str]) -> None:
    """Run the part of the experiment that the command line names."""
    parts: dict[str, Callable[[Path, list[str]], None]] = {"whole": whole, "ablation": ablation}
    parts[part](folder, settings)


def whole(folder: Path, settings: list[str]) -> None:
    """Train the whole recipe, and record its figures."""
    run, figures = trained(folder, preset("recipe", settings))
    record(
        f"python -m lab.experiments.recipe whole runs/recipe {' '.join(settings)}".strip(),
        {
            "recipe.dev.nats_per_48": figures.nats_per_48_tokens,
            "recipe.dev.perplexity": figures.perplexity,
            "recipe.dev.hanzi_perplexity": figures.hanzi_perplexity,
            "recipe.parameters": sum(p.numel() for p in run.model.parameters()),
            "recipe.train.seconds": run.position.seconds,
        },
    )


def ablation(folder: Path, settings: list[str]) -> None:
    """Train the recipe without each of its parts for equal epochs, and record the figures."""
    command = (
        f"python -m lab.experiments.recipe ablation runs/ablation {' '.join(settings)}".strip()
    )
    for name, change in ABLATIONS.items():
        place = folder / name.replace(" ", "-")
        all_settings = ["epochs=3"]
        all_settings += change
        all_settings += settings
        _, figures = trained(place, preset("recipe", all_settings))
        record(command, {f"recipe.ablation.{place.name}": figures.nats_per_48_tokens})


def trained(folder: Path, chosen: Preset) -> tuple[Run, Figures]:
    """Train a run to its end; return it and the dev figures of the model that it kept."""
    with Store.open() as store:
        texts = read(store, chosen.training)
    run = Run(folder, chosen, texts, resume=folder.exists())
    with training_progress(run) as (on_row, on_step):
        run.train(on_row, on_step)
    best = checkpoint.load(folder)
    return run, evaluate(LanguageModel.of(best), texts.dev, best.vocabulary, chosen.training.length)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
