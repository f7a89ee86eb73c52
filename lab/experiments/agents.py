"""Have an agent write poems with the tools of `pingze mcp`, and lay them out for blind readers.

Run: python -m lab.experiments.agents titles FOLDER
     python -m lab.experiments.agents sheet FOLDER

`titles` draws 20 titles of the dev split, half 七絕 and half 五律, into FOLDER/titles.json: an agent
writes poems of its own to the first ten, and only chooses among drafts for the others. It is a language
model that has the tools and their descriptions and is told what it is to do, nothing else. It writes
FOLDER/poems.json, a list of `{title, form, kind, text, calls}`, `kind` being written or chosen.

`sheet` counts how many poems are regular by the checker and how many calls each took, and writes
FOLDER/written and FOLDER/chosen, sheets with the first draft (`compose` with seed 1) and the title's own
Tang poem beside the agent's; `lab.experiments.blind_reading score` reads them.

The rule, set before any poem was written: all ten of a kind are regular by `check` in their form, a
written poem after at most three calls, a chosen one after at most four. Two fresh readers read each
sheet; their means are figures, not a bound.
"""

import argparse
import json
import random
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from lab.experiments.blind_reading import Prompt, Writer, poem_for, title_prompts, write_sheet
from pingze.verse.checking import check

KINDS = {"written": 3, "chosen": 4}
"""The most calls a poem."""
SEED = 31


def prompts() -> dict[str, list[Prompt]]:
    """Draw ten titles for each kind, half of each form."""
    drawn = title_prompts("dev", 20, random.Random(SEED))
    return {"written": drawn[0::2], "chosen": drawn[1::2]}


def lay_out(folder: Path) -> None:
    """Print what is counted, and write the sheets."""
    poems = json.loads((folder / "poems.json").read_text(encoding="utf-8"))
    for kind, asked in prompts().items():
        own = {poem["title"]: poem for poem in poems if poem["kind"] == kind}
        regular = 0
        in_time = 0
        for prompt in asked:
            poem = own[prompt.text]
            verdict = check(poem["text"], form=prompt.form)
            regular += verdict.ok
            in_time += poem["calls"] <= KINDS[kind]
        calls = [poem["calls"] for poem in own.values()]
        print(
            f"{kind}: {regular} of {len(asked)} regular, {in_time} within {KINDS[kind]} calls, "
            f"{sum(calls) / len(calls):.1f} on average"
        )
        texts = {title: poem["text"] for title, poem in own.items()}
        writers: dict[str, Writer] = {
            "first draft": first_draft,
            kind: partial(agents_poem, texts=texts),
        }
        write_sheet(folder / kind, "titles", asked, writers, SEED)


def first_draft(prompt: Prompt, seed: int) -> str:
    """Compose with seed 1, whatever the sheet's seed."""
    return poem_for(prompt, 1, {})


def agents_poem(prompt: Prompt, seed: int, texts: Mapping[str, str]) -> str:
    """Return the agent's poem to a title."""
    return texts[prompt.text]


def main() -> None:
    """Draw the titles, or lay out the sheets."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("part", choices=("titles", "sheet"))
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    if given.part == "sheet":
        lay_out(given.folder)
        return
    given.folder.mkdir(parents=True, exist_ok=True)
    found = []
    for kind, asked in prompts().items():
        found += [{"title": prompt.text, "form": prompt.form, "kind": kind} for prompt in asked]
    text = json.dumps(found, ensure_ascii=False, indent=1)
    (given.folder / "titles.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
