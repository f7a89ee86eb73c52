"""Run the quick tests on the wheel with every Python from 3.11 on that is at hand.

    python -m tools.test_matrix [pytest's arguments]    (`make test-matrix`)

Each Python gets an environment in build/matrix with the wheel, its extra serve, and the test
packages. Torch is not installed, so tests/conftest.py leaves out the tests that import it. The
script looks for interpreters on PATH and in pyenv. pyproject.toml names the supported versions; one
that it does not name yet is added there once it passes.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERSIONS = [f"3.{minor}" for minor in range(11, 30)]
TESTING = [
    "pytest>=8.3",
    "pytest-xdist>=3.6",
    "hypothesis>=6.100",
    "beartype>=0.19",
    "jaxtyping>=0.2.36",
    "httpx>=0.27",
]


def main() -> None:
    """Build the wheel, test it with each Python, and exit with 1 if one failed."""
    with tempfile.TemporaryDirectory() as folder:
        if not _ran([sys.executable, "-m", "build", "--wheel", "--outdir", folder]):
            sys.exit("the wheel could not be built")
        (wheel,) = Path(folder).glob("*.whl")
        results = {}
        for version in VERSIONS:
            python = interpreter(version)
            if python:
                results[version] = tested(version, python, wheel)
    for version in VERSIONS:
        if version in results:
            print(f"Python {version}: {results[version]}")
        elif version in supported():
            print(f"Python {version}: not tried, it is not on this machine")
    sys.exit(any(result != "passed" for result in results.values()))


def supported() -> list[str]:
    """Return the versions of Python that pyproject.toml names."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return re.findall(r'"Programming Language :: Python :: (3\.\d+)"', text)


def interpreter(version: str) -> str | None:
    """Return the path of a Python of a version: on PATH, else the newest in pyenv, or None."""
    named = shutil.which(f"python{version}")
    if named and _runs(named, version):
        return named
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    patches = {
        path.name.removeprefix(f"{version}."): path for path in versions.glob(f"{version}.*")
    }
    newest = max((patch for patch in patches if patch.isdecimal()), key=int, default=None)
    return str(patches[newest] / "bin" / "python") if newest else None


def _runs(python: str, version: str) -> bool:
    """Return whether a Python has the given version and can create environments.

    A pyenv shim may not run at all.
    """
    script = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=False)
    return done.stdout.strip() == version


def tested(version: str, python: str, wheel: Path) -> str:
    """Install and test the wheel with one Python, and return the result in words."""
    place = ROOT / "build" / "matrix" / version
    own = str(place / ("Scripts" if os.name == "nt" else "bin") / "python")
    # 1) Install.
    install = [own, "-m", "pip", "install", "--quiet", f"{wheel}[serve]"]
    install += TESTING
    if not _ran([python, "-m", "venv", "--clear", str(place)]) or not _ran(install):
        return "could not be installed"
    # 2) Test what is installed.
    command = [own, "-m", "pytest", "-m", "not slow", "-p", "no:cacheprovider"]
    command += sys.argv[1:] or ["tests"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    failed = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    return "failed" if failed else "passed"


def _ran(command: list[str]) -> bool:
    return not subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    main()
