"""Build the page's font kai.woff from two free fonts, with its licence beside it.

    pip install '.[page]'
    python -m tools.build_page_font

The font contains the characters of every shipped model's vocabulary, their Simplified forms, and
the other characters that a card shows. The glyphs come from LXGW WenKai TC (npm:
@fontsource/lxgw-wenkai-tc) or, if that font lacks one, from LXGW WenKai with its mainland forms
(npm: @chinese-fonts/lxgwwenkai); both are under the SIL Open Font License. The file is WOFF 1 with
simple TrueType outlines, unhinted and with few units to the em, so that card.js can read it too.
"""

import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont, sfnt
from fontTools.ttLib.tables._g_l_y_f import Glyph

from pingze.corpus.fetch import npm_client
from pingze.network import checkpoint
from pingze.verse.character_table import simplified_forms

PAGE = Path(__file__).parents[1] / "src" / "pingze" / "serve" / "page"
PACKAGES = (
    ("@fontsource/lxgw-wenkai-tc@5.3.0", "package/files/lxgw-wenkai-tc-*-400-normal.woff"),
    ("@chinese-fonts/lxgwwenkai@3.0.0", "package/dist/LXGWWenKai-Regular/*.woff2"),
)
UNITS = 360  # per em, so that a unit is a tenth of a pixel on a card
MARKS = "，。　平仄擬"
COPYRIGHT = (
    "Copyright 2024 The LXGW WenKai Project Authors (https://github.com/lxgw/LxgwWenkaiTC). "
    "Copyright 2021-2025 LXGW (https://github.com/lxgw/LxgwWenKai). "
    "Copyright 2020 The Klee Project Authors (https://github.com/fontworks-fonts/Klee)."
)


def main() -> None:
    """Fetch both fonts, write one of the required characters, and print those that both lack."""
    wanted = wanted_characters()
    glyphs: dict[str, tuple[Glyph, int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for package, fonts in PACKAGES:
            unpacked = fetch(package, Path(folder))
            for path in sorted(unpacked.glob(fonts)):
                glyphs.update(cut(path, wanted - set(glyphs)))
            licence = unpacked / "package" / "LICENSE"
            if licence.read_text(encoding="utf-8").startswith("Copyright 2024 The LXGW"):
                terms = licence.read_text(encoding="utf-8").split("\n", 1)[1]
                (PAGE / "kai-OFL.txt").write_text(COPYRIGHT + "\n" + terms, encoding="utf-8")
    path = PAGE / "kai.woff"
    write(path, glyphs)
    missing = "".join(sorted(wanted - set(glyphs)))
    print(
        f"{path}: {len(glyphs)} characters, {path.stat().st_size / 1e6:.2f} MB; neither font has {missing}"
    )


def wanted_characters() -> set[str]:
    """Return the characters that a card can show.

    `MARKS` and those of the models, Traditional and Simplified.
    """
    traditional = set()
    for name in checkpoint.SHIPPED:
        tokens = checkpoint.load(name).vocabulary.tokens
        traditional |= {token for token in tokens if len(token) == 1}
    forms = simplified_forms()
    simplified = {forms[character] for character in traditional if character in forms}
    return traditional | simplified | set(MARKS)


def fetch(package: str, folder: Path) -> Path:
    """Fetch a package with npm, unpack it, and return the folder that contains it."""
    into = folder / package.split("/")[-1].split("@")[0]
    into.mkdir()
    command = list(npm_client())
    command += ["pack", package, "--loglevel=error"]
    subprocess.run(command, cwd=into, check=True)
    (archive,) = into.glob("*.tgz")
    with tarfile.open(archive) as packed:
        packed.extractall(into, filter="data")
    return into


def cut(path: Path, wanted: set[str]) -> Iterator[tuple[str, tuple[Glyph, int]]]:
    """Yield each wanted character that a font file has, with its outline and width."""
    font = TTFont(path)
    outlines = font.getGlyphSet()
    scale = UNITS / font["head"].unitsPerEm
    for code, name in font.getBestCmap().items():
        if chr(code) in wanted:
            pen = TTGlyphPen(None)
            outlines[name].draw(TransformPen(pen, (scale, 0, 0, scale, 0, 0)))
            yield chr(code), (pen.glyph(), round(outlines[name].width * scale))


def write(path: Path, glyphs: dict[str, tuple[Glyph, int]]) -> None:
    """Write a font with the given glyphs, in the order of their code points."""
    # 1) The glyphs by name, with their outlines and widths.
    names = {".notdef": (TTGlyphPen(None).glyph(), UNITS)}
    names |= {f"u{ord(c):X}": glyphs[c] for c in sorted(glyphs)}
    builder = FontBuilder(UNITS, isTTF=True)
    builder.setupGlyphOrder(list(names))
    builder.setupCharacterMap({ord(c): f"u{ord(c):X}" for c in sorted(glyphs)})
    for glyph, _ in names.values():
        if glyph.numberOfContours > 0:
            glyph.coordinates.toInt()
    builder.setupGlyf({name: glyph for name, (glyph, _) in names.items()})
    builder.setupHorizontalMetrics(
        {name: (width, getattr(glyph, "xMin", 0)) for name, (glyph, width) in names.items()}
    )
    # 2) The tables of the whole font.
    builder.setupHorizontalHeader(ascent=round(0.88 * UNITS), descent=-round(0.12 * UNITS))
    builder.setupNameTable(
        {"familyName": "pingze Kai", "styleName": "Regular", "copyright": COPYRIGHT}
    )
    builder.setupOS2()
    builder.setupPost(keepGlyphNames=False)
    # 3) No date in the file, so the same fonts give the same bytes.
    builder.font["head"].created = builder.font["head"].modified = 0
    builder.font.recalcTimestamp = False
    builder.font.flavor = "woff"
    sfnt.ZLIB_COMPRESSION_LEVEL = 9
    builder.font.save(path)


if __name__ == "__main__":
    main()
