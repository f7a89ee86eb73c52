import pytest

from pingze.cli.terminal.status import status


def test_without_a_terminal_news_is_told_at_once_and_numbers_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("pingze.cli.terminal.status.time.monotonic", lambda: now)
    with status() as tell:
        for second in range(25):
            now = 100.0 + second
            tell(f"fetching: {second} s")
        tell("reading")
    assert capsys.readouterr().err.splitlines() == [
        "fetching: 0 s",
        "fetching: 10 s",
        "fetching: 20 s",
        "reading",
    ]
