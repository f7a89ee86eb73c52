"""Run a page's Python blocks in order, and compare their output with the blocks after them.

python tools/run_page.py docs/first-poem.md
python tools/run_page.py docs/first-poem.md --write      puts what was printed into the page
"""

import argparse
import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path

BLOCK = re.compile(r"```python\n(?P<code>.*?)```\n\n```text\n(?P<told>.*?)```", re.DOTALL)
"""A block of Python, and the block of text with what it prints."""


def run(page: str) -> Iterator[tuple["re.Match[str]", str]]:
    """Each block, and what it prints; names stay from block to block."""
    names: dict[str, object] = {}
    for block in BLOCK.finditer(page):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block["code"], "the page", "exec"), names)
        yield block, printed.getvalue()


def rewritten(page: str) -> str:
    """The page with what its blocks print."""
    blocks = list(run(page))
    for block, printed in reversed(blocks):
        start, end = block.span("told")
        page = page[:start] + printed + page[end:]
    return page


def main() -> None:
    """Run a page; with --write, write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    page = arguments.page.read_text(encoding="utf-8")
    if arguments.write:
        arguments.page.write_text(rewritten(page), encoding="utf-8")
        return
    for block, printed in run(page):
        print(printed, end="")
        if printed != block["told"]:
            raise SystemExit(f"the page says:\n{block['told']}")


if __name__ == "__main__":
    main()
