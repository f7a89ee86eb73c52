"""The page from one step to a poem runs from top to bottom, and prints what it says."""

import pytest

from tests.report.derivation.documents import DOCS, document

pytestmark = pytest.mark.slow


def test_the_page_runs_and_prints_what_it_says() -> None:
    page = (DOCS / "first-poem.md").read_text(encoding="utf-8")
    assert page.count("```python") == len(document("run_page").BLOCK.findall(page))
    for block, printed in document("run_page").run(page):
        if block["kind"] == "text":
            assert printed == block["told"]
        assert printed.strip()
