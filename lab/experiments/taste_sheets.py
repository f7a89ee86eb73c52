"""Write the sheets from which the reward is fitted again: today's taste, and each weight changed.

    python -m lab.experiments.taste_sheets FOLDER [--sheets 40] [--seed 2024]

Each sheet has twelve titles of the train split, half 七絕 and half 五律, with a poem for each of the
`CONDITIONS` and the title's own Tang poem, mixed as in `lab.experiments.blind_reading`, whose
`score` reads a sheet. `lab.experiments.reward add` keeps the readings.
"""

import argparse
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from lab.experiments.blind_reading import FORMS, Prompt, poem_for, title_prompts, write_sheet
from pingze.composing.terms import taste

TITLES = 12
CONDITIONS: dict[str, dict[str, float]] = {
    "today": {},
    "again": {},
    "likelier": {"LIKELY": 2.0},
    "untitled": {"NAMED": 1.0},
    "named": {"NAMED": 8.0},
    "worn": {"WORN": 0.9},
    "unrewarded": {"REWARD": 0.0},
    "rewarded": {"REWARD": 5.0},
}
"""For each condition, the weights of taste that differ from today's."""


@contextmanager
def weights(changed: Mapping[str, float]) -> Iterator[None]:
    """Give the weights of taste other values for a while."""
    kept = {name: getattr(taste, name) for name in changed}
    try:
        for name, value in changed.items():
            setattr(taste, name, value)
        yield
    finally:
        for name, value in kept.items():
            setattr(taste, name, value)


def written(name: str, prompt: Prompt, seed: int) -> str:
    """Compose the poem of a condition for a prompt."""
    with weights(CONDITIONS[name]):
        # Two conditions with the same weights write different poems.
        return poem_for(prompt, seed + 1000 * list(CONDITIONS).index(name), {})


def main() -> None:
    """Write the sheets, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sheets", type=int, default=40)
    parser.add_argument("--seed", type=int, default=2024)
    asked = parser.parse_args()
    prompts = title_prompts("train", TITLES * asked.sheets, random.Random(asked.seed))
    by_form = [[prompt for prompt in prompts if prompt.form == form] for form in FORMS]
    writers = {name: partial(written, name) for name in CONDITIONS}
    for number in range(asked.sheets):
        some = slice(number * TITLES // 2, (number + 1) * TITLES // 2)
        chosen = [prompt for prompts in by_form for prompt in prompts[some]]
        seed = asked.seed + 100 * number
        write_sheet(asked.folder / f"L_{number:02}", "titles", chosen, writers, seed)


if __name__ == "__main__":
    main()
