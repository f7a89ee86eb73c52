"""Every way in which a model file can be wrong gives one line that says so."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from pingze.errors import CheckpointError
from pingze.network import checkpoint
from pingze.network.checkpoint import Checkpoint
from pingze.network.configuration import ModelConfiguration
from pingze.network.vocabulary import Vocabulary
from tests import invented

CONFIGURATION = ModelConfiguration(vocabulary_size=7, embedding_size=2, hidden_size=3, layers=2)
VOCABULARY = Vocabulary.of_texts(["日月山"], size=7)
RNG = np.random.default_rng(0)
WEIGHTS = {
    name: RNG.standard_normal(shape, np.float32)
    for name, shape in checkpoint.shapes(CONFIGURATION).items()
}
MADE = Checkpoint(name="made", configuration=CONFIGURATION, vocabulary=VOCABULARY, stored=WEIGHTS)
LARGER = invented.model(hidden_size=64, tied=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return invented.saved(tmp_path / "model.safetensors", MADE)


def rewrite(
    path: Path, metadata: dict[str, str] | None = None, **tensors: np.ndarray | None
) -> None:
    """Write the file again with other metadata or tensors (None: without it) and a new digest."""
    stored, stored_metadata = checkpoint.read_tensors(path)
    for name, tensor in tensors.items():
        if tensor is None:
            del stored[name.replace("__", ".")]
        else:
            stored[name.replace("__", ".")] = tensor
    checkpoint.write_tensors(path, stored, stored_metadata | (metadata or {}))


def test_what_was_saved_is_loaded_from_a_file_or_its_folder(path: Path) -> None:
    for place in (path, path.parent, str(path)):
        loaded = checkpoint.load(place)
        assert loaded.configuration == CONFIGURATION
        assert loaded.vocabulary == VOCABULARY
        for name, tensor in WEIGHTS.items():
            assert loaded.tensors[name].dtype == np.float32
            np.testing.assert_array_equal(loaded.tensors[name], tensor)


def test_half_precision_is_loaded(path: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.safetensors"
    stored = {name: tensor.astype(np.float16) for name, tensor in WEIGHTS.items()}
    checkpoint.save(half, replace(MADE, stored=stored))
    loaded = checkpoint.load(half)
    assert loaded.configuration == CONFIGURATION
    assert loaded.vocabulary == VOCABULARY
    for name, tensor in stored.items():
        assert loaded.tensors[name].dtype == np.float32
        np.testing.assert_array_equal(loaded.tensors[name], tensor)
    assert half.stat().st_size < path.stat().st_size


@pytest.fixture
def in_8_bits(tmp_path: Path) -> Path:
    return invented.saved(tmp_path / "8_bits.safetensors", LARGER.rounded())


def test_8_bits_are_near_the_weights(in_8_bits: Path) -> None:
    loaded = checkpoint.load(in_8_bits)
    for name, tensor in LARGER.tensors.items():
        largest = np.abs(tensor).max(axis=-1, keepdims=True) if tensor.ndim == 2 else 0
        assert loaded.tensors[name].dtype == np.float32
        assert np.all(np.abs(loaded.tensors[name] - tensor) <= largest / 127), name


def test_some_rows_of_8_bits_are_those_of_the_whole(in_8_bits: Path) -> None:
    loaded = checkpoint.load(in_8_bits)
    rows = [2, 0, 2]
    for name in LARGER.tensors:
        np.testing.assert_array_equal(loaded.tensor(name, rows), loaded.tensors[name][rows])


def test_8_bits_round_to_themselves(in_8_bits: Path, tmp_path: Path) -> None:
    loaded = checkpoint.load(in_8_bits)
    assert loaded.rounded() is loaded
    in_32_bits = invented.saved(tmp_path / "32_bits.safetensors", LARGER)
    for again in (replace(loaded, stored=loaded.tensors), checkpoint.load(in_32_bits)):
        for name, rounded in again.rounded().stored.items():
            np.testing.assert_array_equal(rounded, loaded.stored[name])


def test_8_bits_are_a_quarter(in_8_bits: Path, tmp_path: Path) -> None:
    in_32_bits = invented.saved(tmp_path / "32_bits.safetensors", LARGER)
    assert in_8_bits.stat().st_size < 0.35 * in_32_bits.stat().st_size


def test_absent_model(tmp_path: Path) -> None:
    said = r"there is no model 'nowhere': give a shipped name \(ci, report, tang\), a file, a folder, or"
    with pytest.raises(CheckpointError, match=said):
        checkpoint.load("nowhere")
    with pytest.raises(CheckpointError, match="no model"):
        checkpoint.load(tmp_path)


DAMAGES = [
    (lambda data: b"", "is damaged or is no checkpoint"),
    (lambda data: data[:-1], "is damaged"),
    (
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        "it was altered after it was saved: its SHA-256 differs",
    ),
    (lambda data: data.replace(b'"F32"', b'"I32"'), "it was altered"),
    (lambda data: data.replace(b'"F32"', b'"BF16"').replace(b" " * 4, b"", 1), "is damaged"),
    (lambda data: data.replace(b"[7]", b"[1,7]").replace(b" " * 2, b"", 1), "is damaged"),
    (lambda data: data.replace(b"tanh", b"relu"), "it was altered"),
    (
        lambda data: data.replace(b"pingze-2", b"pingze-9"),
        "its format is pingze-9, this pingze reads pingze-2",
    ),
    (lambda data: save({"weight": np.zeros(3)}), "its format is None"),
]


@pytest.mark.parametrize(("damage", "said"), DAMAGES)
def test_a_damaged_file_is_one_line(
    path: Path, damage: Callable[[bytes], bytes], said: str
) -> None:
    before = path.read_bytes()
    path.write_bytes(damage(before))
    assert path.read_bytes() != before
    with pytest.raises(CheckpointError) as error:
        checkpoint.load(path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


BIAS = np.zeros(7, np.float32)


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        (
            {"lstm__1__bias": None},
            r"tensor lstm\.1\.bias is absent, the configuration asks for \(12,\)",
        ),
        (
            {"reward__weight": BIAS},
            r"tensor reward\.weight is \(7,\), the configuration asks for \(3,\)",
        ),
        ({"more": BIAS}, r"tensor more is \(7,\), the configuration asks for absent"),
        ({"output__bias": BIAS[None]}, r"output\.bias is \(1, 7\)"),
        ({"output__bias": BIAS.astype(np.int8)}, r"output\.bias is not finite, or int8"),
        ({"output__bias": BIAS.astype(np.float64)}, r"output\.bias is not finite, or float64"),
        (
            {"output__bias": BIAS.astype(np.float16) - np.inf},
            r"output\.bias is not finite, or float16",
        ),
        ({"output__weight": np.zeros((7, 3), np.int8)}, r"output\.weight\.scale is absent"),
        (
            {"output__weight": np.zeros((7, 3), np.int8), "output__weight__scale": BIAS + np.nan},
            r"output\.weight\.scale is not finite",
        ),
    ],
)
def test_tensors_that_do_not_fit_are_named(
    path: Path, tensors: dict[str, np.ndarray], said: str
) -> None:
    rewrite(path, **tensors)
    with pytest.raises(CheckpointError, match=said):
        checkpoint.load(path)


CONFIGURED = [
    "",
    "[]",
    "[" * 99_999,
    *(json.dumps({"layers": layers}) for layers in (0, 1.5, 10**9, True, None, "2", [2])),
    '{"hidden_size": NaN}',
    '{"hidden_size": 1e999}',
    '{"vocabulary_size": 0}',
    '{"activation": ["tanh"]}',
    '{"colour": 1}',
    '{"special_tokens": 1}',
]


@pytest.mark.parametrize("value", CONFIGURED)
def test_a_configuration_of_no_model_is_one_line_at_once(path: Path, value: str) -> None:
    rewrite(path, {"configuration": value})
    with pytest.raises(
        CheckpointError, match=r"^[^\n]*has a configuration that this pingze cannot read"
    ):
        checkpoint.load(path)


ODD = ("", " ", "\n", "日月", "<>", "<\n>", "\ud800", "日", 7, ["水"])
ODD += ("\x1b", "\0", "\x9b", "\u202e", "<\x1b>")  # a terminal obeys them


@pytest.mark.parametrize("tokens", [[], None, {}, *([*VOCABULARY.tokens[:6], odd] for odd in ODD)])
def test_an_odd_vocabulary_is_one_line(path: Path, tokens: object) -> None:
    rewrite(path, {"vocabulary": json.dumps(tokens)})
    with pytest.raises(CheckpointError, match=r"^[^\n]*cannot read: "):
        checkpoint.load(path)


def test_a_vocabulary_of_another_size_is_refused(path: Path) -> None:
    rewrite(path, {"vocabulary": json.dumps([*VOCABULARY.tokens, "水"])})
    with pytest.raises(CheckpointError, match="vocabulary of 8 tokens for a model of 7"):
        checkpoint.load(path)


def test_a_vocabulary_with_other_special_tokens_is_refused(path: Path) -> None:
    made = invented.model(conditions=["<七絕>", "<張甲>"])
    invented.saved(path, made)
    assert checkpoint.load(path).configuration == made.configuration
    configuration = asdict(made.configuration)
    configuration["special_tokens"] = ["<七絕>"]
    rewrite(path, {"configuration": json.dumps(configuration)})
    message = "other special tokens in its vocabulary than in its config"
    with pytest.raises(CheckpointError, match=message):
        checkpoint.load(path)


def test_a_model_that_cannot_be_saved_leaves_the_file_before_it(path: Path) -> None:
    before = path.read_bytes()
    wrong = replace(MADE, stored=WEIGHTS | {"output.bias": BIAS[:6]})
    message = r"output\.bias is \(6,\), the configuration asks for \(7,\)"
    with pytest.raises(CheckpointError, match=message):
        checkpoint.save(path, wrong)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


REWARD = np.array([0.5, -1.0, 2.0], np.float32)
REWARDED = replace(MADE, stored=MADE.stored | {checkpoint.REWARD: REWARD})


def test_a_reward_is_kept(path: Path) -> None:
    assert checkpoint.load(path).reward is None
    checkpoint.save(path, REWARDED)
    for place in (path, path.parent):
        np.testing.assert_array_equal(checkpoint.load(place).reward, REWARD)
        np.testing.assert_array_equal(checkpoint.load(place).rounded().reward, REWARD)


def test_a_model_is_reached_by_a_link(path: Path, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "mine.safetensors"
    link.symlink_to(path)
    assert checkpoint.load(link).reward is None
    checkpoint.save(link, REWARDED)
    assert link.is_symlink()
    for place in (path, link):
        np.testing.assert_array_equal(checkpoint.load(place).reward, REWARD)


def test_the_time_of_a_change_is_the_files_by_every_name(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "mine.safetensors"
    link.symlink_to(path)
    before = checkpoint.changed(path)
    checkpoint.save(path, REWARDED)
    assert checkpoint.changed(path) != before
    assert checkpoint.changed(path.parent) == checkpoint.changed(path)
    assert checkpoint.changed(link) == checkpoint.changed(path)


def test_a_shipped_model_has_no_time_of_change() -> None:
    assert checkpoint.changed("tang") == 0


@pytest.mark.parametrize("least", [-128, 65])
def test_weights_beyond_those_that_every_processor_adds_are_refused(
    tmp_path: Path, least: int
) -> None:
    """Elsewhere the same model would write other poems."""
    path = invented.saved(tmp_path / "model.safetensors", MADE.rounded())
    whole = checkpoint.read_tensors(path)[0]["lstm.0.weight_hh"].copy()
    whole[0, 0] = least
    rewrite(path, lstm__0__weight_hh=whole)
    with pytest.raises(CheckpointError, match="beyond 64 in 8 bits"):
        checkpoint.load(path)


def test_a_file_larger_than_any_model_is_one_line(path: Path) -> None:
    """It may take nothing on the disk."""
    with path.open("rb+") as file:
        file.truncate(30 << 30)
    with pytest.raises(CheckpointError, match=r"^[^\n]*has more than 4 GB[^\n]*$"):
        checkpoint.load(path)
