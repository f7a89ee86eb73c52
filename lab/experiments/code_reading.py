"""Let strangers read functions of pingze and of its peers, mixed, and count the lines that they read twice.

    pip install --no-deps --target PEERS httpx equinox genlm-control
    python -m lab.experiments.code_reading draw FOLDER PEERS [--seed 1]
    python -m lab.experiments.code_reading tally FOLDER

`draw` writes FOLDER/1/functions.md and so on: for each reader ten functions of 12 to 70 lines, five of
pingze and five of the peers, in mixed order, with FOLDER/1/instructions.md. A reader gets these two
files alone, and writes result.md beside them. `tally` adds up the lines and the lines read twice.

A reader is a language model that has seen nothing of the projects. Readers differ, and so do ten
functions from the next ten, so that pingze's share is to be compared with the peers' of the same
readers.
"""

import argparse
import ast
import json
import random
import re
import sys
from collections import Counter
from pathlib import Path

SHORTEST = 12
LONGEST = 70
OF_EACH = 5
"""The number of functions of pingze, and of the peers, that each reader gets."""
PINGZE = Path(__file__).parents[2] / "src" / "pingze"
READERS = 4
PEERS = {"httpx": 8, "equinox": 7, "genlm": 5}
"""How many functions of each peer the four readers get together."""
INSTRUCTIONS = """\
You are an experienced Python engineer. functions.md has ten functions of several open-source
projects that you have never seen (an HTTP client, neural networks in JAX, constrained text
generation with language models, classical Chinese verse composed with a small LSTM), drawn at
random, with line numbers. For each function:

1. Read it once, from top to bottom, at your normal speed, as in a review. Mark honestly every line
   that you had to read a second time (or stop at) before you knew what it does and why: a name that
   misled, an expression with too many steps, a docstring that you could not parse, a condition
   whose reason is not said. Lines that you understood at first sight are not marked, even if you
   would have written them otherwise. Not knowing another function of its project is no reason if
   its name tells enough. Facts of the field (what 平仄, a rhyme group, softmax, an LSTM gate is)
   are no reason either.
2. Say in one sentence what the function does.

Write result.md: for each function a heading `## N. name: L lines; read twice: … (K)`, with the
numbers of the lines read twice and their count K, and for each such line (or run of lines) five to
fifteen words on what made you read it again. Read nothing else on this machine.
"""


def functions(folder: Path) -> list[tuple[str, str, list[str]]]:
    """List the functions of a folder: the file's name, the function's, and the numbered lines."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            last = node.end_lineno or node.lineno
            if SHORTEST <= last - node.lineno + 1 <= LONGEST:
                numbers = range(node.lineno, last + 1)
                numbered = [f"{number:4d}  {lines[number - 1]}" for number in numbers]
                found.append((path.name, node.name, numbered))
    return found


def draw(folder: Path, peers: Path, seed: int) -> None:
    """Draw the functions of each reader, and keep in key.json which project each is of."""
    absent = [name for name in PEERS if not (peers / name).is_dir()]
    if absent:
        sys.exit(f"{peers} lacks {', '.join(absent)}: install the peers there first")
    rng = random.Random(seed)
    ours = rng.sample(functions(PINGZE), OF_EACH * READERS)
    theirs = []
    for name, count in PEERS.items():
        theirs += [(name, function) for function in rng.sample(functions(peers / name), count)]
    rng.shuffle(theirs)
    key: dict[str, list[tuple[str, int]]] = {}
    for reader in range(1, READERS + 1):
        part = slice((reader - 1) * OF_EACH, reader * OF_EACH)
        mixed = [("pingze", function) for function in ours[part]] + theirs[part]
        rng.shuffle(mixed)
        sheet = []
        for number, (_, (file, name, numbered)) in enumerate(mixed, 1):
            code = "\n".join(numbered)
            sheet.append(f"## {number}. `{name}` in {file}\n\n```python\n{code}\n```\n")
        place = folder / str(reader)
        place.mkdir(parents=True)
        (place / "functions.md").write_text("\n".join(sheet), encoding="utf-8")
        (place / "instructions.md").write_text(INSTRUCTIONS, encoding="utf-8")
        key[str(reader)] = [(project, len(numbered)) for project, (_, _, numbered) in mixed]
    (folder / "key.json").write_text(json.dumps(key))


def tally(folder: Path) -> None:
    """Print the lines, and the lines read twice, of each project."""
    lines: Counter[str] = Counter()
    twice: Counter[str] = Counter()
    for reader, drawn in json.loads((folder / "key.json").read_text()).items():
        result = (folder / reader / "result.md").read_text(encoding="utf-8")
        counts = dict(re.findall(r"(?m)^## (\d+)\..*\((\d+)\)\s*$", result))
        for number, (project, length) in enumerate(drawn, 1):
            if str(number) not in counts:
                sys.exit(f"reader {reader}: function {number} has no heading with a count")
            names = {project, "pingze" if project == "pingze" else "peers"}
            for name in names:
                lines[name] += length
                twice[name] += int(counts[str(number)])
    for name, count in lines.items():
        share = 100 * twice[name] / count
        print(f"{name:8} {twice[name]:4} of {count:4} lines read twice, {share:4.1f} %")


def main() -> None:
    """Draw or tally, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    drawing = commands.add_parser("draw")
    drawing.add_argument("folder", type=Path)
    drawing.add_argument("peers", type=Path)
    drawing.add_argument("--seed", type=int, default=1)
    commands.add_parser("tally").add_argument("folder", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "draw":
        draw(arguments.folder, arguments.peers, arguments.seed)
    else:
        tally(arguments.folder)


if __name__ == "__main__":
    main()
