"""Samples: the report's fourteen calls, the same openings under constraints, and real verse, judged by one checker."""

from collections.abc import Iterable, Sequence

from pingze import checkpoint
from pingze.composing import compose, generate
from pingze.composing.lapses import Lines
from pingze.composing.quality import MEASURED
from pingze.prosody import Verdict, check
from pingze.prosody.text import read_lines
from pingze.replication.charts import Chart, Line
from pingze.replication.experiment import Claim, Experiment, Finding, Measured, Row, Rows, Trial, by_rule
from pingze.replication.setup import Setup

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
    """The fourteen, and a form of real verse each."""
    calls = [
        Trial(
            f"{start} {temperature} {split_len}",
            {"start": start, "temperature": temperature, "split_len": split_len},
        )
        for start, temperature, split_len in CALLS
    ]
    return calls + [Trial(f"real {form}", {"form": form}) for form in MEASURED]


def measure(setup: Setup, trial: Trial) -> Measured:
    """Write or take the poems of a trial, and have them checked."""
    if form := trial.settings.get("form"):
        real = setup.real[str(form)]
        return Measured({"poems": len(real), "kept": sum(_kept(lines) for lines in real)})
    return _write(setup, *(trial.settings[name] for name in ("start", "temperature", "split_len")))  # type: ignore[arg-type]


def _write(setup: Setup, start: str, temperature: float, split_len: int) -> Measured:
    seeds = range(setup.seed, setup.seed + setup.budget.poems)
    texts = [generate(start, temperature, split_len, seed=seed, model=MODEL) for seed in seeds]
    free = [read_lines(text) for text in texts]
    regulated = [lines for lines in free if _form(lines)]
    form = FORMS[4, split_len - 1]
    bound = compose(
        start,
        form=form,
        temperature=temperature,
        seed=setup.seed,
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


def _real(rows: Rows) -> list[Row]:
    return [row for row in rows.values() if "form" in row.settings]


def _total(rows: Iterable[Row], name: str) -> int:
    return sum(row.figures[name] for row in rows)


def _share(rows: Sequence[Row], part: str, whole: str) -> float:
    return _total(rows, part) / max(1, _total(rows, whole))


def _reads_as_verse(rows: Rows) -> Finding:
    calls, real = _calls(rows), _real(rows)
    free, bound = _share(calls, "free_kept", "free_regulated"), _share(calls, "bound_kept", "bound_poems")
    corpus = _share(real, "kept", "poems")
    shaped = _total(calls, "free_shaped") == _total(calls, "free_poems")
    sentence = (
        f"Of {_total(calls, 'free_poems')} poems, {_total(calls, 'free_shaped')} have the lines asked "
        f"for; of the {_total(calls, 'free_regulated')} in four or eight lines {free:.0%} keep tones and "
        f"rhyme. Real Tang poems of these shapes: {corpus:.0%} of {_total(real, 'poems')}. The model "
        f"`{calls[0].figures['bound_model']}` under constraints, from the same openings: {bound:.0%} of "
        f"{_total(calls, 'bound_poems')}."
    )
    return Finding(by_rule(shaped and free >= corpus, shaped), sentence, [*calls, *real])


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
        "The report's fourteen calls of generate, answered by the shipped model of the report; the same "
        "openings in the quatrain of as many characters a line, composed under all constraints of form "
        "by the default model; and Tang poems of the test split. All are judged by pingze check, "
        "customarily. The poems shown are of the first seed, none chosen."
    ),
    trials=trials,
    measure=measure,
    claims=(
        Claim(
            "generate('日', temperature=0.7, split_len=6) …",
            "The report says nothing of tones and rhyme; its samples are read as verse. Confirmed if "
            "every poem has the lines asked for and as large a share keeps tones and rhyme as of real "
            "poems; refined if they have the lines; else refuted.",
            _reads_as_verse,
        ),
    ),
    charts=charts,
)
