"""Samples: the report's fourteen poems, ours in answer to its calls, and real verse, judged by one checker.

The report's poems are no part of this repository. What the checker says of each stands in `printed_poems.json`, which
`experiments/printed_poems.py` writes from the report; a test holds it to the report where that is at hand.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

from pingze.composing import compose, generate
from pingze.composing.quality import MEASURED
from pingze.composing.steering.lapses import Lines
from pingze.network import checkpoint
from pingze.report.charts import Chart, Line
from pingze.report.experiment import Experiment, Judged, Measured, Row, Rows, Trial
from pingze.report.setup import Setup
from pingze.verse import Verdict, check
from pingze.verse.pasted_text import read_lines

MODEL = "report"
CALLS = tuple(
    (start, *call)
    for start, calls in (
        ("日", ((0.7, 6), (0.8, 8))),
        ("紅", ((0.7, 8), (0.8, 6))),
        ("山", ((0.7, 6), (0.8, 8))),
        ("夜", ((0.7, 8), (0.8, 6))),
        ("湖", ((0.7, 6), (0.8, 8))),
        ("海", ((0.7, 8), (0.8, 6))),
        ("月", ((0.7, 8), (0.8, 6))),
    )
    for call in calls
)
"""The report's calls of `generate`: opening, temperature, split_len."""
FORMS = {(4, 5): "五絕", (4, 7): "七絕", (8, 5): "五律", (8, 7): "七律"}


def trials(setup: Setup) -> list[Trial]:
    """The fourteen as printed, the fourteen calls, and a form of real verse each."""
    printed = [
        Trial(
            f"printed {start} {temperature} {split_len}",
            {"printed": number, "temperature": temperature, "split_len": split_len},
        )
        for number, (start, temperature, split_len) in enumerate(CALLS, start=1)
    ]
    calls = [
        Trial(
            f"{start} {temperature} {split_len}",
            {"start": start, "temperature": temperature, "split_len": split_len},
        )
        for start, temperature, split_len in CALLS
    ]
    return printed + calls + [Trial(f"real {form}", {"form": form}) for form in MEASURED]


def measure(setup: Setup, trial: Trial) -> Measured:
    """Write or take the poems of a trial, and have them checked."""
    if number := trial.settings.get("printed"):
        return Measured(printed_poems()[int(number) - 1])
    if form := trial.settings.get("form"):
        real = setup.real[str(form)]
        return Measured({"poems": len(real), "kept": sum(_kept(lines) for lines in real)})
    return _write(setup, *(trial.settings[name] for name in ("start", "temperature", "split_len")))  # type: ignore[arg-type]


def printed_poems() -> list[dict[str, Any]]:
    """What the checker says of the report's poems, in its order."""
    text = files("pingze.report").joinpath("printed_poems.json").read_text(encoding="utf-8")
    poems: list[dict[str, Any]] = json.loads(text)
    return poems


def judge_printed(text: str, start: str, split_len: int) -> dict[str, Any]:
    """The row of a printed poem; a digest stands for its text.

    What keeps no form of itself is measured by the regulated one of its shape, as real verse is.
    """
    lines, verdict = read_lines(text), check(text)
    if not verdict.form and (form := _form(lines)):
        verdict = check("，".join(lines), form=form)
    return {
        "digest": hashlib.blake2b("".join(lines).encode(), digest_size=8).hexdigest(),
        "lines": len(lines),
        "shaped": _shaped(lines, start, split_len - 1),
        "form": verdict.form,
        "faults": dict(sorted(Counter(violation.rule for violation in verdict.violations).items())),
        "kept": verdict.ok,
    }


def _write(setup: Setup, start: str, temperature: float, split_len: int) -> Measured:
    first = setup.seed + 1000 * CALLS.index((start, temperature, split_len))
    seeds = range(first, first + setup.budget.poems)
    texts = [generate(start, temperature, split_len, seed=seed, model=MODEL) for seed in seeds]
    free = [read_lines(text) for text in texts]
    regulated = [lines for lines in free if _form(lines)]
    form = FORMS[4, split_len - 1]
    bound = compose(
        start,
        form=form,
        temperature=temperature,
        seed=first,
        count=len(seeds),
        model=checkpoint.DEFAULT,
    )
    return Measured(
        {
            "free": texts[0],
            "free_verdict": _tell(check(texts[0])),
            "free_poems": len(free),
            "free_shaped": sum(_shaped(lines, start, split_len - 1) for lines in free),
            "free_regulated": len(regulated),
            "free_kept": sum(map(_kept, regulated)),
            "bound": str(bound[0]),
            "bound_verdict": _tell(check(str(bound[0]), form=form)),
            "bound_model": checkpoint.DEFAULT,
            "bound_poems": len(bound),
            "bound_kept": sum(_kept(poem.lines) for poem in bound),
        }
    )


