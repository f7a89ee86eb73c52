"""The page that tells what was measured: one HTML file that needs nothing else."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any, NamedTuple

from pingze.report.charts import Chart, legend, svg
from pingze.report.claims import UNDECIDED
from pingze.report.experiment import Experiment, Finding, Row, Rows
from pingze.report.ledger import RESULTS, TIMES, Ledger
from pingze.report.setup import Setup

CAUTION = (
    "This is a sketch: a small network takes a few steps on a few poems. It shows that everything works; "
    "its verdicts mean nothing."
)
_TEXTS = ("free", "free_verdict", "bound", "bound_verdict")
"""Figures that are shown as poems, not in the table."""


class Section(NamedTuple):
    """An experiment whose rows are all there, and what follows from them."""

    experiment: Experiment
    by_seed: Mapping[int, Rows]
    findings: Sequence[Finding]

    @property
    def rows(self) -> list[Row]:
        """Those of all seeds."""
        return [row for rows in self.by_seed.values() for row in rows.values()]

    @property
    def first(self) -> Rows:
        """Those of the first seed, which the pictures show."""
        return next(iter(self.by_seed.values()))


def page(sections: Sequence[Section], setup: Setup, ledger: Ledger, planned: int) -> str:
    """The whole page."""
    style = files("pingze.report").joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,"><title>The report, measured</title>'
        f"<style>\n{style}</style></head><body><main>\n"
        "<h1>The report, measured</h1>\n"
        f"{_introduction(sections, setup, planned)}\n{_verdicts(sections)}\n"
        + "\n".join(_section(section, ledger) for section in sections)
        + f"\n{_machine(ledger)}\n</main></body></html>\n"
    )


def _introduction(sections: Sequence[Section], setup: Setup, planned: int) -> str:
    budget, missing = setup.budget, planned - len(sections)
    told = (
        "<p>What the report claims in its second part, beside what <code>pingze report</code> measures: "
        f"a network of embedding {budget.embedding_size} and {budget.hidden_size} hidden units on "
        f"{len(setup.train):,} training and {len(setup.dev):,} dev poems of its draw, vocabulary "
        f"{setup.vocabulary_size:,}, batch {budget.batch_size}, at most 48 predicted tokens a poem, "
        f"products in {budget.precision}, seeds {', '.join(map(str, setup.seeds))}. Each verdict follows from the rows "
        f"of <code>{RESULTS}</code> by the rule beside it, which stood in <code>claims.toml</code> before the rows "
        "were measured. Each seed is judged alone; where they disagree, the verdict is <em>undecided</em>. Beside the "
        "median stand the least and the largest of the seeds, an interval that holds the true median with a "
        f"probability of {1 - 2 ** (1 - len(setup.seeds)):.0%}. Pictures are of the first seed.</p>"
    )
    if budget.name == "sketch":
        told += f'<p class="caution">{escape(CAUTION)}</p>'
    if missing:
        told += (
            f'<p class="caution">{missing} of the {planned} experiments have not been run in this folder.</p>'
        )
    return told


def _verdicts(sections: Sequence[Section]) -> str:
    rows = "".join(
        f'<tr><td><a href="#{section.experiment.name}">{escape(section.experiment.title)}</a></td>'
        f"<td>{escape(finding.claim.quote)}{_reading(finding)}</td><td>{_number(finding)}</td>"
        f'<td>{_badge(finding.conclusion)}<span class="rule">{escape(finding.claim.first_run)}</span></td></tr>'
        for section in sections
        for finding in section.findings
    )
    return (
        '<table class="verdicts"><caption>Verdicts</caption><thead><tr><th>Experiment</th><th>The report</th>'
        "<th>What decides</th><th>Measured, and in the first run</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _reading(finding: Finding) -> str:
    return f'<p class="rule">{_set(finding.claim.reading)}</p>' if finding.claim.reading else ""


def _number(finding: Finding) -> str:
    rule, numbers = finding.claim.rule, finding.claim.numbers
    return f'<strong>{escape(finding.told(rule))}</strong><p class="rule">{_set(numbers[rule.number])}</p>'


def _set(text: str) -> str:
    """Text as HTML, what stands in backticks as code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text))


def _badge(conclusion: str) -> str:
    return f'<span class="badge {conclusion}">{conclusion}</span>'


def _section(section: Section, ledger: Ledger) -> str:
    experiment = section.experiment
    charts = "".join(
        _figure(chart, f"{experiment.name}-{number}")
        for number, chart in enumerate(experiment.charts(section.first), start=1)
    )
    return (
        f'<section id="{experiment.name}"><h2>{escape(experiment.title)}</h2><p>{_set(experiment.about)}</p>'
        f'{"".join(map(_claim, section.findings))}<div class="figures">{charts}</div>{_poems(section.first)}'
        f"{_table(section.rows)}{_times(section, ledger)}</section>"
    )


