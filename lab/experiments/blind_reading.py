"""Run blind readings: mix poems of several conditions on a sheet, and average scores.

    python -m lab.experiments.blind_reading sheet FOLDER NAME[:OPTION=VALUE,...] ... [--split dev] [--titles 20]
    python -m lab.experiments.blind_reading sheet FOLDER NAME[:OPTION=VALUE,...] ... --themes [--seed 1]
    python -m lab.experiments.blind_reading score FOLDER [--record PREFIX]

`sheet` writes FOLDER/reader/sheet.md and FOLDER/reader/instructions.md, which are all that a reader
gets, and FOLDER/key.json. A condition is a name and the options of `compose` by which it differs
from the defaults, such as `cool:temperature=0.5` or
`old:model=old.safetensors,temperature=0.8,top_p=1,particles=32`. The prompts are titles of Tang
poems of the split, half 七絕 and half 五律; the Tang poems are on the sheet too, as the condition
`real`. With `--themes` the prompts are common idioms instead, and the option `idiom_as` says
whether a condition gets one as its `title` or as its `about`.

A reader writes FOLDER/readings/NAME.txt. `score` prints, for each condition, the mean of each
criterion over all readings, a 95 % bootstrap interval over prompts for the mean of all criteria,
and what share of the distance from the first condition to `real` the condition covers.

Published figures say who read: a reading by a language model is called that.
"""

import argparse
import json
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np

from lab.figures import record
from pingze import compose
from pingze.composing.poem import punctuate
from pingze.corpus import CorpusPoem, Store
from pingze.verse.characters import only_han
from pingze.verse.checking import check

INSTRUCTIONS = Path(__file__).with_name("reading")
CRITERIA = {
    "titles": ("grammar", "coherence", "title", "imagery"),
    "themes": ("fluency", "meaning", "coherence", "relevance", "aesthetics"),
}
FORMS = ("七絕", "五律")
IDIOMS = [
    "國泰民安",
    "志存高遠",
    "一帆風順",
    "春暖花開",
    "衣錦還鄉",
    "山清水秀",
    "花好月圓",
    "風雨同舟",
    "金榜題名",
    "落葉歸根",
    "海闊天空",
    "青梅竹馬",
    "臥薪嘗膽",
    "高山流水",
    "畫龍點睛",
    "守株待兔",
    "刻舟求劍",
    "聞雞起舞",
    "鵬程萬里",
    "世外桃源",
    "滄海桑田",
    "寒窗苦讀",
    "精忠報國",
    "百折不撓",
]
FAMOUS = 60
"""Titles are not taken from this many most prolific poets, whose verse is known."""
REAL = "real"
SERIAL = "首其又句章韻篇次奉和應制"
"""Titles with one of these name an occasion or a place in a series, no subject."""


@dataclass(frozen=True)
class Prompt:
    """A prompt to which every condition writes a poem."""

    text: str
    """A title or an idiom."""
    form: str
    real: str | None = None
    """The Tang poem that has the title."""


@dataclass(frozen=True)
class Entry:
    """An entry of the key: one poem on the sheet."""

    id: str
    condition: str
    prompt: str
    poem: str


Writer = Callable[[Prompt, int], str]
"""A function that writes a poem for a prompt and a seed."""


