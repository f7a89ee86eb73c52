"""Write docs/report-samples.md: the report's fourteen calls, answered by the model `report`.

python -m lab.experiments.samples
"""

from pathlib import Path

import pingze

REPORT = [
    ("日", 0.7, 6), ("日", 0.8, 8), ("紅", 0.7, 8), ("紅", 0.8, 6), ("山", 0.7, 6), ("山", 0.8, 8), ("夜", 0.7, 8),
    ("夜", 0.8, 6), ("湖", 0.7, 6), ("湖", 0.8, 8), ("海", 0.7, 8), ("海", 0.8, 6), ("月", 0.7, 8), ("月", 0.8, 6),
]  # fmt: skip
"""Opening, temperature and `split_len` of each sample, in the report's order."""
PAGE = Path(__file__).parents[2] / "docs" / "report-samples.md"
HEAD = """# The report's fourteen samples

The report closes with what its model writes after 日 紅 山 夜 湖 海 月. These are the same calls, answered by the
model `report` that ships, with seeds 1 to 14, none chosen. A poem ends where the model ends it, after 14 lines at most:
the longest of the report's fourteen has 14, three have 12. `make samples` writes this page again.

"""


def page() -> str:
    """Return the text of the page."""
    sections = []
    for seed, (start, temperature, split_len) in enumerate(REPORT, start=1):
        sections.append(_section(start, temperature, split_len, seed))
    return HEAD + "\n".join(sections)


def _section(start: str, temperature: float, split_len: int, seed: int) -> str:
    poem = pingze.generate(start, temperature, split_len, seed=seed)
    options = f"--temperature {temperature} --split-len {split_len} --seed {seed}"
    return f"`pingze generate {start} {options}`\n\n```text\n{poem}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
