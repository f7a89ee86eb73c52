"""Write docs/poems.md: a page of composed poems, each with the command that wrote it.

python -m lab.experiments.poems
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pingze
from pingze.network import checkpoint

ASKED: list[tuple[str, dict[str, Any]]] = [
    ("A title and a form", {"title": "秋夜", "form": "七絕"}),
    ("五絕 from an opening", {"start": "春", "title": "春曉", "form": "五絕"}),
    (
        "七絕 from a whole first line, which the rest must answer",
        {"start": "獨坐空山見月明", "title": "宿山寺", "form": "七絕"},
    ),
    ("An acrostic 藏頭", {"title": "四時", "form": "七絕", "acrostic": "春夏秋冬"}),
    (
        "An acrostic in the middle of the lines 藏中",
        {"title": "登樓", "form": "五律", "acrostic": "風花雪月", "acrostic_at": "middle"},
    ),
    (
        "An acrostic at the end 藏尾, whose even lines must rhyme",
        {"title": "江行", "form": "五絕", "acrostic": "水天月前", "acrostic_at": "end"},
    ),
    (
        "A rhyme group, 陽, in 白居易's manner",
        {"title": "送友人歸江東", "poet": "白居易", "form": "七律", "rhyme": "陽"},
    ),
    (
        "A pattern, ＿ where free, in 李白's manner",
        {
            "title": "月下",
            "poet": "李白",
            "form": "五絕",
            "pattern": "＿＿明月＿ ＿＿＿＿＿ ＿＿白雲＿",
        },
    ),
    (
        "雁 and 酒 somewhere, 愁 nowhere",
        {"title": "塞上曲", "form": "七絕", "include": "雁 酒", "exclude": "愁"},
    ),
    (
        "A strict 五律 whose first line rhymes, in 杜甫's manner",
        {
            "title": "聞笛",
            "poet": "杜甫",
            "form": "五律",
            "level": "strict",
            "template": "首句入韻",
        },
    ),
    (
        "All at once",
        {
            "start": "江",
            "title": "江樓晚望",
            "form": "七律",
            "level": "strict",
            "template": "平起",
            "rhyme": "東",
            "pattern": "＿＿＿＿＿＿＿ ＿＿夕陽＿＿＿",
            "include": "雁",
            "exclude": "愁",
        },
    ),
    ("五排, twelve lines", {"title": "寄山中道士", "form": "五排", "lines": 12, "rhyme": "真"}),
]
"""What each poem shows, and the options with which it is composed."""
PAGE = Path(__file__).parents[2] / "docs" / "poems.md"
HEAD = f"""# Poems

What the model `{checkpoint.DEFAULT}` composes, each poem with its command. The seeds are 1 to {len(ASKED)}; none was
chosen. `make poems` writes this page again. docs/sampling.md says how the constraints are kept.
Another version, or a processor of another kind, may write another poem to a seed.

"""


def page() -> str:
    """Return the text of the page."""
    sections = []
    for seed, (title, options) in enumerate(ASKED, start=1):
        sections.append(_section(title, options, seed))
    return HEAD + "\n".join(sections)


def command(options: Mapping[str, object]) -> str:
    """Return the command line for keyword arguments of `compose`."""
    words = ["pingze compose"]
    for name, value in options.items():
        text = f'"{value}"' if " " in str(value) else str(value)
        words.append(text if name == "start" else f"--{name.replace('_', '-')} {text}")
    return " ".join(words)


def _section(title: str, options: dict[str, Any], seed: int) -> str:
    (poem,) = pingze.compose(**options, seed=seed)
    kept = []
    if poem.template:
        kept.append(poem.template)
    if poem.rhyme:
        kept.append(f"{poem.rhyme}韻")
    asked = command(options | {"seed": seed})
    return f"## {title}\n\n`{asked}`\n\n```text\n{poem}\n```\n\n{' · '.join(kept)}\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
