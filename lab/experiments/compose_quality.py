"""Measure whether composed poems meet their constraints, and what that costs.

    OPENBLAS_NUM_THREADS=1 python -m lab.experiments.compose_quality [--prompts 200] [--json FILE]

Writes the figures `compose.*` of quality to lab/figures.json and prints the tables for the
LOG. Poems are judged by `pingze.verse.checking`, which knows nothing of the composer, and by
`broken`, which reads the finished text.

Each prompt is built around a random template and rhyme group, so that most prompts can be met. The
characters that it fixes are drawn from those with the tone and rhyme that their positions need,
frequent ones more often; one in ten is drawn from all characters. Prompts that the composer refuses
are counted and replaced.

Costs are measured on poems without taste, which follow the model's own distribution. Whether
constraints are kept is measured with taste too.
"""

import argparse
import json
import random
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lab.experiments.quality import MEASURED
from lab.figures import record
from pingze.composing.composer import Composer, load_composer
from pingze.composing.options import Composing, Sampling
from pingze.composing.poem import punctuate
from pingze.composing.read_request import read_request
from pingze.composing.smc import Populations, finish
from pingze.errors import InfeasibleError, InputError
from pingze.network.reference import LineSampler
from pingze.verse.characters import MARKS, mark_after
from pingze.verse.checking import check
from pingze.verse.forms import FORMS, OPENINGS, Form, line_types, opening_name
from pingze.verse.patterns import SIDES, accepted
from pingze.verse.rhyme_groups import GROUPS, LEVEL
from pingze.verse.standard import PINGSHUI

COMMAND = "python -m lab.experiments.compose_quality"
CURVE_FORMS = ("七絕", "五律")
PARTICLES = (1, 2, 4, 8, 16, 32, 64, 128)
TEMPERATURE = 0.8
SAMPLING = Sampling(temperature=TEMPERATURE, particles=32)
COMMON = 1500
"""Prompts draw from this many of the most frequent characters."""
CARELESS = 0.1
"""The share of fixed characters that are drawn without regard to tone and rhyme."""
CHANCES = {
    "start": 0.4,
    "acrostic": 0.3,
    "rhyme": 0.4,
    "pattern": 0.35,
    "include": 0.3,
    "exclude": 0.3,
    "template": 0.25,
    "level": 0.25,
}
"""The probability with which a prompt has each option; a prompt without options is drawn again."""

Options = dict[str, Any]
"""Keyword arguments of `compose`, without the form."""


# -- prompts ----------------------------------------------------------------------------------------------------


@dataclass
class Palette:
    """The characters from which one prompt draws, and those that it has used."""

    characters: str
    """The characters to draw from, the most frequent first."""
    used: set[str] = field(default_factory=set)

    def pick(self, rng: random.Random, tone: str = "x", group: str | None = None) -> str:
        """Draw an unused character of a tone (P, Z or x) and rhyme group, by frequency."""
        found = [c for c in self.characters if c not in self.used]
        if rng.random() >= CARELESS:
            fitting = found
            side = SIDES.get(tone)
            if side is not None:
                fitting = [c for c in fitting if PINGSHUI.usable_tone(c) == side]
            if group is not None:
                fitting = [c for c in fitting if group in PINGSHUI.rhymes(c)]
            found = fitting or found
        weights = [1 / (rank + 30) for rank in range(len(found))]
        (character,) = rng.choices(found, weights)
        self.used.add(character)
        return character


