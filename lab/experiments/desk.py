"""Try the desk: a reader makes poems at the command line; others score them beside first drafts and real poems.

    python -m lab.experiments.desk titles FOLDER
    PYTHONPATH=OLD/src python -m lab.experiments.desk first FOLDER
    python -m lab.experiments.desk three FOLDER
    python -m lab.experiments.desk sheet FOLDER KIND [--seed 1]
    python -m lab.experiments.blind_reading score FOLDER/KIND

`titles` draws 24 common titles, each of which at least six Tang poems have, and 24 titles of the
dev split, half 七絕 and half 五律, with a real poem of each. `first` writes the first draft of each,
of seed 1, by the code of another commit. `three` writes three drafts of each, by this code; another
reader gets FOLDER/KIND.three.md and writes FOLDER/KIND.chosen.txt: for each title its number and the
letter of the best. The reader at the desk gets FOLDER/KIND.md and writes FOLDER/KIND.poems.txt: for
each title its number, and the poem on the next line. `sheet` mixes first drafts, the best of three,
the desk's poems and real ones.

The rule, before any poem is read: a newcomer has at most three calls of the command line and 24
drafts read a poem, and may write two characters of his own in all. Two fresh readers score each sheet. The
mean of four criteria of real poems is at most 0.25 above that of the desk's under common titles, and
at most 0.5 under those of the dev split; both with their 95 % interval over titles.
"""

import argparse
import json
import random
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import asdict
from pathlib import Path

from lab.experiments.blind_reading import FORMS, SERIAL, Prompt, title_prompts, write_sheet
from pingze import compose
from pingze.composing.poem import punctuate
from pingze.corpus import CorpusPoem, Store
from pingze.verse.characters import only_han
from pingze.verse.checking import check

COUNT = 24
LEAST = 6
"""The least number of Tang poems that have a common title."""
SEED = 1
LETTERS = "abc"
"""The letters of the drafts from which a reader chooses one."""


def common_prompts(count: int, rng: random.Random) -> list[Prompt]:
    """Draw titles of two to five characters that several Tang poems have, with a real poem of dev or test."""
    # 1) The titles that several poems have, with those of their poems that are held out.
    with Store.open() as store:
        poems = list(store.poems(dynasty="tang"))
        famous = store.statistics(poets=60)["poets"]["tang"]
        held_out = list(store.poems(dynasty="tang", split="dev"))
        held_out += store.poems(dynasty="tang", split="test")
    times = Counter(poem.title for poem in poems)
    by_title: dict[str, list[CorpusPoem]] = defaultdict(list)
    for poem in held_out:
        plain = poem.title == only_han(poem.title) and not set(poem.title) & set(SERIAL)
        if plain and 2 <= len(poem.title) <= 5 and times[poem.title] >= LEAST:
            by_title[poem.title].append(poem)
    titles = sorted(by_title)
    rng.shuffle(titles)
    # 2) For each form, the first titles with a poem in it.
    prompts: list[Prompt] = []
    taken: set[str] = set()
    for form in FORMS:
        found = 0
        for title in titles:
            fitting = [
                poem
                for poem in by_title[title]
                if poem.author not in famous and _has_form(poem, form)
            ]
            if fitting and title not in taken and found < count // 2:
                found += 1
                taken.add(title)
                real = punctuate(fitting[0].lines)
                prompts.append(Prompt(text=title, form=form, real=real))
    return prompts


def _has_form(poem: CorpusPoem, form: str) -> bool:
    verdict = check(poem.text)
    return verdict.ok and verdict.form == form


def titles(folder: Path) -> None:
    """Draw the titles of both kinds."""
    folder.mkdir(parents=True)
    rng = random.Random(SEED)
    for kind, prompts in (
        ("common", common_prompts(COUNT, rng)),
        ("dev", title_prompts("dev", COUNT, rng)),
    ):
        rows = [asdict(prompt) for prompt in prompts]
        (folder / f"{kind}.json").write_text(json.dumps(rows, ensure_ascii=False, indent=1))
        listed = [f"{n}. {prompt.text} ({prompt.form})" for n, prompt in enumerate(prompts, 1)]
        (folder / f"{kind}.md").write_text("\n".join(listed) + "\n")


def first(folder: Path) -> None:
    """Write the first draft to each title by the code that Python finds."""
    for kind in ("common", "dev"):
        poems = []
        for prompt in json.loads((folder / f"{kind}.json").read_text()):
            command = [sys.executable, "-m", "pingze", "compose", "--form", prompt["form"]]
            command += ["--title", prompt["text"], "--seed", str(SEED), "--json"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            poems.append(punctuate(json.loads(done.stdout)[0]["lines"]))
        (folder / f"{kind}.first.json").write_text(json.dumps(poems, ensure_ascii=False, indent=1))


def three(folder: Path) -> None:
    """Write three drafts to each title, and the sheet from which a reader chooses one of them."""
    for kind in ("common", "dev"):
        drafts = []
        page = []
        for number, row in enumerate(json.loads((folder / f"{kind}.json").read_text()), 1):
            poems = compose(form=row["form"], title=row["text"], seed=SEED, count=len(LETTERS))
            texts = [str(poem) for poem in poems]
            drafts.append(texts)
            page.append(f"## {number}. {row['text']} ({row['form']})\n")
            for letter, text in zip(LETTERS, texts, strict=True):
                page.append(f"**{letter}**\n\n```\n{text}\n```\n")
        (folder / f"{kind}.three.json").write_text(json.dumps(drafts, ensure_ascii=False, indent=1))
        (folder / f"{kind}.three.md").write_text("\n".join(page))


def sheet(folder: Path, kind: str, seed: int) -> None:
    """Mix first drafts, the best of three, the desk's poems and the real poems on one sheet."""
    prompts = [Prompt(**row) for row in json.loads((folder / f"{kind}.json").read_text())]
    first_drafts = json.loads((folder / f"{kind}.first.json").read_text())
    drafts = dict(zip(prompts, first_drafts, strict=True))
    rows = [row for row in (folder / f"{kind}.poems.txt").read_text().splitlines() if row.strip()]
    chosen = {}
    for number, poem in zip(rows[::2], rows[1::2], strict=True):
        prompt = prompts[int(number.split(".")[0]) - 1]
        verdict = check(poem, form=prompt.form)
        if not verdict.ok:
            sys.exit(f"{number}: {poem} is not regular")
        chosen[prompt] = punctuate(list(verdict.lines))
    best = {}
    of_title = json.loads((folder / f"{kind}.three.json").read_text())
    for row in (folder / f"{kind}.chosen.txt").read_text().splitlines():
        number, letter = row.split()
        at = int(number.rstrip(".")) - 1
        best[prompts[at]] = of_title[at][LETTERS.index(letter)]
    writers = {
        "first": lambda prompt, _: drafts[prompt],
        "three": lambda prompt, _: best[prompt],
        "desk": lambda prompt, _: chosen[prompt],
    }
    write_sheet(folder / kind, "titles", prompts, writers, seed)


def main() -> None:
    """Do the part that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("part", choices=("titles", "first", "three", "sheet"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("kind", nargs="?", choices=("common", "dev"))
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    if given.part == "titles":
        titles(given.folder)
    elif given.part == "first":
        first(given.folder)
    elif given.part == "three":
        three(given.folder)
    else:
        sheet(given.folder, given.kind, given.seed)


if __name__ == "__main__":
    main()
