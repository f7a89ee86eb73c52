"""Convert formulas, and links out of docs/, of the pages that the site shows."""

import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
CLAIMS = ROOT / "lab" / "report" / "results" / "index.html"

_BLOCK = re.compile(r"\$\$(.+?)\$\$|^```math\n(.+?)^```$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"\$`(.+?)`\$")
_BOLD = re.compile(r'<mi mathvariant="bold">([A-Za-z])</mi>')
"""Of a word, as in `\\mathbf{net}`.

Browsers no longer read the attribute, a bold letter is a character of its own.
"""
_ADDED = "<mo><mrow><mo>&#x0002B;</mo></mrow></mo><mo>&#x0003D;</mo>"
"""`\\mathrel{+}=`, which would stand apart as two signs."""
_KIND = re.compile(r"^(```\w+) .*$", re.MULTILINE)
"""What follows a block's language, as in `text poem`, which Markdown would misread."""
_LINK = re.compile(r"\[([^\]]*)\]\((?!\w+:|#)([^)#]+)(#[^)]*)?\)")


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> None:
    """Add the page of the report's claims, which stands with its results."""
    files.append(File.generated(config, "report/index.html", abs_src_path=str(CLAIMS)))


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """MathML for LaTeX, which browsers draw without a script.

    Of a link to code or to the README its text.
    """
    folder = (DOCS / page.file.src_uri).parent

    def link(match: re.Match[str]) -> str:
        target = (folder / match[2]).resolve()
        if target == CLAIMS:
            return f"[{match[1]}](report/index.html{match[3] or ''})"
        return match[0] if target.is_relative_to(DOCS) and target.suffix != ".py" else match[1]

    parts = re.split(r"(^```(?!math).*?^```$)", markdown, flags=re.DOTALL | re.MULTILINE)
    parts[::2] = [_formulas(_LINK.sub(link, part)) for part in parts[::2]]
    parts[1::2] = [_KIND.sub(r"\1", part, count=1) for part in parts[1::2]]
    return "".join(parts)


def _formulas(text: str) -> str:
    text = _BLOCK.sub(lambda match: _scrolling(_mathml(match[1] or match[2], "block")), text)
    # In a span, since Markdown takes a <math> that begins a line for a block and ends the paragraph
    # before it.
    return _INLINE.sub(lambda match: f"<span>{_mathml(match[1], 'inline')}</span>", text)


def _scrolling(formula: str) -> str:
    """A formula wider than the screen scrolls by itself, and the page does not."""
    return f'\n\n<div style="overflow-x: auto">{formula}</div>\n\n'


def _mathml(latex: str, display: str) -> str:
    # GitHub's \cr ends a row, which latex2mathml calls \\; it names no operators of its own.
    latex = re.sub(
        r"\\operatorname\{(\w+)\}", r"\\mathrm{\1}", latex.strip().replace(r"\cr", r"\\")
    )
    made = str(convert(latex, display=display)).replace("\n", " ").replace("|", "&#x7c;")
    return _BOLD.sub(lambda match: f"<mi>{_bold(match[1])}</mi>", made).replace(
        _ADDED, "<mo>+=</mo>"
    )


def _bold(letter: str) -> str:
    """Return the bold letter among the mathematical signs of Unicode."""
    if letter.islower():
        return chr(0x1D41A + ord(letter) - ord("a"))
    return chr(0x1D400 + ord(letter) - ord("A"))
