"""Build a release, check it, and print the steps that remain for a person to do.

    python -m tools.release    (`make release`)

The script writes a source archive and a wheel to dist/. The wheel is built from the archive, which
shows that the archive can be built. The script needs the packages build and twine, and git to find
uncommitted changes.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

from pingze.network import SHIPPED

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
LARGEST_MB = 60
NEEDED = [
    "pingze/py.typed",
    "pingze/__main__.py",
    "pingze/messages.toml",
    "pingze/card.md",
    "pingze/training/presets.toml",
    "pingze/derivation/charts.mplstyle",
    "pingze/network/weights/antithesis.safetensors",
    "pingze/network/weights/figures.json",
    "pingze/verse/data/characters.tsv",
    "pingze/serve/units.json",
    "pingze/serve/page/index.html",
    "pingze/serve/page/kai.woff",
    "pingze/serve/page/kai-OFL.txt",
]
NEEDED += [f"pingze/network/weights/{name}.safetensors" for name in SHIPPED]
"""Files whose absence from a wheel would be noticed only when the wheel is used."""
LICENCES = [
    "LICENSE",
    "LICENSES/NOTICE.md",
    "LICENSES/Apache-2.0.txt",
    "LICENSES/CC0-1.0.txt",
    "LICENSES/CC-BY-SA-4.0.txt",
    "LICENSES/Unicode-3.0.txt",
    "src/pingze/serve/page/kai-OFL.txt",
]
"""The texts that a wheel holds in the folder licenses of its metadata."""
FOREIGN = ("tests/", "lab/", "tools/", "docs/", "runs/", ".venv/")


def main() -> None:
    """Build the archive and the wheel, check both, and print the steps that remain."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = project["version"]
    shutil.rmtree(DIST, ignore_errors=True)
    _python("-m", "build", "--outdir", str(DIST))  # builds the archive, and the wheel from it
    archive = DIST / f"pingze-{version}.tar.gz"
    wheel = DIST / f"pingze-{version}-py3-none-any.whl"
    _python("-m", "twine", "check", "--strict", str(archive), str(wheel))
    faults = wheel_faults(wheel) + archive_faults(archive)
    if faults:
        sys.exit("\n".join(faults))
    for path in (archive, wheel):
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1e6:.1f} MB")
    print(_left_to_a_person(version))


def wheel_faults(wheel: Path) -> list[str]:
    """List the files that a wheel lacks or should not contain, and its size if it is too large."""
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    faults = [f"{wheel.name} lacks {name}" for name in NEEDED if name not in names]
    texts = [name.partition(".dist-info/licenses/")[2] for name in names]
    faults += [f"{wheel.name} lacks {name}" for name in LICENCES if name not in texts]
    faults += [f"{wheel.name} holds {name}" for name in names if name.startswith(FOREIGN)]
    size = wheel.stat().st_size / 1e6
    if size > LARGEST_MB:
        faults.append(f"{wheel.name} has {size:.1f} MB, more than {LARGEST_MB}")
    return faults


def archive_faults(archive: Path) -> list[str]:
    """List the files that a source archive lacks."""
    with tarfile.open(archive) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    wanted = [
        "README.md",
        "CHANGELOG.md",
        "CITATION.cff",
        "pyproject.toml",
        "src/pingze/__init__.py",
        "tests/conftest.py",
        "tools/release.py",
    ]
    wanted += LICENCES
    return [f"{archive.name} lacks {name}" for name in wanted if name not in names]


def _left_to_a_person(version: str) -> str:
    done = subprocess.run(
        ["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    changed = "commit what has changed (git status); " if done.stdout.strip() else ""
    return f"""
Left to a person:
  1. {changed}see that `.ci/run`, `make test-matrix` and
     `make test-install EXTRAS='train train,plots corpus'` pass on this commit
  2. CHANGELOG.md: the day of the release in place of "Unreleased"; CITATION.cff: date-released
  3. git tag --sign v{version} && git push origin v{version}
  4. {os.path.relpath(sys.executable, ROOT)} -m twine upload dist/*
  5. the models, where they are to stand on a hub: pingze export --model tang --to FOLDER"""


def _python(*arguments: str) -> None:
    command = [sys.executable]
    command += arguments
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
