"""Measure which old-style poems and faulty drafts `check` judges as regulated.

    python -m lab.experiments.old_style

A clean Tang poem with the lines of regulated verse (four, eight, ten or a larger even number, all of
five or all of seven characters) is surely old-style 古體 if it has a fault as regulated verse, and

- by its rhyme: as old-style verse it has no fault, and its rhyme is oblique or changes;
- by its title: the title has a word of `TITLES`;
- by its distance: it has at least ten lines, and more faults as regulated verse than couplets.

A draft is a faultless Tang quatrain or octave in which one to five characters, drawn at random,
are replaced by others of the corpus so that it has one to five faults.
"""

import argparse
import random
from collections import Counter
from collections.abc import Iterator, Sequence

from lab.figures import record
from pingze.corpus import Store
from pingze.corpus.poem import CorpusPoem
from pingze.verse.checking import check
from pingze.verse.forms import FORMS
from pingze.verse.rhyme_groups import GROUPS, LEVEL
from pingze.verse.verdict import Verdict

COMMAND = "python -m lab.experiments.old_style"
TITLES = (
    "古風",
    "古詩",
    "古體",
    "古意",
    "古興",
    "古怨",
    "古離別",
    "古別離",
    "擬古",
    "效古",
    "學古",
    "樂府",
    "感遇",
)
"""Words of titles that only old-style verse has."""
DRAFTS = 700
"""The number of drafts of each form for each number of replaced characters."""
MOST = 5
"""Drafts have at most so many faults."""


def main() -> None:
    """Print both tables and record the shares."""
    parser = argparse.ArgumentParser(
        description="Measure how old-style poems and drafts are judged."
    )
    parser.add_argument("--seed", type=int, default=1, help="the seed of the drafts")
    arguments = parser.parse_args()
    with Store.open() as store:
        poems = [poem for poem in store.poems(dynasty="tang") if shape(poem.lines)]
    old_style, faultless = sort_out(poems)
    values = refused_old_style(old_style)
    values |= caught_drafts(faultless, random.Random(arguments.seed))
    record(COMMAND, values)


def refused_old_style(old_style: dict[tuple[str, str], list[Verdict]]) -> dict[str, float]:
    """Print how many old-style poems are judged as regulated verse, and return the shares."""
    print(
        "reason and form | poems | judged as regulated verse with at most 1, 2, 3, 5 faults, or more"
    )
    refused = Counter[str]()
    for (reason, form), verdicts in sorted(old_style.items()):
        counts = [judged(verdict) for verdict in verdicts]
        cells = [sum(0 < count <= most for count in counts) for most in (1, 2, 3, 5, 1000)]
        print(reason, form, "|", len(verdicts), "|", *cells)
        refused["poems"] += len(verdicts)
        refused["faulty"] += cells[-1]
        if form[1] != "排":
            refused["short"] += len(verdicts)
            refused["faulty short"] += cells[-1]
    print(dict(refused))
    return {
        "check.old_style_refused_percent": 100 * refused["faulty"] / refused["poems"],
        "check.old_style_short_refused_percent": 100 * refused["faulty short"] / refused["short"],
    }


def caught_drafts(faultless: dict[str, list[list[str]]], rng: random.Random) -> dict[str, float]:
    """Print how drafts are judged, and return the shares that are judged as regulated verse."""
    found = Counter[str]()
    print("form, faults | drafts | judged as regulated verse | passed | told to be several poems")
    for form, lines in faultless.items():
        verdicts = [check(text) for text in drafts(lines, form, rng)]
        by_faults: dict[int, list[Verdict]] = {}
        for verdict in verdicts:
            wanted = check("，".join(verdict.lines), form=form)
            by_faults.setdefault(len(wanted.violations), []).append(verdict)
        for faults, group in sorted(by_faults.items()):
            caught = sum(verdict.form == form and not verdict.ok for verdict in group)
            told = sum("several_poems" in codes(verdict) for verdict in group)
            passed = sum(verdict.ok for verdict in group)
            print(form, faults, "|", len(group), "|", caught, "|", passed, "|", told)
            found[f"{faults}"] += len(group)
            found[f"{faults} caught"] += caught
    values = {}
    for faults in range(1, MOST + 1):
        share = 100 * found[f"{faults} caught"] / found[f"{faults}"]
        values[f"check.drafts_{faults}_judged_percent"] = share
    return values


def shape(lines: Sequence[str]) -> list[str]:
    """List the forms of the lines' shape, regulated first; [] without one of these."""
    widths = {len(line) for line in lines}
    names = [
        form.name for form in FORMS.values() if widths == {form.width} and form.takes(len(lines))
    ]
    return names if len(names) > 1 else []


def sort_out(
    poems: Sequence[CorpusPoem],
) -> tuple[dict[tuple[str, str], list[Verdict]], dict[str, list[list[str]]]]:
    """Find old-style poems, with their verdicts, and lines of faultless short ones."""
    old_style: dict[tuple[str, str], list[Verdict]] = {}
    faultless: dict[str, list[list[str]]] = {}
    for poem in poems:
        text = "，".join(poem.lines)
        form, old_form = shape(poem.lines)
        regulated = check(text, form=form)
        if regulated.ok:
            if FORMS[form].lines:
                faultless.setdefault(form, []).append(poem.lines)
            continue
        reason = why_old_style(poem, regulated, check(text, form=old_form))
        if reason:
            old_style.setdefault((reason, form), []).append(check(text))
    return old_style, faultless


def why_old_style(poem: CorpusPoem, regulated: Verdict, old_style: Verdict) -> str:
    """Return why a poem is surely old-style verse: rhyme, title or distance.

    "" if it may be regulated verse.
    """
    rhyme = old_style.rhyme
    if old_style.ok and (rhyme is None or GROUPS[rhyme[0]].tone != LEVEL):
        return "rhyme"
    if any(word in poem.title for word in TITLES):
        return "title"
    couplets = len(poem.lines) // 2
    if couplets >= 5 and len(regulated.violations) > couplets:
        return "distance"
    return ""


def judged(verdict: Verdict) -> int:
    """Return the number of faults as regulated verse; 0 if the poem is not judged as that."""
    is_regulated = verdict.form in FORMS and FORMS[verdict.form].regulated
    return len(verdict.violations) if is_regulated else 0


def codes(verdict: Verdict) -> list[str]:
    """List the codes of a verdict's notes."""
    return [str(note.cause["code"]) for note in verdict.notes]


def drafts(poems: Sequence[Sequence[str]], form: str, rng: random.Random) -> Iterator[str]:
    """Yield drafts with one to five faults, made of faultless poems of a form."""
    characters = "".join("".join(lines) for lines in poems)
    width = FORMS[form].width
    for replaced in range(1, MOST + 1):
        count = 0
        while count < DRAFTS:
            text = list("".join(rng.choice(poems)))
            for place in rng.sample(range(len(text)), replaced):
                text[place] = rng.choice(characters)
            whole = "".join(text)
            starts = range(0, len(whole), width)
            draft = "，".join(whole[start : start + width] for start in starts)
            if 1 <= len(check(draft, form=form).violations) <= MOST:
                count += 1
                yield draft


if __name__ == "__main__":
    main()
