import pytest

from pingze.__main__ import run
from tests.cli.calling import Call


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def called(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            run(list(arguments))
        return int(exit_.value.code or 0), *capsys.readouterr()

    return called