@dataclass
class Sketch:
    """The tones and the rhyme around which a prompt is built."""

    form: Form
    template: str
    group: str
    tones: list[str]
    """The tone of each position in the poem: P (level), Z (oblique) or x (either)."""
    feet: set[int]
    """The positions that rhyme."""

    @classmethod
    def draw(cls, form: Form, rng: random.Random) -> "Sketch":
        """Draw a template and a rhyme group with many rhymes.

        Each line gets its plainest pattern.
        """
        assert form.lines, "the forms measured have a length"
        kinds = line_types(rng.choice(OPENINGS), form.lines)
        tones: list[str] = []
        feet = set()
        for kind in kinds:
            tones += accepted(kind, form.width, "strict")[0].tones
            if kind.isupper():
                feet.add(len(tones) - 1)
        common = [
            g for g in GROUPS if GROUPS[g].side == LEVEL and len(PINGSHUI.rhyme_characters(g)) > 60
        ]
        return cls(
            form=form,
            template=opening_name(form.width, kinds[0]),
            group=rng.choice(common),
            tones=tones,
            feet=feet,
        )

    def character(self, palette: Palette, rng: random.Random, place: int) -> str:
        """Draw a character that suits a position."""
        if place in self.feet:
            return palette.pick(rng, "P", self.group)
        return palette.pick(rng, self.tones[place])


def prompts(form: Form, characters: str, rng: random.Random) -> Iterable[Options]:
    """Generate prompts without end."""
    while True:
        sketch = Sketch.draw(form, rng)
        palette = Palette(characters)
        chosen = [name for name, chance in CHANCES.items() if rng.random() < chance]
        options: Options = {}
        for name in chosen:
            options |= option(name, sketch, palette, rng)
        if options:
            yield options


def option(name: str, sketch: Sketch, palette: Palette, rng: random.Random) -> Options:
    """Draw the value of one option."""
    form = sketch.form
    match name:
        case "start":
            places = range(rng.randint(1, form.width + 2))
            return {"start": "".join(sketch.character(palette, rng, place) for place in places)}
        case "acrostic":
            return acrostic(sketch, palette, rng)
        case "pattern":
            return {"pattern": pattern(sketch, palette, rng)}
        case "include":
            return {"include": " ".join(palette.pick(rng) for _ in range(rng.randint(1, 3)))}
        case "exclude":
            return {"exclude": "".join(palette.pick(rng) for _ in range(rng.randint(1, 5)))}
        case "template":
            whole = sketch.template
            return {"template": rng.choice([whole, whole[:2], whole[2:]])}
        case "rhyme":
            return {"rhyme": sketch.group}
    return {"level": "strict"}


def acrostic(sketch: Sketch, palette: Palette, rng: random.Random) -> Options:
    """Draw an acrostic, a character for each line or for the first two."""
    width = sketch.form.width
    lines = sketch.form.lines or 0
    at = rng.choice(["head", "head", "middle", "end"])
    position = acrostic_position(width, at)
    count = rng.choice([2, lines, lines])
    text = "".join(sketch.character(palette, rng, line * width + position) for line in range(count))
    return {"acrostic": text, "acrostic_at": at}


def pattern(sketch: Sketch, palette: Palette, rng: random.Random) -> str:
    """Draw a pattern: some of its blocks fix one or two characters, and the rest is free."""
    width = sketch.form.width
    lines = sketch.form.lines or 0
    blocks = [["＿"] * width for _ in range(rng.randint(1, lines))]
    for line in rng.sample(range(len(blocks)), min(len(blocks), rng.randint(1, 3))):
        start = rng.randrange(width - 1)
        for at in range(start, start + rng.randint(1, 2)):
            blocks[line][at] = sketch.character(palette, rng, line * width + at)
    return " ".join("".join(block) for block in blocks)


def common_characters(chosen: Composer) -> str:
    """Return the Han characters most frequent in training, in that order."""
    vocabulary = chosen.vocabulary
    han = [
        token for token, is_han in zip(vocabulary.tokens, vocabulary.is_han, strict=True) if is_han
    ]
    return "".join(han[:COMMON])


# -- judging ----------------------------------------------------------------------------------------------------


def broken(form: Form, options: Options, lines: Sequence[str]) -> list[str]:
    """Return the names of the constraints that a poem breaks, judged by its text alone."""
    text = "".join(lines)
    fixed = fixed_places(form, options)
    free = [place for place in range(len(text)) if place not in fixed]
    verdict = check(punctuate(list(lines)), form=form.name, level=options.get("level", "customary"))
    kept = {
        "check": verdict.ok,
        "fixed": all(text[place] == character for place, character in fixed.items()),
        "include": all(word in text for word in options.get("include", "").split()),
        "exclude": not any(c in text for c in options.get("exclude", "")),
        "rhyme": rhymes_in(options.get("rhyme"), lines),
        "template": options.get("template", "") in (verdict.template or ""),
        "twice": not any(stands_twice(text, form.width, place, fixed) for place in free),
    }
    return [name for name, keeps in kept.items() if not keeps]


