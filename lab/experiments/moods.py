"""Compose for four occasions, with the mood that suits each and with none.

    python -m lab.experiments.moods [--seeds 40] [--read]

Prints how many poems contain a word of graves or sorrow, which do not suit the occasion; with
--read, also the poems.
"""

import argparse
import warnings
from dataclasses import replace

from pingze.composing.composer import load_composer
from pingze.composing.options import Composing
from pingze.composing.poem import Poem
from pingze.composing.read_request import read_request

GRAVES = "塚冢墓墳葬塋棺"
SORROW = "哭淚泣涕哀悲愁恨喪死鬼"
RECIPES = {
    "birthday": (Composing(acrostic="松柏長青", about="壽"), "joyful"),
    "wedding": (Composing(title="賀新婚", include="鴛鴦"), "joyful"),
    "parting": (Composing(title="送友人"), "calm"),
    "condolence": (Composing(title="輓友人"), "calm"),
}


def main() -> None:
    """Compose the poems, and print how many contain unsuitable words."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=40, help="how many poems of each")
    parser.add_argument("--read", action="store_true", help="print the poems")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    for name, (asked, mood) in RECIPES.items():
        for wanted in (None, mood):
            texts = ["".join(poem.lines) for poem in composed(asked, wanted, given.seeds)]
            graves = sum(not set(GRAVES).isdisjoint(text) for text in texts)
            sorrow = sum(not set(SORROW).isdisjoint(text) for text in texts)
            print(f"{name}, {wanted or 'no mood'}: ", end="")
            print(f"graves in {graves} of {len(texts)}, sorrow in {sorrow}")
            if given.read:
                print("\n".join(texts))


def composed(asked: Composing, mood: str | None, seeds: int) -> list[Poem]:
    """Compose poems with the seeds from 1 on, in a mood.

    With None, in no mood whatever the title and theme.
    """
    chosen = load_composer()
    request = replace(read_request(chosen.vocabulary, asked), mood=mood)
    starts = chosen.prepare(request)
    return [chosen.write(starts, asked, seed) for seed in range(1, seeds + 1)]


if __name__ == "__main__":
    main()
