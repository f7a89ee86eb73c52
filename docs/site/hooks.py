"""What the site needs of pages that are written to be read in the repository too: formulas, and links out of docs/."""

import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert

DOCS = Path(__file__).parents[1]

_BLOCK = re.compile(r"\$\$(.+?)\$\$|^```math\n(.+?)^```$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"\$`(.+?)`\$")
_LINK = re.compile(r"\[([^\]]*)\]\((?!\w+:|#)([^)#]+)(#[^)]*)?\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """MathML for LaTeX, which browsers draw without a script; of a link to code or to the README its text."""
    folder = (DOCS / page.file.src_uri).parent

    def link(match: re.Match[str]) -> str:
        target = (folder / match[2]).resolve()
        return match[0] if target.is_relative_to(DOCS) and target.suffix != ".py" else match[1]

    parts = re.split(r"(^```(?!math).*?^```$)", markdown, flags=re.DOTALL | re.MULTILINE)
    parts[::2] = [_formulas(_LINK.sub(link, part)) for part in parts[::2]]
    return "".join(parts)


def _formulas(text: str) -> str:
    text = _BLOCK.sub(lambda match: f"\n\n{_mathml(match[1] or match[2], 'block')}\n\n", text)
    return _INLINE.sub(lambda match: _mathml(match[1], "inline"), text)


def _mathml(latex: str, display: str) -> str:
    # GitHub's \cr ends a row, which latex2mathml calls \\; it names no operators of its own.
    latex = re.sub(r"\\operatorname\{(\w+)\}", r"\\mathrm{\1}", latex.strip().replace(r"\cr", r"\\"))
    return str(convert(latex, display=display)).replace("\n", " ").replace("|", "&#x7c;")
