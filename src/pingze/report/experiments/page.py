"""Write the page of the measured claims: one HTML file without other files."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from pingze.report.experiments.charts import svg
from pingze.report.experiments.claims import UNDECIDED, Rule, description, document
from pingze.report.experiments.experiment import Finding, Row, Rows
from pingze.report.experiments.results import RESULTS, TIMES, Results
from pingze.report.experiments.setup import Setup

_POEMS = ("free", "free_verdict", "bound", "bound_verdict")
"""Figures that are shown as poems, not in the table."""


class Section(NamedTuple):
    """An experiment whose rows are all there, judged and drawn."""

    name: str
    by_seed: Mapping[int, Rows]
    findings: Sequence[Finding]
    figures: Sequence[Figure]
    """Of the first seed."""


def page(sections: Sequence[Section], setup: Setup, results: Results, planned: int) -> str:
    """Write the whole page of the complete experiments; `planned` is the number of all."""
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    text, budget = document()["page"], setup.budget
    introduction = text["introduction"].format(
        E=budget["embedding_size"],
        H=budget["hidden_size"],
        train=f"{len(setup.train):,}",
        dev=f"{len(setup.dev):,}",
        V=f"{setup.vocabulary_size:,}",
        B=budget["batch_size"],
        precision=budget["precision"],
        seeds=", ".join(map(str, setup.seeds)),
        probability=f"{1 - 2 ** (1 - len(setup.seeds)):.0%}",
    )
    cautions = [text["sketch"]] if budget["name"] == "sketch" else []
    if len(sections) < planned:
        cautions.append(text["missing"].format(missing=planned - len(sections), planned=planned))
    machine = ", ".join(f"{name} {value}" for name, value in results.machine.items() if value is not None)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,"><title>The report, measured</title>'
        f"<style>\n{style}</style></head><body><main>\n<h1>The report, measured</h1>\n"
        f"<p>{_set(introduction)}</p>{''.join(f'<p class=caution>{escape(each)}</p>' for each in cautions)}\n"
        f"{_verdicts(sections)}\n{_changes(sections)}\n"
        + "\n".join(_section(section, results) for section in sections)
        + f'\n<footer><p class="rule">Times, in <code>{TIMES}</code>, are of one machine ({escape(machine)}). '
        f"{_set(text['machine'])}</p></footer>\n</main></body></html>\n"
    )


def _verdicts(sections: Sequence[Section]) -> str:
    rows = "".join(
        f'<tr><td><a href="#{section.name}">{escape(description(section.name).title)}</a></td>'
        f"<td>{escape(finding.claim.quote)}</td><td>{_decided(finding, finding.claim.rule)}</td>"
        f'<td>{_badge(finding.conclusion)}<span class="rule">{escape(finding.claim.first_run)}</span></td></tr>'
        for section in sections
        for finding in section.findings
    )
    return (
        '<table class="verdicts"><caption>Verdicts</caption><thead><tr><th>Experiment</th><th>The report</th>'
        "<th>What decides</th><th>Measured, and in the first run</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _changes(sections: Sequence[Section]) -> str:
    """List every rule that was changed after a result had been seen, with both verdicts."""
    now = {finding.claim.id: finding for section in sections for finding in section.findings}
    changed = [
        (finding, rule.label, rule.in_words(finding.claim.numbers), _badge(finding.under(rule)))
        for finding in now.values()
        for rule in finding.claim.before
    ] + [
        (now[each["id"]], "the first run", each["rule"], f"{_badge(each['verdict'])} (that run)")
        for each in document()["changed"]
        if each["id"] in now
    ]
    rows = "".join(
        f"<tr><td>{escape(finding.claim.quote)}</td><td>{_set(label)}<p class=rule>{_set(words)}</p></td>"
        f"<td>{verdict}</td><td>{_badge(finding.conclusion)}</td></tr>"
        for finding, label, words, verdict in changed
    )
    return (
        '<table class="verdicts"><caption>Rules changed after a result had been seen</caption><thead><tr>'
        "<th>The report</th><th>The rule before</th><th>Its verdict</th><th>Now</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _decided(finding: Finding, rule: Rule) -> str:
    number = finding.deciding(rule)
    return f'<strong>{finding.spread(number)}</strong> <span class="rule">{_set(finding.claim.numbers[number])}</span>'


def _set(text: str) -> str:
    """Return text as HTML, with code for what is in backticks."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text))


def _badge(conclusion: str) -> str:
    return f'<span class="badge {conclusion}">{conclusion}</span>'


def _section(section: Section, results: Results) -> str:
    title, about, charts = description(section.name)
    figures = "".join(
        f'<figure id="{section.name}-{number}"><h3>{escape(chart["title"])}</h3>'
        f"{svg(figure, f'{section.name}-{number}')}<figcaption>{_set(chart['caption'])}</figcaption></figure>"
        for number, (figure, chart) in enumerate(zip(section.figures, charts, strict=True), start=1)
    )
    rows = [row for rows in section.by_seed.values() for row in rows.values()]
    minutes = sum(map(results.seconds, rows)) / 60
    return (
        f'<section id="{section.name}"><h2>{escape(title)}</h2><p>{_set(about)}</p>'
        f'{"".join(map(_claim, section.findings))}<div class="figures">{figures}</div>'
        f"{_poems(next(iter(section.by_seed.values())))}{_table(rows)}"
        f'<p class="rule">Measured in {minutes:.1f} minutes.</p></section>'
    )


def _claim(finding: Finding) -> str:
    claim = finding.claim
    reading = f'<p class="rule">{_set(claim.reading)}</p>' if claim.reading else ""
    count = ", ".join(f"{count} {name}" for name, count in finding.votes(claim.rule).items())
    votes = f" ({count})" if finding.conclusion == UNDECIDED else ""
    rules = [
        (claim.rule, claim.reason),
        *((rule, f"({rule.label})") for rule in (*claim.other, *claim.before)),
    ]
    judged = "".join(
        f'<p class="rule">{_badge(finding.under(rule))} {_set(rule.in_words(claim.numbers))} {_set(why)}</p>'
        for rule, why in rules
    )
    numbers = "".join(
        f"<tr><td>{_set(text)}</td><td>{finding.spread(number)}</td></tr>"
        for number, text in claim.numbers.items()
    )
    return (
        f'<article class="claim"><blockquote>{escape(claim.quote)}</blockquote>{reading}'
        f"<p>{_badge(finding.conclusion)}{votes} {_set(claim.finding)}</p>"
        f'<table class="numbers">{numbers}</table>{judged}</article>'
    )


def _poems(rows: Rows) -> str:
    """Show the poems of the rows that have some, the free one beside the constrained one."""
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
    """Show every row, its settings and figures."""
    body = "".join(
        f'<tr><th scope="row">{escape(row.id)}</th><td>{_pairs(row.settings)}</td>'
        f"<td>{_pairs({name: value for name, value in row.figures.items() if name not in _POEMS})}</td></tr>"
        for row in rows
    )
    return (
        f'<details><summary>All {len(rows)} rows</summary><div class="scroll"><table class="rows"><thead><tr>'
        f"<th>Row of {RESULTS}</th><th>Settings</th><th>Figures</th></tr></thead><tbody>{body}</tbody></table>"
        "</div></details>"
    )


def _pairs(values: Mapping[str, Any]) -> str:
    return "<br>".join(f"{escape(str(name))} {escape(_value(value))}" for name, value in values.items())


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "–" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
