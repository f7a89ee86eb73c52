"""The page's JavaScript keeps its types, as TypeScript sees them, and its format, as Prettier has it."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "node_modules" / ".bin"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("tsc", ["--project", "tsconfig.json"]),
        ("prettier", ["--check", "--log-level", "warn", "src/pingze/serve/page/*.js"]),
    ],
)
def test_the_page_keeps_types_and_format(tool: str, arguments: list[str]) -> None:
    if not (TOOLS / tool).exists() or shutil.which("node") is None:
        pytest.skip(f"`make node_modules` brings {tool}, by npm")
    done = subprocess.run([TOOLS / tool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
