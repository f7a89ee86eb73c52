"""States: whole, the last two kept, and read with what cannot be."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pingze.errors import CheckpointError
from pingze.network.configuration import ModelConfiguration
from pingze.network.model import LanguageModel
from pingze.training import state
from pingze.training.optimization import Average, make_optimizer
from pingze.training.presets import TrainingConfiguration
from pingze.training.state import Position


def learner() -> tuple[torch.optim.Optimizer, Average]:
    model = LanguageModel(ModelConfiguration(vocabulary_size=10, embedding_size=3, hidden_size=4))
    model.initialize("normal", np.random.default_rng(0))
    model.loss_sum(
        torch.tensor([1, 4, 5]), torch.tensor([4, 5, 2]), torch.tensor([1, 1, 1])
    ).backward()
    optimizer = make_optimizer(model.parameters(), TrainingConfiguration())
    optimizer.step()
    return optimizer, Average(model, 0.5)


def names(run: Path) -> list[str]:
    return sorted(path.name for path in run.iterdir())


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: b"",
        lambda content: b"{" * 99,
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: content.replace(b"step", b"stop"),
        lambda content: content.replace(b'"F32"', b'"I32"'),
    ],
)
def test_a_damaged_state_is_passed_over_and_goes_when_the_next_is_saved(
    tmp_path: Path, damage: object
) -> None:
    learned = learner()
    for number in (0, 5, 10):
        state.save(tmp_path, *learned, Position(number))
    newest = tmp_path / "state.00000010.safetensors"
    assert names(tmp_path) == ["state.00000005.safetensors", newest.name]
    newest.write_bytes(damage(newest.read_bytes()))  # type: ignore[operator]
    found = state.read(tmp_path)
    assert (found.position, found.path.name) == (Position(5), "state.00000005.safetensors")
    assert found.unread[0].startswith("state.00000010.safetensors cannot be read (")
    (tmp_path / "only").mkdir()
    newest = newest.rename(tmp_path / "only" / newest.name)
    with pytest.raises(
        CheckpointError, match=r"holds no state to resume from: state\.0+10\.safetensors cannot"
    ):
        state.read(newest.parent)
    newest.rename(tmp_path / newest.name)
    newest.parent.rmdir()
    state.save(tmp_path, *learned, Position(7))
    assert names(tmp_path) == ["state.00000005.safetensors", "state.00000007.safetensors"]