def _form(lines: Lines) -> str | None:
    """The regulated form whose shape some lines of one length have."""
    return FORMS.get((len(lines), len(lines[0])))


def _shaped(lines: Lines, start: str, width: int) -> bool:
    return "".join(lines).startswith(start) and all(len(line) == width for line in lines)


def _kept(lines: Lines) -> bool:
    """Whether lines keep tones and rhyme of the regulated form whose shape they have."""
    return check("，".join(lines), form=_form(lines)).ok


def _tell(verdict: Verdict) -> str:
    faults = sorted({violation.rule for violation in verdict.violations})
    return f"{verdict.form or 'no form'}: {'、'.join(faults) or 'no fault'}"


def _calls(rows: Rows) -> list[Row]:
    return [row for row in rows.values() if "start" in row.settings]


def _printed(rows: Rows) -> list[Row]:
    return [row for row in rows.values() if "printed" in row.settings]


def _real(rows: Rows) -> list[Row]:
    return [row for row in rows.values() if "form" in row.settings]


def _total(rows: Iterable[Row], name: str) -> int:
    return sum(row.figures[name] for row in rows)


def _share(rows: Sequence[Row], part: str, whole: str) -> float:
    return _total(rows, part) / max(1, _total(rows, whole))


def _shape(rows: Rows) -> Judged:
    printed, calls = _printed(rows), _calls(rows)
    sentence = (
        f"Of the report's {len(printed)} poems {_total(printed, 'shaped')} have the opening and the lines asked for; "
        f"of {_total(calls, 'free_poems')} that our model of the report writes in answer to its calls, "
        f"{_total(calls, 'free_shaped')}."
    )
    return Judged({"shaped": _total(printed, "shaped") / len(printed)}, sentence, [*printed, *calls])


def _verse(rows: Rows) -> Judged:
    printed, calls, real = _printed(rows), _calls(rows), _real(rows)
    free, bound = _share(calls, "free_kept", "free_regulated"), _share(calls, "bound_kept", "bound_poems")
    corpus, kept = _share(real, "kept", "poems"), _total(printed, "kept")
    faults = sum((Counter(row.figures["faults"]) for row in printed), Counter())
    told = ", ".join(f"{name} {count}" for name, count in faults.most_common(4))
    sentence = (
        f"Of the report's {len(printed)} poems {kept} keep tones and rhyme; their faults, the commonest: {told}. Real "
        f"Tang poems: {corpus:.0%} of {_total(real, 'poems')}. Written anew in answer to its calls: {free:.0%} of the "
        f"{_total(calls, 'free_regulated')} in four or eight lines; by `{calls[0].figures['bound_model']}` under "
        f"constraints, from the same openings, {bound:.0%} of {_total(calls, 'bound_poems')}."
    )
    return Judged({"kept": kept / len(printed) / corpus if corpus else 0.0}, sentence, [*printed, *real])


def charts(rows: Rows) -> list[Chart]:
    """Shares that keep tones and rhyme, by call, against real verse."""
    calls, real = _calls(rows), _real(rows)
    places = range(1, len(calls) + 1)
    return [
        Chart(
            "How many keep tones and rhyme",
            "Share of each call's poems: the report's generator (those in four or eight lines), and "
            "composed under constraints; dotted, real Tang poems.",
            "call, in the report's order",
            "share",
            [
                Line(
                    "generate",
                    places,
                    [_share([row], "free_kept", "free_regulated") for row in calls],
                    0,
                    marked=True,
                ),
                Line(
                    "compose",
                    places,
                    [_share([row], "bound_kept", "bound_poems") for row in calls],
                    1,
                    marked=True,
                ),
            ],
            y_limits=(-0.03, 1.05),
            marks=[(_share(real, "kept", "poems"), "real Tang poems")],
        )
    ]


EXPERIMENT = Experiment(
    name="samples",
    title="Samples",
    about=(
        "The fourteen poems that the report prints; its fourteen calls of `generate`, answered by the shipped model "
        "of the report; the same "
        "openings in the quatrain of as many characters a line, composed under all constraints of form "
        "by the default model; and Tang poems of the test split. All are judged by `pingze check`, "
        "customarily. The poems shown are of the first seed, none chosen."
    ),
    trials=trials,
    measure=measure,
    judges={"shape": _shape, "verse": _verse},
    charts=charts,
    seeded=False,
)
