"""Check the report's Part 1 line by line (`derive`), and draw what comes through time (`draw`).

What needs the extra `train` is imported where it is called, so that its absence can be told in one line.
"""

from importlib.util import find_spec
from pathlib import Path

from pingze.errors import MissingExtraError
from pingze.report.derivation.printed_lines import LineResult


def derive(model: str | Path = "report", seed: int = 0) -> list[LineResult]:
    """Measure every line, at random weights and at those of a trained model, and say which are right.

    Raises MissingExtraError where PyTorch is not installed, which differentiates to check.
    """
    if find_spec("torch") is None:
        raise MissingExtraError("checking the derivation", "train")
    from pingze.report.derivation.measure import measure

    return measure(model, seed)


def draw(folder: Path, model: str | Path = "report") -> list[Path]:
    """Write the pictures of what comes through time (`pictures.draw`), and say where they are.

    Raises MissingExtraError where matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise MissingExtraError("drawing the pictures", "train")
    from pingze.report.derivation import pictures

    return pictures.draw(folder, model)
