"""An invented package in the shape of the real one: its lines are numbers, so that it holds no poem."""

import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pingze.corpus.poem import CorpusPoem

DIGITS = "甲乙丙丁戊己庚辛壬癸"

Files = Mapping[str, Sequence[Mapping[str, object]]]


def line(number: int, width: int = 5) -> str:
    return "".join(DIGITS[int(digit)] for digit in f"{number:0{width}}"[-width:])


def text(numbers: Iterable[int], width: int = 5) -> str:
    return "".join(line(number, width) + "，。"[place % 2] for place, number in enumerate(numbers))


def poem(numbers: Iterable[int], width: int = 5, dynasty: str = "tang") -> CorpusPoem:
    return CorpusPoem(dynasty, "題", "某", text(numbers, width))


def record(text: str, title: str = "題", author: str = "某") -> dict[str, object]:
    paragraphs = [part + "。" for part in text.split("。") if part]
    return {"title": title, "author": author, "paragraphs": paragraphs, "id": "0"}


FILES: dict[str, Sequence[Mapping[str, object]]] = {
    "poet.tang.0.json": [
        record(text([11, 12, 13, 14]), title="一", author="張甲"),
        record(text([21, 22, 23, 24], 7), title="二", author="李乙"),
        record(text([11, 12, 33, 34]), title="三", author="李乙"),
        record("甲乙丙丁戊，□□□□□。甲乙丙丁戊，甲乙丙丁戊。"),
        record("甲乙丙丁戊，甲乙丙丁戊。"),
    ],
    "poet.tang.1000.json": [record(text(range(500, 508)), title="六", author="張甲")],
    "poet.tang.200.json": [record(text(range(600, 612)), title="五", author="張甲")],
    "poet.song.0.json": [
        record(text([11, 12, 13, 14]), title="七", author="黄丙"),
        record(text([71, 72, 73, 74]), title="八", author="黄丙"),
        record("甲乙丙丁戊（己庚）。甲乙丙丁戊，甲乙丙丁戊。甲乙丙丁戊，甲乙丙丁戊。"),
    ],
}
"""Five poems of Tang and two of Song can be kept; 一, 三 and 七 are one group."""


def write_folder(folder: Path, files: Files = FILES) -> Path:
    folder.mkdir(parents=True)
    for name, records in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(records), encoding="utf-8")
    (folder / "authors.tang.json").write_text("[]")
    (folder / "error").mkdir()
    return folder


QUOTED = ["獨坐寒窗下", "無人問姓名", "閑眠不可見", "何處有琴聲"]
"""The lines of the only regulated quatrain that can be put together from the poems of `write_quoted`."""


def write_quoted(folder: Path) -> Path:
    """Write a user's poems: number n has line n of `QUOTED`, and else lines that repeat one character."""
    folder.mkdir()
    for n, line in enumerate(QUOTED):
        text = "{}，{}。{}，{}。".format(*(line if place == n else "人" * 5 for place in range(4)))
        poem = {"title": f"{n + 1}", "author": "張甲", "text": text}
        (folder / f"{n}.json").write_text(json.dumps([poem]), encoding="utf-8")
    return folder


def write_archive(path: Path, files: Files = FILES) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, records in {"authors.tang.json": [], **files}.items():
            content = json.dumps(records).encode()
            member = tarfile.TarInfo(f"package/dist/quantangshi/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path
