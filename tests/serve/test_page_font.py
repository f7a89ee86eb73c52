"""The page's own font: it holds what poems are written with, is small, and its licence lies beside it."""

import struct
import zlib

from pingze.network import checkpoint
from pingze.serve.app import PAGE
from pingze.verse.character_table import simplified_forms

FONT = (PAGE / "kai.woff").read_bytes()
LARGEST = 3.1e6
RARE = 0.01  # of the characters neither font has; half of them are Simplified forms of rare ones


def table(tag: bytes) -> bytes:
    """One table of the font, inflated."""
    (count,) = struct.unpack_from(">H", FONT, 12)
    entries = (struct.unpack_from(">4sIII", FONT, 44 + 20 * n) for n in range(count))
    start, packed, plain = next(where for name, *where in entries if name == tag)
    data = FONT[start : start + packed]
    return zlib.decompress(data) if packed < plain else data


def characters() -> set[str]:
    """What the font's `cmap` of format 12 maps."""
    cmap = table(b"cmap")
    offsets = [
        struct.unpack_from(">I", cmap, 8 + 8 * n)[0] for n in range(struct.unpack_from(">H", cmap, 2)[0])
    ]
    (offset,) = {each for each in offsets if struct.unpack_from(">H", cmap, each) == (12,)}
    (groups,) = struct.unpack_from(">I", cmap, offset + 12)
    ranges = (struct.unpack_from(">II", cmap, offset + 16 + 12 * n) for n in range(groups))
    return {chr(code) for first, last in ranges for code in range(first, last + 1)}


def test_it_holds_what_poems_are_written_with_in_both_scripts() -> None:
    simplified, held = simplified_forms(), characters()
    for name in checkpoint.SHIPPED:
        wanted = {token for token in checkpoint.load(name).vocabulary.tokens if len(token) == 1}
        assert len(wanted - held) < RARE * len(wanted)
        shown = {simplified.get(character, character) for character in wanted}
        assert len(shown - held) < RARE * len(shown)


def test_it_is_small_and_free() -> None:
    assert len(FONT) < LARGEST
    assert "SIL OPEN FONT LICENSE Version 1.1" in (PAGE / "kai-OFL.txt").read_text(encoding="utf-8")
