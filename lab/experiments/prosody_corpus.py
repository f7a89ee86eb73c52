"""Check the regulated forms of the Tang corpus, and what shuffling does to them.

    python -m lab.experiments.prosody_corpus

Every poem of four or eight lines of five or seven characters is checked as 絕 or 律, whatever it
was meant to be. The column "standard" counts poems without faults of tone, "and rhyme" poems
without any fault. The first line's rhyme is given as a share of the poems with one level rhyme. Two
controls should fail both: the characters of each line shuffled, except the last, which may rhyme;
and the couplets shuffled.
"""

import argparse
import json
import random
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from pingze.corpus import Store
from pingze.verse.checking import check
from pingze.verse.forms import FORMS, Form
from pingze.verse.rhyme_groups import GROUPS, LEVEL
from pingze.verse.standard import PINGSHUI
from pingze.verse.verdict import Verdict

SHAPES = [form for form in FORMS.values() if form.lines]
CHECKS = 100_000

Poem = tuple[str, list[str]]
"""A poem's poet and lines."""


def main() -> None:
    """Measure the corpus, print the table, and write the figures if a file is given."""
    parser = argparse.ArgumentParser(description="Check the regulated forms of the Tang corpus.")
    parser.add_argument("--json", type=Path, help="the file to write the figures to")
    parser.add_argument("--seed", type=int, default=0, help="the seed of the shuffles")
    arguments = parser.parse_args()
    poems = list(tang_poems())
    figures = measure(poems, arguments.seed)
    print(table(figures))
    if arguments.json:
        text = json.dumps(figures, ensure_ascii=False, indent=2)
        arguments.json.write_text(text + "\n", encoding="utf-8")


def tang_poems() -> Iterator[Poem]:
    """Yield the clean Tang poems of the store."""
    with Store.open() as store:
        for poem in store.poems(dynasty="tang"):
            yield poem.author, poem.lines


def measure(poems: Sequence[Poem], seed: int) -> dict[str, Any]:
    """Compute all figures of each form, and those of the whole corpus."""
    by_form = {}
    forms = {}
    rules = {}
    for form in SHAPES:
        found = [(poet, lines) for poet, lines in poems if has_shape(lines, form)]
        by_form[form.name] = found
        forms[form.name] = form_figures(form, found, seed)
        rules[form.name] = rule_figures(form, found)
    characters: Counter[str] = Counter()
    for _, lines in poems:
        characters.update("".join(lines))
    unknown = sum(count for c, count in characters.items() if not PINGSHUI.tones(c))
    return {
        "forms": forms,
        "rules": rules,
        "unknown_characters_percent": 100 * unknown / characters.total(),
        "poets": poet_figures(by_form),
        "seconds_for_100000_checks": time_checks(by_form),
    }


def has_shape(lines: Sequence[str], form: Form) -> bool:
    """Return whether lines have the number and length that a form requires."""
    return form.takes(len(lines)) and all(len(line) == form.width for line in lines)


def form_figures(form: Form, poems: Sequence[Poem], seed: int) -> dict[str, float]:
    """Compute the row of a form, in percent except for the number of poems."""
    lines = [lines for _, lines in poems]
    verdicts = [judge(each, form) for each in lines]
    rhymed = [each for each in lines if level_groups(each)]
    return {
        "poems": len(lines),
        "level_rhyme": 100 * len(rhymed) / len(lines),
        "first_line_rhymed": share(first_line_rhymes(each) for each in rhymed),
        "by_neighbour": share(first_line_borrows(each) for each in rhymed),
        "standard": share(keeps_tones(verdict) for verdict in verdicts),
        "standard_and_rhyme": share(verdict.ok for verdict in verdicts),
        "strict": share(strictly(each, form).ok for each in lines),
        "characters_shuffled": shuffled(lines, form, seed, shuffle_characters),
        "couplets_shuffled": shuffled(lines, form, seed, shuffle_couplets),
    }


def rule_figures(form: Form, poems: Sequence[Poem]) -> dict[str, float]:
    """Compute what percentage of the poems with one level rhyme break each rule of strict verse."""
    found = [strictly(lines, form) for _, lines in poems if level_groups(lines)]
    broken: Counter[str] = Counter()
    for verdict in found:
        broken.update({violation.rule for violation in verdict.violations})
    text = files("pingze.verse").joinpath("data", "rules.toml").read_text(encoding="utf-8")
    return {rule: 100 * broken[rule] / len(found) for rule in tomllib.loads(text)}


def strictly(lines: Sequence[str], form: Form) -> Verdict:
    """Check lines as a form, by the rules of strict verse."""
    return check("，".join(lines), form=form.name, level="strict")


def judge(lines: Sequence[str], form: Form) -> Verdict:
    """Check lines as a form, by the customary rules."""
    return check("，".join(lines), form=form.name)


