"""States: whole, the last two kept, and read with what cannot be."""

from collections.abc import Callable
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
    inputs = torch.tensor([1, 4, 5])
    targets = torch.tensor([4, 5, 2])
    model.loss_sum(inputs, targets, torch.tensor([1, 1, 1])).backward()
    optimizer = make_optimizer(model.parameters(), TrainingConfiguration())
    optimizer.step()
    return optimizer, Average(model, 0.5)


def names(run: Path) -> list[str]:
    return sorted(path.name for path in run.iterdir())


DAMAGES = (
    lambda content: content[:-1],
    lambda content: b"",
    lambda content: b"{" * 99,
    lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    lambda content: content.replace(b"step", b"stop"),
    lambda content: content.replace(b'"F32"', b'"I32"'),
)


def run_with_damaged_state(folder: Path, damage: Callable[[bytes], bytes]) -> Path:
    """Save three states in a folder and damage the newest, whose path is returned."""
    optimizer, average = learner()
    for number in (0, 5, 10):
        state.save(folder, optimizer, average, Position(number))
    newest = folder / "state.00000010.safetensors"
    newest.write_bytes(damage(newest.read_bytes()))
    return newest


def test_two_states_are_kept(tmp_path: Path) -> None:
    newest = run_with_damaged_state(tmp_path, lambda content: content)
    assert names(tmp_path) == ["state.00000005.safetensors", newest.name]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_passed_over(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    run_with_damaged_state(tmp_path, damage)
    saved = state.read(tmp_path)
    assert saved.position == Position(5)
    assert saved.path.name == "state.00000005.safetensors"
    assert saved.unread[0].startswith("state.00000010.safetensors cannot be read (")


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_run_with_only_damaged_states_is_refused(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    run_with_damaged_state(tmp_path, damage)
    (tmp_path / "state.00000005.safetensors").unlink()
    message = r"holds no state to resume from: state\.0+10\.safetensors cannot"
    with pytest.raises(CheckpointError, match=message):
        state.read(tmp_path)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_goes_when_the_next_is_saved(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    run_with_damaged_state(tmp_path, damage)
    optimizer, average = learner()
    state.save(tmp_path, optimizer, average, Position(7))
    assert names(tmp_path) == ["state.00000005.safetensors", "state.00000007.safetensors"]
