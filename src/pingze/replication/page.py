"""The page that tells what was measured: one HTML file that needs nothing else."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any, NamedTuple

from pingze.replication.charts import Chart, legend, svg
from pingze.replication.experiment import Experiment, Finding, Row, Rows
from pingze.replication.ledger import RESULTS, TIMES, Ledger
from pingze.replication.setup import Setup

CAUTION = (
    "This is a sketch: a small network takes a few steps on a few poems. It shows that everything works; "
    "its verdicts mean nothing."
)
_TEXTS = ("free", "free_verdict", "bound", "bound_verdict")
"""Figures that are shown as poems, not in the table."""


class Section(NamedTuple):
    """An experiment whose rows are all there, and what follows from them."""

    experiment: Experiment
    rows: Rows
    findings: Sequence[Finding]


def page(sections: Sequence[Section], setup: Setup, ledger: Ledger, planned: int) -> str:
    """The whole page."""
    style = files("pingze.replication").joinpath("page.css").read_text(encoding="utf-8")
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
        f"products in {budget.precision}, seed {setup.seed}. Each verdict follows from the rows of "
        f"<code>{RESULTS}</code> by the rule beside it.</p>"
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
        f"<td>{escape(claim.quote)}</td><td>{_badge(finding)}</td></tr>"
        for section in sections
        for claim, finding in zip(section.experiment.claims, section.findings, strict=True)
    )
    return (
        '<table class="verdicts"><caption>Verdicts</caption><thead><tr><th>Experiment</th><th>The report</th>'
        f"<th>Measured</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _badge(finding: Finding) -> str:
    return f'<span class="badge {finding.conclusion}">{finding.conclusion}</span>'


def _section(section: Section, ledger: Ledger) -> str:
    experiment = section.experiment
    claims = "".join(
        f'<article class="claim"><blockquote>{escape(claim.quote)}</blockquote>'
        f"<p>{_badge(finding)} {escape(finding.sentence)}</p>"
        f'<p class="rule">{escape(claim.rule)} {_sources(finding)}</p></article>'
        for claim, finding in zip(experiment.claims, section.findings, strict=True)
    )
    charts = "".join(
        _figure(chart, f"{experiment.name}-{number}")
        for number, chart in enumerate(experiment.charts(section.rows), start=1)
    )
    return (
        f'<section id="{experiment.name}"><h2>{escape(experiment.title)}</h2><p>{escape(experiment.about)}</p>'
        f'{claims}<div class="figures">{charts}</div>{_poems(section.rows)}'
        f"{_table(section.rows)}{_times(section, ledger)}</section>"
    )


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
        f'<ul class="legend">{keys}</ul><figcaption>{escape(chart.caption)}</figcaption></figure>'
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


def _table(rows: Rows) -> str:
    """Every row, its settings and figures."""
    body = "".join(
        f'<tr id="{_anchor(row)}"><th scope="row">{escape(row.id)}</th><td>{_pairs(row.settings)}</td>'
        f"<td>{_pairs({name: value for name, value in row.figures.items() if name not in _TEXTS})}</td></tr>"
        for row in rows.values()
    )
    return (
        f'<details><summary>All {len(rows)} rows</summary><div class="scroll"><table class="rows"><thead><tr>'
        f"<th>Row of {RESULTS}</th><th>Settings</th><th>Figures</th></tr></thead><tbody>{body}</tbody></table>"
        "</div></details>"
    )


def _times(section: Section, ledger: Ledger) -> str:
    minutes = sum(ledger.seconds(row) for row in section.rows.values()) / 60
    told = section.experiment.times(section.rows, ledger.seconds)
    return f'<p class="rule">Measured in {minutes:.1f} minutes. {escape(told)}</p>'


def _pairs(values: Any) -> str:
    return "<br>".join(f"{escape(str(name))} {escape(_value(value))}" for name, value in values.items())


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
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