def _claim(finding: Finding) -> str:
    claim = finding.claim
    other = "".join(
        f'<p class="rule">{_badge(finding.under(rule))} {_set(rule.label)}: {escape(finding.told(rule))}. '
        f"{_set(rule.told(claim.numbers))}</p>"
        for rule in claim.other
    )
    return (
        f'<article class="claim"><blockquote>{escape(claim.quote)}</blockquote>{_reading(finding)}'
        f"<p>{_badge(finding.conclusion)} <strong>{escape(finding.told(claim.rule))}</strong>"
        f"{_votes(finding)} {_set(finding.sentence)}</p>"
        f'<p class="rule">{_set(claim.rule.told(claim.numbers))} {_set(claim.reason)} {_sources(finding)}</p>{other}'
        "</article>"
    )


def _votes(finding: Finding) -> str:
    """How many seeds say what, where they disagree."""
    if finding.conclusion != UNDECIDED:
        return ""
    conclusions = Counter(
        finding.claim.rule.conclusion(judged.numbers) for judged in finding.by_seed.values()
    )
    return f" ({', '.join(f'{count} {name}' for name, count in conclusions.items())})"


def _sources(finding: Finding) -> str:
    """Links to the rows that a finding rests on; where they are many, to the first and the last."""
    shown = [*finding.rows] if len(finding.rows) <= 3 else [finding.rows[0], finding.rows[-1]]
    links = (" … " if len(shown) < len(finding.rows) else ", ").join(
        f'<a href="#{_anchor(row)}">{escape(row.id)}</a>' for row in shown
    )
    return f"Rows: {links}."


def _figure(chart: Chart, name: str) -> str:
    keys = "".join(f"<li>{drawn}{escape(label)}</li>" for drawn, label in legend(chart))
    return (
        f'<figure id="{name}" aria-label="{escape(chart.title)}"><h3>{escape(chart.title)}</h3>{svg(chart, name)}'
        f'<ul class="legend">{keys}</ul><figcaption>{_set(chart.caption)}</figcaption></figure>'
    )


def _poems(rows: Rows) -> str:
    """The poems of a row, the free one beside the bound one."""
    cards = "".join(
        f'<div class="poem"><h3>{escape(name)}</h3>'
        + "".join(
            f'<div><p lang="zh-Hant">{escape(row.figures[kind])}</p><p class="rule">{escape(source)}: '
            f"{escape(row.figures[f'{kind}_verdict'])}</p></div>"
            for kind, source in (("free", "generate"), ("bound", f"compose, {row.figures['bound_model']}"))
        )
        + "</div>"
        for name, row in rows.items()
        if "free" in row.figures
    )
    return f'<div class="poems">{cards}</div>' if cards else ""


def _table(rows: Sequence[Row]) -> str:
    """Every row, its settings and figures."""
    body = "".join(
        f'<tr id="{_anchor(row)}"><th scope="row">{escape(row.id)}</th><td>{_pairs(row.settings)}</td>'
        f"<td>{_pairs({name: value for name, value in row.figures.items() if name not in _TEXTS})}</td></tr>"
        for row in rows
    )
    return (
        f'<details><summary>All {len(rows)} rows</summary><div class="scroll"><table class="rows"><thead><tr>'
        f"<th>Row of {RESULTS}</th><th>Settings</th><th>Figures</th></tr></thead><tbody>{body}</tbody></table>"
        "</div></details>"
    )


def _times(section: Section, ledger: Ledger) -> str:
    minutes = sum(ledger.seconds(row) for row in section.rows) / 60
    return f'<p class="rule">Measured in {minutes:.1f} minutes.</p>'


def _pairs(values: Any) -> str:
    return "<br>".join(f"{escape(str(name))} {escape(_value(value))}" for name, value in values.items())


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "–" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _anchor(row: Row) -> str:
    """The row's id, without what no id may have."""
    return "row-" + "".join(c if c.isalnum() else "-" for c in row.id)


def _machine(ledger: Ledger) -> str:
    told = ", ".join(f"{name} {value}" for name, value in ledger.machine.items() if value is not None)
    return (
        f'<footer><p class="rule">Times are of one machine ({escape(told)}) and stand in <code>{TIMES}</code>, '
        "apart from what is compared: two runs with one seed and as many threads on such a machine give the same "
        "rows. Other sums round differently, which a network that explodes makes visible.</p></footer>"
    )
