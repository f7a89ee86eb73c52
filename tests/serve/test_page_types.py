"""The page's JavaScript keeps its types, as TypeScript sees them."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TSC = ROOT / "node_modules" / ".bin" / "tsc"


@pytest.mark.skipif(
    not TSC.exists() or shutil.which("node") is None, reason="`make node_modules` brings TypeScript, by npm"
)
def test_the_page_has_no_type_errors() -> None:
    done = subprocess.run(
        [TSC, "--project", ROOT / "tsconfig.json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