def keeps_tones(verdict: Verdict) -> bool:
    """Return whether no tone is at fault.

    A rhyme counts as such a fault only if its character is oblique.
    """
    for violation in verdict.violations:
        level = any(reading.startswith(LEVEL) for reading in violation.readings)
        if violation.rule not in ("出韻", "鄰韻", "重韻") or not level:
            return False
    return True


def level_groups(lines: Sequence[str]) -> set[str]:
    """Return the level groups in which all even lines can rhyme."""
    groups = {name for name, group in GROUPS.items() if group.tone == LEVEL}
    for line in lines[1::2]:
        rhymes = PINGSHUI.rhymes(line[-1])
        if rhymes:  # a character that the table does not know may rhyme with all
            groups &= rhymes
    return groups


def first_line_rhymes(lines: Sequence[str]) -> bool:
    """Return whether the first line can rhyme with the even lines."""
    return bool(level_groups(lines) & PINGSHUI.rhymes(lines[0][-1]))


def first_line_borrows(lines: Sequence[str]) -> bool:
    """Return whether the first line ends level, and rhymes only through a neighbouring group."""
    foot = lines[0][-1]
    if first_line_rhymes(lines) or PINGSHUI.tone(foot) != LEVEL:
        return False
    near: set[str] = set()
    for name in level_groups(lines):
        near |= PINGSHUI.neighbours[name]
    return bool(near & PINGSHUI.rhymes(foot))


def shuffled(
    poems: Sequence[Sequence[str]],
    form: Form,
    seed: int,
    shuffle: Callable[[list[str], random.Random], list[str]],
) -> float:
    """Return what percentage of poems pass after a shuffle."""
    rng = random.Random(seed)
    return share(judge(shuffle(list(lines), rng), form).ok for lines in poems)


def shuffle_characters(lines: list[str], rng: random.Random) -> list[str]:
    """Shuffle the characters of each line except the last one."""
    return ["".join(rng.sample(line[:-1], len(line) - 1)) + line[-1] for line in lines]


def shuffle_couplets(lines: list[str], rng: random.Random) -> list[str]:
    """Shuffle the couplets."""
    couplets = [lines[start : start + 2] for start in range(0, len(lines), 2)]
    shuffled_lines = []
    for couplet in rng.sample(couplets, len(couplets)):
        shuffled_lines += couplet
    return shuffled_lines


def poet_figures(by_form: dict[str, list[Poem]]) -> dict[str, dict[str, float]]:
    """Rank poets of fifty or more eight-line poems by what percentage of these have no fault.

    Return both ends.
    """
    kept: dict[str, list[bool]] = defaultdict(list)
    for name in ("五律", "七律"):
        for poet, lines in by_form[name]:
            kept[poet].append(judge(lines, FORMS[name]).ok)
    shares = {poet: share(found) for poet, found in kept.items() if len(found) >= 50}
    ranked = sorted(shares, key=lambda poet: -shares[poet])
    return {
        "most": {poet: shares[poet] for poet in ranked[:8]},
        "fewest": {poet: shares[poet] for poet in ranked[-8:]},
    }


def time_checks(by_form: dict[str, list[Poem]]) -> float:
    """Measure the processor seconds of 100,000 checks of texts of unknown form."""
    texts = []
    for poems in by_form.values():
        texts += ["，".join(lines) for _, lines in poems]
    texts = (texts * (CHECKS // len(texts) + 1))[:CHECKS]
    start = time.process_time()
    for text in texts:
        check(text)
    return time.process_time() - start


def share(kept: Iterable[bool]) -> float:
    """Return the percentage of true values."""
    found = list(kept)
    return 100 * sum(found) / len(found)


def table(figures: dict[str, Any]) -> str:
    """Format the figures as Markdown tables and lines of text."""
    rows = markdown(figures["forms"])
    rows += ["", "Poems with one level rhyme that break each rule:", ""]
    rows += markdown(figures["rules"])
    rows.append(f"\nunknown characters: {figures['unknown_characters_percent']:.3f} %")
    for which, poets in figures["poets"].items():
        shares = [f"{poet} {value:.0f}" for poet, value in poets.items()]
        rows.append(f"{which}: {', '.join(shares)}")
    rows.append(f"{CHECKS:,} checks: {figures['seconds_for_100000_checks']:.1f} s")
    return "\n".join(rows)


def markdown(by_form: dict[str, dict[str, float]]) -> list[str]:
    """Format a Markdown table with one row per form."""
    names = list(next(iter(by_form.values())))
    rows = [
        f"| | {' | '.join(name.replace('_', ' ') for name in names)} |",
        "|---" * (len(names) + 1) + "|",
    ]
    for form, row in by_form.items():
        cells = [f"{row[name]:,}" if name == "poems" else f"{row[name]:.1f}" for name in names]
        rows.append(f"| {form} | {' | '.join(cells)} |")
    return rows


if __name__ == "__main__":
    main()
