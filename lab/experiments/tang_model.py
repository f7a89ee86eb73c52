"""Train the conditional model on the Tang train split, ship it, and record what it reaches.

    python -m lab.experiments.tang_model train RUN [field=value ...]
    python -m lab.experiments.tang_model mean FILE MODEL=SHARE ...
    python -m lab.experiments.tang_model ship MODEL
    python -m lab.experiments.tang_model test
    python -m lab.experiments.tang_model ci

`train` resumes RUN where it stopped. `mean` writes the weighted mean of models' weights to FILE, in
8 bits; the models descend from one state (model soup: Wortsman et al. 2022), and their shares sum
to 1. `ship` writes MODEL, a run or a file, to network/weights/tang.safetensors in 8 bits, and
records that file's dev figures. Afterwards, `python -m tools.count worn`, `lab.experiments.reward`
and `tools.name_units` recount what depends on the model. `test` measures the test split: once, at
the end. `ci` measures the model `ci` on dev. The LOG's entry is written by hand from the figures.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import pingze.network.weights
from lab.figures import record
from pingze.cli.progress import training_progress
from pingze.corpus import Store
from pingze.network import checkpoint
from pingze.network.model import LanguageModel
from pingze.training.evaluation import by_condition, evaluate
from pingze.training.presets import LENGTHS, preset
from pingze.training.run import Run
from pingze.training.texts import read, read_split

SHIPPED = Path(pingze.network.weights.__path__[0]) / "tang.safetensors"


def train(folder: Path, settings: list[str]) -> None:
    """Train a run to its end."""
    chosen = preset("tang", settings)
    with Store.open() as store:
        texts = read(store, chosen.training)
    run = Run(folder, chosen, texts, resume=folder.exists())
    with training_progress(run) as (on_row, on_step):
        run.train(on_row, on_step)


def mean(file: Path, terms: list[str]) -> None:
    """Write the mean of models with one vocabulary.

    Each term is a model and its share, as in `run=0.5`.
    """
    models = []
    shares = []
    for term in terms:
        path, _, share = term.rpartition("=")
        models.append(checkpoint.load(path))
        shares.append(float(share))
    have_same_tokens = all(model.vocabulary == models[0].vocabulary for model in models)
    if abs(sum(shares) - 1) > 1e-6 or not have_same_tokens:
        sys.exit("the shares must sum to 1, and the models must have the same tokens")
    stored = {}
    for name in models[0].tensors:
        tensors = [model.tensors[name] for model in models]
        stored[name] = np.average(tensors, axis=0, weights=shares)
    checkpoint.save(file, replace(models[0], stored=stored).rounded())


def ship(source: Path) -> None:
    """Ship the model of a run or a file, and measure it on dev."""
    shipped = checkpoint.load(source).rounded()
    checkpoint.save(SHIPPED, shipped)
    command = "python -m lab.experiments.tang_model ship"
    parameters = sum(tensor.size for tensor in shipped.tensors.values())
    record(command, {"model.parameters": parameters, "model.bytes": SHIPPED.stat().st_size})
    measure("dev", command)


def measure(split: str, command: str, file: Path = SHIPPED, prefix: str = "model") -> None:
    """Record a shipped file's figures on a split, with and without form, poet and title."""
    shipped = checkpoint.load(file)
    model = LanguageModel.of(shipped)
    with Store.open() as store:
        texts = read_split(store, "tang", split)
    whole = evaluate(model, texts, shipped.vocabulary, LENGTHS["tang"])
    given = by_condition(model, texts, shipped.vocabulary, LENGTHS["tang"])
    record(
        command,
        {
            f"{prefix}.{split}.hanzi_perplexity": given["hanzi_perplexity_given_nothing"],
            f"{prefix}.{split}.hanzi_perplexity_with_form": given["hanzi_perplexity_given_form"],
            f"{prefix}.{split}.hanzi_perplexity_with_poet": given["hanzi_perplexity_given_poet"],
            f"{prefix}.{split}.hanzi_perplexity_with_title": given["hanzi_perplexity_given_title"],
            f"{prefix}.{split}.hanzi_perplexity_with_all": whole.hanzi_perplexity,
            f"{prefix}.{split}.perplexity_with_all": whole.perplexity,
            f"{prefix}.{split}.unknown_rate": whole.unknown_rate,
        },
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["train", folder, *settings]:
            train(Path(folder), settings)
        case ["mean", file, *terms] if terms:
            mean(Path(file), terms)
        case ["ship", source]:
            ship(Path(source))
        case ["test"]:
            measure("test", "python -m lab.experiments.tang_model test")
        case ["ci"]:
            measure("dev", "python -m lab.experiments.tang_model ci", SHIPPED.with_stem("ci"), "ci")
        case _:
            sys.exit(__doc__)
