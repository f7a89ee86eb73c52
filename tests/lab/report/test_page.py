"""The whole rerun on invented verse, and its page in a browser."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from lab.report import CONFIRMED, REFINED, REFUTED, UNDECIDED, claims
from lab.report.rerun import EXPERIMENTS, PAGE, RESULTS, TIMES, Results, rerun
from tests.lab.report.verse import setup

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    rerun(folder, setup())
    return folder


def test_every_claim_has_a_verdict_and_every_row_a_time(report: Path) -> None:
    results = json.loads((report / RESULTS).read_text(encoding="utf-8"))
    every = {claim.id: claim for name in EXPERIMENTS for claim in claims(name).values()}
    assert list(results["verdicts"]) == list(every)
    for id_, finding in results["verdicts"].items():
        assert finding["verdict"] in (CONFIRMED, REFINED, REFUTED, UNDECIDED)
        assert list(finding["other"]) == [rule.label for rule in every[id_].other]
        assert all(
            numbers.keys() == every[id_].numbers.keys() for numbers in finding["numbers"].values()
        )
    times = json.loads((report / TIMES).read_text(encoding="utf-8"))
    assert results["rows"].keys() == times["seconds"].keys()
    assert "seconds" not in (report / RESULTS).read_text(encoding="utf-8")


def test_ids_are_of_one_element_and_links_lead_somewhere(report: Path) -> None:
    text = (report / PAGE).read_text(encoding="utf-8")
    ids = re.findall(r'\bid="([^"]*)"', text)
    assert len(set(ids)) == len(ids)
    assert set(re.findall(r'(?:href="|url\()#([^")]*)', text)) <= set(ids)


def test_one_seed_gives_one_table_in_any_order(report: Path, tmp_path: Path) -> None:
    for name in ("perplexity", "zero"):
        rerun(tmp_path, setup(), name)
    first, second = (json.loads((folder / RESULTS).read_text()) for folder in (report, tmp_path))
    assert {id_.partition("/")[0] for id_ in second["verdicts"]} == {"zero", "perplexity"}
    for name in second["verdicts"]:
        assert second["verdicts"][name] == first["verdicts"][name]
    assert list(second["rows"].items()) == [
        (key, row) for key, row in first["rows"].items() if key in second["rows"]
    ]


def test_no_row_is_measured_again(report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (report / RESULTS).read_bytes(), (report / PAGE).read_bytes()
    monkeypatch.setattr(Results, "add", None)
    rerun(report, setup())
    assert ((report / RESULTS).read_bytes(), (report / PAGE).read_bytes()) == before


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_in_a_browser(report: Path, browser: Browser, width: int, scheme: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    said, asked = list[str](), list[str]()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    address = (report / PAGE).as_uri()
    page.goto(address)
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [address]
    sizes = page.eval_on_selector_all(
        "figure > svg",
        "all => all.map(e => [e.getBoundingClientRect().width, e.querySelectorAll('path').length])",
    )
    assert len(sizes) == page.eval_on_selector_all("figure", "all => all.length") > len(EXPERIMENTS)
    assert all(drawn > 0.6 * min(width, 400) and paths > 5 for drawn, paths in sizes)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".verdicts").first.locator("tbody tr").count() == sum(
        len(claims(name)) for name in EXPERIMENTS
    )
    ink = page.eval_on_selector("figure svg text", "e => getComputedStyle(e).fill")
    assert ink == page.evaluate("getComputedStyle(document.body).color")
    page.close()