def title_prompts(split: str, count: int, rng: random.Random) -> list[Prompt]:
    """Draw titles of regulated Tang poems from a split, half of each form.

    In a form no title or poet comes twice.
    """
    with Store.open() as store:
        poems = list(store.poems(dynasty="tang", split=split))
        famous = store.statistics(poets=FAMOUS)["poets"]["tang"]
    rng.shuffle(poems)
    prompts: list[Prompt] = []
    for form in FORMS:
        found = [p for p in poems if _is_fit(p, form) and p.author not in famous]
        by_poet = {poem.author: poem for poem in reversed(found)}
        by_title = {poem.title: poem for poem in by_poet.values()}
        chosen = list(by_title.values())[: count // 2]
        prompts += [
            Prompt(text=poem.title, form=form, real=punctuate(poem.lines)) for poem in chosen
        ]
    return prompts


def _is_fit(poem: CorpusPoem, form: str) -> bool:
    title = poem.title
    if title != only_han(title) or not 2 <= len(title) <= 8 or set(title) & set(SERIAL):
        return False
    verdict = check(poem.text)
    return verdict.ok and verdict.form == form


def theme_prompts(count: int, rng: random.Random) -> list[Prompt]:
    """Draw idioms, and give them the forms in turn."""
    idioms = rng.sample(IDIOMS, min(count, len(IDIOMS)))
    return [Prompt(text=idiom, form=FORMS[n % 2]) for n, idiom in enumerate(idioms)]


def condition(text: str) -> tuple[str, dict[str, Any]]:
    """Parse a condition of the command line into its name and options."""
    name, _, settings = text.partition(":")
    options: dict[str, Any] = {}
    for setting in settings.split(","):
        if setting:
            key, _, value = setting.partition("=")
            options[key] = value if key in ("model", "idiom_as") else json.loads(value)
    return name, options


def poem_for(prompt: Prompt, seed: int, options: dict[str, Any]) -> str:
    """Compose the poem of a condition for a prompt."""
    given = {"form": prompt.form, "seed": seed, **options}
    given[given.pop("idiom_as", "title")] = prompt.text
    return str(compose(**given)[0])


def write_sheet(
    folder: Path, kind: str, prompts: Sequence[Prompt], writers: Mapping[str, Writer], seed: int
) -> None:
    """Write the sheet, its instructions and the key."""
    # 1) Mix the poems to each prompt.
    rng = random.Random(seed)
    entries = []
    page = []
    for number, prompt in enumerate(prompts, 1):
        poems = [(name, write(prompt, seed + number)) for name, write in writers.items()]
        if prompt.real:
            poems.append((REAL, prompt.real))
        rng.shuffle(poems)
        page.append(f"## {number}. {prompt.text} ({prompt.form})\n")
        for letter, (name, poem) in zip("abcdefghijklmnop", poems, strict=False):
            entry = Entry(id=f"{number}{letter}", condition=name, prompt=prompt.text, poem=poem)
            entries.append(asdict(entry))
            page.append(f"**{entry.id}**\n\n```\n{poem}\n```\n")
    # 2) What the reader gets.
    reader = folder / "reader"
    reader.mkdir(parents=True)
    (folder / "readings").mkdir()
    (reader / "sheet.md").write_text("\n".join(page), encoding="utf-8")
    instructions = (INSTRUCTIONS / f"{kind}.md").read_text(encoding="utf-8")
    (reader / "instructions.md").write_text(instructions, encoding="utf-8")
    # 3) The key.
    key = {"kind": kind, "conditions": list(writers), "entries": entries}
    text = json.dumps(key, ensure_ascii=False, indent=1)
    (folder / "key.json").write_text(text, encoding="utf-8")


def reading(path: Path, ids: set[str], criteria: Sequence[str]) -> dict[str, list[int]]:
    """Read a reading's scores by poem.

    Exit if a poem is missing or unknown, or a score out of bounds.
    """
    scores = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip():
            continue
        id_, *cells = line.split()
        numbers = [int(cell) for cell in cells]
        if id_ not in ids or len(numbers) != len(criteria) or not set(numbers) <= {1, 2, 3, 4, 5}:
            sys.exit(f"{path.name}: {line!r} is no row of this sheet")
        scores[id_] = numbers
    missing = ids - scores.keys()
    if missing:
        sys.exit(f"{path.name}: no scores for {', '.join(sorted(missing))}")
    return scores


class Read(NamedTuple):
    """A sheet with its readings."""

    criteria: Sequence[str]
    conditions: list[str]
    entries: list[Entry]
    readings: dict[str, dict[str, list[int]]]
    """The scores by poem, for each reader's name."""


def read_sheet(folder: Path) -> Read:
    """Read a sheet's key and readings; exit if there is no reading."""
    key = json.loads((folder / "key.json").read_text(encoding="utf-8"))
    criteria = CRITERIA[key["kind"]]
    entries = [Entry(**entry) for entry in key["entries"]]
    ids = {entry.id for entry in entries}
    paths = sorted((folder / "readings").glob("*.txt"))
    if not paths:
        sys.exit(f"{folder / 'readings'} holds no reading")
    readings = {path.stem: reading(path, ids, criteria) for path in paths}
    return Read(criteria=criteria, conditions=key["conditions"], entries=entries, readings=readings)


def score(folder: Path, prefix: str | None) -> None:
    """Print the table of all readings, and record its figures if a prefix is given."""
    criteria, conditions, entries, readings = read_sheet(folder)
    scores = scores_by_condition(conditions, entries, readings)
    prompts = {entry.prompt for entry in entries}
    print(f"{len(prompts)} prompts, {len(entries)} poems, {len(readings)} readings: ", end="")
    print(", ".join(readings) + "\n")
    # 1) The head of the table.
    head = ["poems"]
    head += criteria
    head += ["mean", "95 %", "each reading"]
    if REAL in scores:
        head.append("of the gap")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    # 2) A row for each condition.
    first = scores[next(iter(scores))]
    for name, row in scores.items():
        means = row.mean(axis=(0, 1))
        low, high = interval(row.mean(axis=(1, 2)))
        cells = [name]
        cells += [f"{value:.2f}" for value in means]
        cells.append(f"**{row.mean():.2f}**")
        cells.append(f"{low:.2f} to {high:.2f}")
        cells.append(" ".join(f"{value:.2f}" for value in row.mean(axis=(0, 2))))
        if REAL in scores:
            cells.append(covered(first, row, scores[REAL]))
        print("| " + " | ".join(cells) + " |")
        # 3) Its figures.
        if prefix:
            figures = {}
            for criterion, value in zip(criteria, means, strict=True):
                figures[f"{prefix}.{name}.{criterion}"] = float(value)
            figures[f"{prefix}.{name}.mean"] = float(row.mean())
            record(f"python -m lab.experiments.blind_reading score {folder.name}", figures)


def scores_by_condition(
    conditions: Sequence[str],
    entries: Sequence[Entry],
    readings: Mapping[str, Mapping[str, list[int]]],
) -> dict[str, np.ndarray]:
    """Return the scores of each condition, (prompts, readings, criteria); real poems come last."""
    # the poems of two prompts with one text, in two forms, stand together
    texts = list(dict.fromkeys(entry.prompt for entry in entries))
    by_condition: dict[str, list[list[list[int]]]] = {name: [] for name in conditions}
    for entry in sorted(entries, key=lambda entry: texts.index(entry.prompt)):
        of_poem = [reading[entry.id] for reading in readings.values()]
        by_condition.setdefault(entry.condition, []).append(of_poem)
    return {name: np.array(rows, float) for name, rows in by_condition.items()}


def covered(first: np.ndarray, row: np.ndarray, real: np.ndarray) -> str:
    """Format the share of the distance to real poems, with its interval over prompts."""
    first = first.mean(axis=(1, 2))
    row = row.mean(axis=(1, 2))
    real = real.mean(axis=(1, 2))
    share = (fmean(row) - fmean(first)) / (fmean(real) - fmean(first))
    draws = np.random.default_rng(0).integers(len(first), size=(4000, len(first)))
    first_means = first[draws].mean(axis=1)
    row_means = row[draws].mean(axis=1)
    real_means = real[draws].mean(axis=1)
    shares = (row_means - first_means) / (real_means - first_means)
    low, high = np.percentile(shares, [2.5, 97.5])
    return f"{share:.0%} ({low:.0%} to {high:.0%})"


def interval(values: np.ndarray) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean over prompts."""
    draws = np.random.default_rng(0).integers(len(values), size=(4000, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def main() -> None:
    """Write a sheet, or score one, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parts = parser.add_subparsers(required=True, dest="part")
    sheet = parts.add_parser("sheet")
    scores = parts.add_parser("score")
    for part in (sheet, scores):
        part.add_argument("folder", type=Path)
    sheet.add_argument("conditions", nargs="+")
    sheet.add_argument("--split", default="dev", choices=("dev", "test"))
    sheet.add_argument("--titles", type=int, default=20, help="how many titles, or themes")
    sheet.add_argument("--themes", action="store_true")
    sheet.add_argument("--seed", type=int, default=1)
    scores.add_argument("--record", help="the beginning of the figures' names")
    given = parser.parse_args()
    if given.part == "score":
        score(given.folder, given.record)
        return
    rng = random.Random(given.seed)
    if given.themes:
        kind = "themes"
        prompts = theme_prompts(given.titles, rng)
    else:
        kind = "titles"
        prompts = title_prompts(given.split, given.titles, rng)
    writers = {}
    for text in given.conditions:
        name, options = condition(text)
        writers[name] = partial(poem_for, options=options)
    write_sheet(given.folder, kind, prompts, writers, given.seed)


if __name__ == "__main__":
    main()
