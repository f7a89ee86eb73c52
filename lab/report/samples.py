"""Check the report's fourteen poems, the poems that our models write from the same fourteen inputs, and real verse."""

import json
import math
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from lab.experiments.quality import MEASURED, Lines
from lab.report import plan
from lab.report.charts import level
from lab.report.experiment import Figures, Judged, Measured, Rows, Setup, Trial
from pingze.composing.desk import compose
from pingze.composing.generation import generate
from pingze.derivation.charts import by_step, panels
from pingze.network import checkpoint
from pingze.verse.checking import check
from pingze.verse.pasted_text import read_lines
from pingze.verse.verdict import Verdict

MODEL = "report"
CALLS: Mapping[str, tuple[str, float, int]] = {
    "{} {} {}".format(*call): call for call in plan("samples")["calls"]
}
"""The report's calls of `generate`, as (opening, temperature, split_len).

A key joins the values, as in "日 0.7 6".
"""
FORMS = {(4, 5): "五絕", (4, 7): "七絕", (8, 5): "五律", (8, 7): "七律"}


def trials(setup: Setup, rows: Rows) -> list[Trial]:
    """List one trial for each poem in the report, one for each of `CALLS`, and one for the real verse of each form."""
    printed, calls = [], []
    for number, (name, (start, temperature, split_len)) in enumerate(CALLS.items(), start=1):
        options = {"temperature": temperature, "split_len": split_len}
        printed.append(Trial(f"printed {name}", {"printed": number, **options}))
        calls.append(Trial(name, {"start": start, **options}))
    return printed + calls + [Trial(f"real {form}", {"form": form}) for form in MEASURED]


def measure(setup: Setup, trial: Trial) -> Measured:
    """Compose or look up the poems of a trial, and check them."""
    if number := trial.settings.get("printed"):
        return Measured(printed_poems()[number - 1])
    if form := trial.settings.get("form"):
        return Measured({"poems": len(setup.real[form]), "kept": sum(map(_kept, setup.real[form]))})
    # Answer one of the report's calls twice: freely with the model `report`, and in a form with the
    # default model.
    start, temperature, split_len = CALLS[trial.name]
    first = setup.seed + 1000 * list(CALLS).index(trial.name)
    seeds = range(first, first + setup.budget["poems"])
    texts = [
        generate(start, temperature, split_len, max_lines=8, seed=seed, model=MODEL)
        for seed in seeds
    ]
    free = [read_lines(text) for text in texts]
    regulated = [lines for lines in free if (len(lines), len(lines[0])) in FORMS]
    form, model = FORMS[4, split_len - 1], checkpoint.DEFAULT
    bound = compose(
        start, form=form, temperature=temperature, seed=first, count=len(seeds), model=model
    )
    return Measured(
        {
            "free": texts[0],
            "free_verdict": _in_words(check(texts[0])),
            "free_poems": len(free),
            "free_shaped": sum(
                lines[0].startswith(start) and set(map(len, lines)) == {split_len - 1}
                for lines in free
            ),
            "free_regulated": len(regulated),
            "free_kept": sum(map(_kept, regulated)),
            "bound": str(bound[0]),
            "bound_verdict": _in_words(check(str(bound[0]), form=form)),
            "bound_model": model,
            "bound_poems": len(bound),
            "bound_kept": sum(_kept(poem.lines) for poem in bound),
        }
    )


def printed_poems() -> list[dict[str, Any]]:
    """Read the verdicts that `lab/experiments/printed_poems.py` wrote on the report's poems.

    The poems are not stored.
    """
    text = files(__package__).joinpath("printed_poems.json").read_text(encoding="utf-8")
    return json.loads(text)


def _kept(lines: Lines) -> bool:
    """Return whether a poem keeps tones and rhyme.

    `FORMS` gives the form by the number of lines and their length.
    """
    return check("，".join(lines), form=FORMS.get((len(lines), len(lines[0])))).ok


def _in_words(verdict: Verdict) -> str:
    faults = "、".join(sorted({violation.rule for violation in verdict.violations}))
    return f"{verdict.form or 'no form'}: {faults or 'no fault'}"


def judge(rows: Rows) -> Judged:
    """Compute the numbers by which each claim is judged."""
    printed = [row for row in rows.values() if "printed" in row.settings]
    shaped = sum(row.number("shaped") for row in printed) / len(printed)
    kept = sum(row.number("kept") for row in printed) / len(printed)
    real = _real_share(rows)
    return {"shape": {"shaped": shaped, "kept": kept / real if real else math.inf}}


def _real_share(rows: Rows) -> float:
    """Return the share of the real poems that keep tones and rhyme."""
    real = [row for row in rows.values() if "form" in row.settings]
    kept = sum(row.number("kept") for row in real)
    poems = sum(row.number("poems") for row in real)
    return kept / max(1.0, poems)


def figures(rows: Rows) -> Figures:
    """Draw the share of poems that keep tones and rhyme, for each call and for real verse."""
    calls = [row for row in rows.values() if "start" in row.settings]
    figure, (axes,) = panels(
        xlabel="call, in the report's order", ylabel="share", ylim=(-0.03, 1.05)
    )
    parts = {"generate": ("free_kept", "free_regulated"), "compose": ("bound_kept", "bound_poems")}
    for label, (part, whole) in parts.items():
        by_step(
            axes,
            [row.number(part) / max(1.0, row.number(whole)) for row in calls],
            "o-",
            label=label,
        )
    level(axes, _real_share(rows), "real Tang poems")
    return [figure]