def fixed_places(form: Form, options: Options) -> dict[int, str]:
    """Return the characters that a prompt fixes, by their position in the poem from 0."""
    width = form.width
    fixed = dict(enumerate(options.get("start", "")))
    if "acrostic" in options:
        position = acrostic_position(width, options["acrostic_at"])
        for line, character in enumerate(options["acrostic"]):
            fixed[line * width + position] = character
    blocks = options.get("pattern", "").replace(" ", "")
    fixed |= {place: character for place, character in enumerate(blocks) if character != "＿"}
    return fixed


def acrostic_position(width: int, at: str) -> int:
    """Return the position in a line, from 0, of an acrostic's character."""
    return {"head": 0, "middle": (width + 1) // 2 - 1, "end": width - 1}[at]


def rhymes_in(group: str | None, lines: Sequence[str]) -> bool:
    """Return whether the even lines can rhyme in a group."""
    return group is None or all(group in PINGSHUI.rhymes(line[-1]) for line in lines[1::2])


def stands_twice(text: str, width: int, place: int, fixed: dict[int, str]) -> bool:
    """Return whether a composed character recurs, except as reduplication 疊字."""
    others = [q for q, c in enumerate(text) if c == text[place] and q != place]
    if not others:
        return False
    beside = [q for q in others if abs(q - place) == 1 and q // width == place // width]
    apart = [q for q in others if q not in beside]
    return len(beside) != 1 or any(q not in fixed for q in apart)


# -- measuring --------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """The results of composing to the prompts of one form."""

    asked: list[Options] = field(default_factory=list)
    lines: list[list[str]] = field(default_factory=list)
    faults: list[tuple[Options, list[str], list[str]]] = field(default_factory=list)
    refused: int = 0
    refusal_seconds: list[float] = field(default_factory=list)
    compile_seconds: list[float] = field(default_factory=list)

    @property
    def kept_share(self) -> float:
        """The share of poems that meet all their constraints."""
        return 1 - len(self.faults) / len(self.lines)


def compose_prompts(chosen: Composer, form: Form, count: int, taste: float) -> Outcome:
    """Compose to prompts until there are `count` poems."""
    outcome = Outcome()
    endless = prompts(form, common_characters(chosen), random.Random(form.name))
    for number, options in enumerate(endless):
        # 1) Compile the prompt, or count it as refused.
        start = time.perf_counter()
        try:
            asked = Composing(form=form.name, taste=taste, **options)
            inclusion = chosen.prepare(read_request(chosen.vocabulary, asked))
        except (InfeasibleError, InputError):
            outcome.refused += 1
            outcome.refusal_seconds.append(time.perf_counter() - start)
            continue
        outcome.compile_seconds.append(time.perf_counter() - start)
        # 2) Compose and judge.
        lines = chosen.write(inclusion, SAMPLING, number).lines
        outcome.asked.append(options)
        outcome.lines.append(lines)
        faults = broken(form, options, lines)
        if faults:
            outcome.faults.append((options, lines, faults))
        if len(outcome.lines) == count:
            return outcome
    raise AssertionError("prompts do not end")


def unconstrained(chosen: Composer, form: Form, count: int) -> list[list[str]]:
    """Sample poems in a form's shape from the model alone, after the form's token."""
    sampler = LineSampler(chosen.network, chosen.vocabulary, TEMPERATURE, np.random.default_rng(1))
    poems = []
    for _ in range(count):
        sampler.start(prefix_of(chosen, form))
        poems.append(sampler.lines("", form.width, form.lines or 0, may_end=False))
    return poems


def prefix_of(chosen: Composer, form: Form) -> list[int]:
    """Return the tokens before a poem that has no constraint but its form."""
    return chosen.prefix(read_request(chosen.vocabulary, Composing(form=form.name)))


def passing(form: Form, poems: Sequence[Sequence[str]], level: str) -> float:
    """Return the share of poems that the checker accepts."""
    return statistics.mean(check(punctuate(list(p)), form=form.name, level=level).ok for p in poems)


def per_hanzi(
    chosen: Composer, form: Form, poems: Iterable[list[str]], *, whole: bool = True
) -> list[float]:
    """Return each poem's ln p at temperature 1, of its whole text or its hanzi alone, per hanzi."""
    prefix = prefix_of(chosen, form)
    values = []
    for lines in poems:
        scores = chosen.score(lines, prefix)[1]
        if not whole:
            tokens = "".join(line + mark_after(number) for number, line in enumerate(lines))
            is_hanzi = [token not in MARKS for token in tokens]
            is_hanzi.append(False)  # the end of the text
            scores = scores[np.array(is_hanzi)]
        values.append(float(scores.sum()) / len("".join(lines)))
    return values


def mean_error(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and its standard error."""
    return statistics.mean(values), statistics.stdev(values) / len(values) ** 0.5


def form_only(chosen: Composer, form: Form, count: int, *, repeat: bool) -> list[list[str]]:
    """Compose poems with no constraint but the form."""
    options = Composing(form=form.name, repeat=repeat, taste=0)
    inclusion = chosen.prepare(read_request(chosen.vocabulary, options))
    return [chosen.write(inclusion, SAMPLING, seed).lines for seed in range(count)]


def curve(chosen: Composer, form: Form, asked: Sequence[Options]) -> dict[int, dict[str, float]]:
    """Measure effective size and ln p per hanzi, by the number of particles."""
    compiled = []
    for options in asked:
        request = read_request(chosen.vocabulary, Composing(form=form.name, **options))
        compiled.append(chosen.prepare(request))
    rows = {}
    for particles in PARTICLES:
        sizes = []
        values = []
        for seed, inclusion in enumerate(compiled):
            rng = np.random.default_rng(seed)
            populations = Populations(
                chosen.network,
                inclusion.constraints,
                [inclusion.draw(particles, rng)],
                sampling=Sampling(temperature=TEMPERATURE, particles=particles),
                prefix=prefix_of(chosen, form),
            )
            text = chosen.vocabulary.decode(finish(populations)[0][0].ids)
            values += per_hanzi(chosen, form, [form.layout(len(text) // form.width).cut(text)])
            sizes.append(float(np.mean(populations.sizes)))
        mean, error = mean_error(values)
        rows[particles] = {"ess": statistics.mean(sizes), "log_p": mean, "error": error}
    return rows


# -- reporting --------------------------------------------------------------------------------------------------


def measure(count: int) -> dict[str, Any]:
    """Measure all figures of each form."""
    chosen = load_composer()
    result: dict[str, Any] = {}
    for name in MEASURED:
        form = FORMS[name]
        # 1) Compose.
        outcome = compose_prompts(chosen, form, count, taste=0)
        tasteful = compose_prompts(chosen, form, count, taste=1)
        free = unconstrained(chosen, form, count)
        poems = {
            "unconstrained": free,
            "form": form_only(chosen, form, count // 2, repeat=True),
            "form_no_repeat": form_only(chosen, form, count // 2, repeat=False),
            "prompts": outcome.lines,
        }
        # 2) Measure ln p per hanzi, of whole texts and of the hanzi alone.
        log_p = {}
        log_p_hanzi = {}
        for source, lines in poems.items():
            log_p[source] = mean_error(per_hanzi(chosen, form, lines))
            log_p_hanzi[source] = mean_error(per_hanzi(chosen, form, lines, whole=False))
        # 3) Collect the figures.
        figures = {
            "kept": outcome.kept_share,
            "passing": 1 - sum("check" in faults for _, _, faults in outcome.faults) / count,
            "kept_with_taste": tasteful.kept_share,
            "faults": outcome.faults + tasteful.faults,
            "refused": outcome.refused,
            "refusal_seconds_max": max(outcome.refusal_seconds, default=0),
            "refusal_seconds_median": statistics.median(outcome.refusal_seconds or [0]),
            "compile_seconds_max": max(outcome.compile_seconds),
            "unconstrained_kept": passing(form, free, "customary"),
            "unconstrained_strict": passing(form, free, "strict"),
            "log_p": log_p,
            "log_p_hanzi": log_p_hanzi,
        }
        if name in CURVE_FORMS:
            figures["curve"] = curve(chosen, form, outcome.asked[: count * 2 // 5])
        print(json.dumps({name: figures}, ensure_ascii=False), flush=True)
        result[name] = figures
    return result


def tables(result: dict[str, Any]) -> str:
    """Format the figures as Markdown.

    Costs are those of the whole text, with those of the hanzi alone in brackets.
    """
    # 1) A row for each form.
    rows = [
        "| form | pass `check` | keep all | with taste | refused | unconstrained pass (strict) "
        "| cost: form | no repeat | prompts |",
        "|---" * 9 + "|",
    ]
    for name, figures in result.items():
        cells = [name]
        cells += [f"{figures[key]:.1%}" for key in ("passing", "kept", "kept_with_taste")]
        cells.append(f"{figures['refused']}")
        cells.append(f"{figures['unconstrained_kept']:.1%} ({figures['unconstrained_strict']:.1%})")
        for kind in ("form", "form_no_repeat", "prompts"):
            whole = cost(figures, "log_p", kind)
            hanzi = cost(figures, "log_p_hanzi", kind)
            cells.append(f"{whole:.2f} ({hanzi:.2f})")
        rows.append(f"| {' | '.join(cells)} |")
    # 2) A table for each curve.
    for name in CURVE_FORMS:
        points = result[name]["curve"].values()
        counts = [f"{particles}" for particles in PARTICLES]
        sizes = [f"{point['ess']:.1f}" for point in points]
        log_p = [f"{point['log_p']:.2f}" for point in points]
        errors = [f"{point['error']:.2f}" for point in points]
        rows.append("")
        rows.append(f"| {name}, particles | {' | '.join(counts)} |")
        rows.append("|---" * (len(PARTICLES) + 1) + "|")
        rows.append(f"| effective size | {' | '.join(sizes)} |")
        rows.append(f"| ln p/hanzi | {' | '.join(log_p)} |")
        rows.append(f"| ± | {' | '.join(errors)} |")
    return "\n".join(rows)


def cost(figures: dict[str, Any], measure: str, kind: str) -> float:
    """Return how many nats per hanzi poems lack to unconstrained samples."""
    return float(figures[measure]["unconstrained"][0] - figures[measure][kind][0])


def summary(result: dict[str, Any]) -> dict[str, float]:
    """Return the figures to record."""
    forms = list(result.values())
    return {
        "compose.kept_share": statistics.mean(f["kept"] for f in forms),
        "compose.kept_share_with_taste": statistics.mean(f["kept_with_taste"] for f in forms),
        "compose.unconstrained_kept_share": statistics.mean(f["unconstrained_kept"] for f in forms),
        "compose.passing_share": statistics.mean(f["passing"] for f in forms),
        "compose.cost_nats_per_hanzi": max(cost(f, "log_p", "form") for f in forms),
        "compose.cost_nats_per_hanzi_no_repeat": max(
            cost(f, "log_p", "form_no_repeat") for f in forms
        ),
        "compose.ess_32": result["七絕"]["curve"][32]["ess"],
        "compose.refusal_seconds_max": max(f["refusal_seconds_max"] for f in forms),
    }


def main() -> None:
    """Measure, print the tables, and record the figures."""
    parser = argparse.ArgumentParser(
        description="Composing under constraints: what is kept and what it costs."
    )
    parser.add_argument("--prompts", type=int, default=200, help="poems of each form")
    parser.add_argument("--json", type=Path, help="where every figure goes")
    arguments = parser.parse_args()
    result = measure(arguments.prompts)
    print(tables(result))
    if arguments.json:
        text = json.dumps(result, ensure_ascii=False, indent=1)
        arguments.json.write_text(text + "\n", encoding="utf-8")
    record(COMMAND, summary(result))


if __name__ == "__main__":
    main()
