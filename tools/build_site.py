"""Build the page that shows a link's poem without a server, as plain files in build/site/poem.

    make site

A link's poem is in its address after the #, so a static page can show it. The page's modules become
one plain script and its tables another, because a browser loads neither modules nor JSON from a
folder.
"""

import json
import re
import shutil
import sys
from dataclasses import asdict
from html import escape
from pathlib import Path

from pingze.serve.app import PAGE, project_url
from pingze.serve.choices import script
from pingze.verse.tunes import Tune, tunes

FOLDER = Path(__file__).parents[1] / "build" / "site" / "poem"
DATA = PAGE.parents[1] / "verse" / "data"
"""The tables that are not the page's alone."""
LICENCES = Path(__file__).parents[1] / "LICENSES"
"""The licences of the tables' sources, whose texts go with every copy."""
TABLES = ("words", "pinyin", "readings", "glosses", "cedict", "welcome")
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let) ([\w$]+))", re.MULTILINE)


def main() -> None:
    """Write the files to build/site/poem, or to the folder that is named."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    build(folder)
    print(folder / "index.html")


def build(folder: Path) -> None:
    """Write the page, its script, its tables, its style and its font to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    # 1) The tables.
    tables: dict[str, object] = {}
    for name in TABLES:
        path = PAGE / f"{name}.json"
        if not path.exists():
            path = DATA / f"{name}.json"
        tables[name] = json.loads(path.read_text(encoding="utf-8"))
    tables["tunes"] = [described(tune) for tune in tunes().values()]
    tables["script"] = asdict(script())
    written = json.dumps(tables, ensure_ascii=False, separators=(",", ":"))
    # 2) The files.
    files = {
        "reader.js": bundle("reader"),
        "tables.js": f"globalThis.pingzeTables = {written};\n",
        "style.css": (PAGE / "style.css").read_text(encoding="utf-8").replace("/page/", ""),
        "index.html": page(project_url("Repository")),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name in ("kai.woff", "kai-OFL.txt", "icon.svg"):
        shutil.copyfile(PAGE / name, folder / name)
    shutil.copytree(LICENCES, folder / "LICENSES", dirs_exist_ok=True)


def described(tune: Tune) -> dict[str, object]:
    """Return what the page needs of a tune."""
    return {
        "name": tune.name,
        "names": tune.names,
        "widths": tune.widths,
        "marks": "".join(line.mark for line in tune.lines),
        "stanzas": [number for number, line in enumerate(tune.lines, 1) if line.ends_stanza],
    }


def page(repository: str) -> str:
    """Return the page's markup, with the address that pingze comes from, if it is known."""
    text = (PAGE / "reader.html").read_text(encoding="utf-8").replace("/page/", "")
    return text.replace(
        'name="repository" content=""', f'name="repository" content="{escape(repository)}"'
    )


def bundle(entry: str) -> str:
    """Join a module and all that it imports into one script.

    Each module is a function that returns its exports.
    """
    found: dict[str, str] = {}

    def add(name: str) -> None:
        if name in found:
            return
        text = (PAGE / f"{name}.js").read_text(encoding="utf-8")
        for imported in _IMPORT.finditer(text):
            add(imported[2])
        exports = ", ".join(match[1] for match in _EXPORT.finditer(text))
        body = _EXPORT.sub("", _IMPORT.sub(constants, text))
        found[name] = (
            f"const {name}_js = await (async () => {{\n{body}return {{ {exports} }};\n}})();\n"
        )

    def constants(imported: re.Match[str]) -> str:
        names = imported[1].replace(" as ", ": ")
        return f"const {{{names}}} = {imported[2]}_js;\n"

    add(entry)
    return f"(async () => {{\n{''.join(found.values())}}})();\n"


if __name__ == "__main__":
    main()
