"""The page's own font: it holds what poems are written with, is small, and its licence lies beside it."""

from fontTools.ttLib import TTFont

from pingze.network import checkpoint
from pingze.serve.app import PAGE
from pingze.verse.character_table import simplified_forms

FONT = PAGE / "kai.woff"
LARGEST = 3.1e6
RARE = 0.01  # of the characters neither font has; half of them are Simplified forms of rare ones


def test_it_holds_what_poems_are_written_with_in_both_scripts() -> None:
    simplified, held = simplified_forms(), {*map(chr, TTFont(FONT).getBestCmap())}
    for name in checkpoint.SHIPPED:
        wanted = {token for token in checkpoint.load(name).vocabulary.tokens if len(token) == 1}
        assert len(wanted - held) < RARE * len(wanted)
        shown = {simplified.get(character, character) for character in wanted}
        assert len(shown - held) < RARE * len(shown)


def test_it_is_small_and_free() -> None:
    assert FONT.stat().st_size < LARGEST
    assert "SIL OPEN FONT LICENSE Version 1.1" in (PAGE / "kai-OFL.txt").read_text(encoding="utf-8")
