"""A model as a folder that a model hub takes: weights, `config.json`, vocabulary, and a card for a person to complete.

`--model FOLDER` reads it back: `checkpoint.load` verifies every file but the card against the weights' own metadata.
Nothing in the folder is code, and nothing of it is run.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pingze.errors import CheckpointError, InputError
from pingze.export.card import card
from pingze.files import written
from pingze.network import checkpoint
from pingze.network.checkpoint import CONFIG_FILE, MODEL_FILE, REWARD_FILE, VOCABULARY_FILE, Checkpoint

CARD_FILE = "README.md"
OURS = {MODEL_FILE, REWARD_FILE, CONFIG_FILE, VOCABULARY_FILE, CARD_FILE}


def write_folder(folder: Path, model: Checkpoint, figures: Mapping[str, object] | None = None) -> list[Path]:
    """Write a model to a folder, each file whole or not at all; a card that stands there is a person's, and stays.

    folder: A new one, or one that holds an export.
    model: The model.
    figures: What `pingze evaluate --json` printed for it, for the card.

    Returns the files that were written. Raises InputError where the folder holds other things, CheckpointError where
    the disk does not take a file.
    """
    if foreign := [path.name for path in _files(folder) if path.name not in OURS and path.suffix != ".onnx"]:
        raise InputError(f"{folder} holds {foreign[0]}, which is no part of an export: name a new folder")
    config = json.dumps(checkpoint.config(model.configuration), ensure_ascii=False, indent=1) + "\n"
    texts = {CONFIG_FILE: config, VOCABULARY_FILE: "".join(f"{token}\n" for token in model.vocabulary.tokens)}
    if not (folder / CARD_FILE).exists():
        texts[CARD_FILE] = card(model, figures)
    checkpoint.save(
        folder / MODEL_FILE, model.tensors, model.configuration, model.vocabulary, dtype=_smallest(model)
    )
    names = [MODEL_FILE]
    if model.reward is not None:
        checkpoint.save_reward(folder / MODEL_FILE, model.reward)
        names.append(REWARD_FILE)
    for name, text in texts.items():
        with written(folder / name, CheckpointError) as partial:
            partial.write_bytes(text.encode())
    return [folder / name for name in (*names, *texts)]


def _files(folder: Path) -> list[Path]:
    """What a folder holds but for hidden files; nothing where there is none."""
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")] if folder.exists() else []
    except OSError as error:
        raise InputError(f"{folder} is no folder to write to: {error.strerror or error}") from error


def _smallest(model: Checkpoint) -> type[np.floating]:
    """Half precision where nothing is lost by it, as with the shipped models."""
    with np.errstate(over="ignore"):
        whole = all(
            np.array_equal(t, t.astype(np.float16).astype(np.float32)) for t in model.tensors.values()
        )
    return np.float16 if whole else np.float32
