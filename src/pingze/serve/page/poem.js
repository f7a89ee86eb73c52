// A poem as it is set: from top to bottom and right to left, with its heading and its seal. A row of the grid is a line.

import { el } from "./dom.js";
import {
  glossedLine,
  isKnown,
  meaningsOf,
  meansOf,
  pinyin,
  saidOf,
  tonesOf,
  wordsOf,
} from "./glosses.js";
import { isEnglish, settings, shown, staysTyped } from "./settings.js";
import {
  BLANK,
  columnsHere,
  COUPLET,
  isEmpty,
  keyOf,
  markAfter,
  placeOf,
  stanzasOf,
  tiersOf,
  tuneOf,
  walk,
} from "./shape.js";
import { t, verseLanguage } from "./words.js";

const SIGNS = { 平: "○", 仄: "●", 中: "◐" };
const TONES = { 平: "level_tone", 仄: "oblique_tone", 中: "either_tone" };

/** What is written over a poem: a 詞's tune, and the heading that a person gave it, else the title it was composed to. */
export function titleOf({ heading, title, form }) {
  const [own, tune] = [heading || title || "", tuneOf(form)?.names[0] ?? ""];
  return own.startsWith(tune) ? own : [tune, own].filter(Boolean).join("·");
}

export const sealOf = ({ seal }) => seal || settings.seal || "平仄";

/** A text of a poem as the reader reads it; what was typed in Simplified stays so. */
export function written(poem, text) {
  const pairs = (poem.typed ?? "").match(/../gu) ?? [];
  const typed = new Map(pairs.map((pair) => /** @type {[string, string]} */ ([...pair])));
  const faces = [...shown(text)]; // at once: 乾坤 is known only as a whole
  const face = (one, at) => (staysTyped(one, typed.get(one)) && typed.get(one)) || faces[at];
  return [...text].map(face).join("");
}

/**
 * A poem on its sheet. `look(place)` tells {tone, rhymes, locked, fault}. `chosen` is the place that the Tab key comes to.
 * `act(event, place, isFoot)` hears of clicks, at a line's foot too, and of keys that do not move; `edit` of a click on the
 * heading, `type(place, characters)` of what is typed.
 */
export function book(
  poem,
  { label, look, chosen = null, act = (_event, _place, _isFoot) => {}, edit = null, type = null },
) {
  const hear = (event) => {
    if (event.isComposing) return; // its keys are the input method's
    const foot = event.target.closest(".mark"); // it opens its whole line
    const cell = foot?.previousSibling ?? event.target.closest("[role=gridcell]");
    if (cell && !(event.type === "keydown" && walk(event, body)))
      act(event, placeOf(cell), Boolean(foot));
  };
  const row = (line) => lineOf(poem, line, look, chosen, Boolean(type));
  const stanza = (lines) => el("div.stanza", { role: "rowgroup" }, lines.map(row));
  const grid = {
    role: "grid",
    "aria-label": label,
    lang: verseLanguage(),
    on: { click: hear, keydown: hear, ...(type && typing(type)) },
  };
  const tiers = tiersOf(poem, columnsHere());
  const rows = tiers.length > 1 ? tiers : stanzasOf(poem);
  const body = el("div.lines", grid, rows.map(stanza));
  const seal = el("span.seal", { "aria-hidden": "true", lang: "zh-Hant" }, sealOf(poem));
  const columns =
    Math.max(...tiers.map((lines) => lines.length)) + (titleOf(poem) || poem.poet ? 1 : 0);
  const kind = ["div.book", poem.form === COUPLET && "couplet", tiers.length > 1 && "tiered"];
  const whole = el(kind, { "--columns": columns }, heading(poem, edit), body, seal);
  return el(["div.scroll", settings.marks && "with-marks"], whole);
}

function heading(poem, edit) {
  const title = titleOf(poem);
  if (!title && !poem.poet) return null;
  const poet = poem.poet ? el("p", t("by_manner", named(poem.poet))) : null;
  const own = title
    ? [el("h2", written(poem, title)), poem.form === COUPLET ? el("small", sense(title)) : null]
    : null;
  return el("div.heading", { lang: verseLanguage(), on: { click: edit } }, own, poet);
}

/** What hears of characters typed into a cell, by an input method too. */
function typing(type) {
  const put = (target, text) => {
    target.classList.remove("composing");
    type(placeOf(target), text);
  };
  return {
    beforeinput: (event) => {
      if (/Composition/.test(event.inputType)) return; // by an input method: its end is heard of
      event.preventDefault();
      if (event.inputType === "insertText") put(event.target, event.data);
    },
    compositionstart: ({ target }) => target.classList.add("composing"),
    compositionend: ({ target, data }) => put(target, data),
  };
}

function lineOf(poem, line, look, chosen, isEditable) {
  const faces = [...written(poem, poem.lines[line - 1])];
  const mark = el("span.mark", { "aria-hidden": "true" }, markAfter(poem, line));
  const place = (at) => ({ line, position: at + 1 });
  const read = [...poem.lines[line - 1]];
  const said = isKnown() ? spokenCells(read, tonesOf(read, line, look)) : [];
  const cells = read.map((_, at) =>
    cell(faces[at], said[at] ?? "", place(at), look(place(at)), chosen, isEditable),
  );
  return el("div.line", { role: "row" }, cells, mark);
}

/** What a screen reader says of each place beside its character: its syllable, and what its word means. */
const spokenCells = (read, tones) =>
  wordsOf(read, tones).flatMap(({ pinyin, means }) =>
    pinyin.map((syllable) => [` ${syllable}`, means].filter(Boolean).join(", ")),
  );

function cell(face, spoken, place, seen, chosen, isEditable) {
  const isFocused = keyOf(place) === keyOf(chosen ?? { line: 1, position: 1 });
  const { tone, rhymes, locked, fault, noted, changed } = seen;
  const isBlank = face === BLANK;
  const said = [
    rhymes && t("cell_rhymes"),
    locked && t("cell_locked"),
    fault && t("cell_faulty", t(fault)),
    noted && t("cell_noted", t(noted)),
  ];
  const classes = [
    isBlank && "blank",
    rhymes && "rhymes",
    locked && "locked",
    fault && "faulty",
    noted && "noted",
    changed && "changed",
  ];
  const tells = [
    isBlank ? t("cell_blank") : face + spoken,
    t(TONES[tone] ?? "no_tone"),
    place.line,
    place.position,
    said.filter(Boolean).join(""),
  ];
  const attributes = {
    role: "gridcell",
    tabindex: isFocused ? 0 : -1,
    "data-line": place.line,
    "data-position": place.position,
    "aria-selected": String(Boolean(chosen) && isFocused),
    "aria-label": t("cell", ...tells),
    contenteditable: isEditable ? "true" : null,
    inputmode: matchMedia("(pointer: coarse)").matches ? "none" : null, // its field in the inspector has the keyboard
    spellcheck: "false",
  };
  return el(
    ["span.cell", ...classes],
    attributes,
    el("span.character", { "aria-hidden": "true" }, isBlank ? "" : face),
    el("span.sign", { "aria-hidden": "true" }, rhymes && !fault ? "◎" : (SIGNS[tone] ?? "")), // as in the old manuals
  );
}

/** What the place of a fault wants and what it has, where one sentence can tell; else "". */
export function wants({ rule, char, cause: { code, wanted, has } }) {
  if (!has?.length || has.includes(wanted)) return "";
  const tone = rule === "失律" ? "usual_tone" : "wants_tone"; // a tune has its tones at each place
  if (code === "tone") return wanted ? t(tone, t(TONES[wanted]), shown(char), t(TONES[has])) : "";
  const own = rhymeOf(has.join("、"));
  const isOne = wanted && !wanted.includes("、"); // else the poem changes its rhyme
  return isOne
    ? t("wants_rhyme", rhymeOf(wanted), shown(char), own)
    : t("wants_near", shown(char), own);
}

/** What is said below a poem: what it is, how to read it, and what its marks mean. */
export const caption = (facts, legend, ...more) =>
  el(
    "p.caption",
    el("span", { lang: verseLanguage() }, facts),
    isEnglish() ? el("span.how-to-read", t("how_to_read")) : null,
    legend ? el("span.legend", t(legend)) : null,
    ...more,
  );

/** For readers of English: each line across, word over pinyin over meaning; null for others. */
export function wordByWord(poem, look) {
  if (!isKnown() || isEmpty(poem.lines)) return null;
  const across = (text, tones) => glossedLine(text, tones, written(poem, text), verseLanguage());
  const rows = poem.lines.map((text, at) => el("li", across(text, tonesOf(text, at + 1, look))));
  const isOwn = poem.heading || !/\p{Script=Han}/u.test(titleOf(poem)); // a reader's own words
  const title = isOwn ? "" : titleOf(poem);
  const heading = title ? el("p", across(title, "")) : null;
  return el("section.by-word", { "aria-label": t("by_word") }, heading, el("ol", rows));
}

/** The same as data, {verse, pinyin, means} of each line. */
export function glossed(poem, look) {
  if (!isKnown()) return [];
  return poem.lines.map((text, at) => ({
    verse: written(poem, text),
    ...saidOf(text, tonesOf(text, at + 1, look)),
  }));
}

/** The text that is sent. */
export function sentText(poem, look) {
  const lines = glossed(poem, look).map(({ verse, pinyin, means }) =>
    [verse, pinyin, means].join("\n"),
  );
  return [textOf(poem), ...lines].join("\n\n");
}

/** A line as the reader reads it, with the mark after it. */
export const markedLine = (poem, line) =>
  written(poem, poem.lines[line - 1]) + markAfter(poem, line);

/** Title, then a couplet or a stanza a row, with marks; below, where its lines are from. */
function textOf(poem) {
  const row = (line) => markedLine(poem, line) + (tuneOf(poem.form) || line % 2 ? "" : "\n");
  const verse = stanzasOf(poem).map((lines) => lines.map(row).join("").trim());
  return [written(poem, titleOf(poem)), verse.join("\n"), quotes(poem).join("\n")]
    .filter(Boolean)
    .join("\n\n");
}

/** Where each line of a poem of old lines is from; "" where it does not stand as it was quoted. */
export function sourcesOf({ lines, sources }) {
  const from = Object.fromEntries((sources ?? "").split("\n").map((row) => row.split("\t")));
  return sources ? lines.map((line) => from[line] ?? "") : [];
}

/** The same in words. */
const quotes = (poem) =>
  sourcesOf(poem).map((from, at) =>
    from ? shown(`${poem.lines[at]}　${from}`) : t("not_quoted", at + 1),
  );

export function quoteList(poem) {
  const rows = quotes(poem).map((row) => el("li", row));
  return el("ul.quotes", { lang: verseLanguage() }, rows);
}

/** Rhyme groups in the reader's language; a 詞 rhymes in parts, which have numbers. */
export const rhymeOf = (rhymes) => rhymes.split("、").map(groupOf).join(t("comma"));

function groupOf(rhyme) {
  const part = rhyme.match(/^第(十?)([一二三四五六七八九]?)部$/);
  if (part && isEnglish())
    return t("rhyme_part", (part[1] ? 10 : 0) + " 一二三四五六七八九".indexOf(part[2] || " "));
  if (part || !isEnglish()) return shown(rhyme.replace(/[^部]$/, "$&韻"));
  return t(settings.standard === "pingshui" ? "rhymes_of_old" : "rhymes_in", rhyme);
}

/** A reading in the reader's language: its tone and its rhyme group, as 平東. */
export function readingOf(reading) {
  if (!isEnglish()) return shown(reading);
  const side = reading[0] === "平" ? "level_tone" : "oblique_tone"; // 上 去 入 are oblique
  return `${t(side)}, ${rhymeOf(reading.slice(1))} ${reading}`;
}

/** How a text is said, and what its words mean; "" but for readers of English. */
export const sense = (text) => (isKnown() ? `${pinyin(text)}: ${meansOf(text)}` : "");

/** A character's pinyin over its meanings, or in `short` the first. */
export function glosses(character, short = false) {
  if (!isKnown() || !character) return null; // nothing is said of an empty place
  const [{ pinyin: said, means }] = wordsOf(character);
  const all = meaningsOf(character);
  const meaning = el("span.means", { title: all }, short ? means : all);
  return el(
    "span.gloss",
    { lang: "en", "aria-hidden": "true" },
    el("span", said.join("")),
    meaning,
  );
}

/** A text without the marks of tones or accents. */
export const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "");

/** How characters of a rhyme group end in modern Mandarin, as -ang of 陽; "" but for readers of English. */
export const rhymesIn = (group) =>
  plain(pinyin(group[0] ?? "")).replace(/^[bcdfghjklmnpqrstwxyz]+/, "-");

/** Characters that names read otherwise than words, first those of surnames. */
const IN_NAMES = {
  沈: "shen",
  區: "ou",
  繆: "miao",
  曾: "zeng",
  仇: "qiu",
  說: "yue",
  長: "chang",
  參: "shen",
  重: "chong",
  朝: "chao",
  著: "zhu",
  摰: "zhi",
  乾: "qian",
};
const TITLED = {
  太宗皇帝: "Emperor Taizong",
  明皇帝: "Emperor Xuanzong",
  則天皇后: "Empress Wu Zetian",
  後主煜: "Li Yu",
  花蕊夫人徐氏: "Lady Huarui",
  白雲仙人: "Baiyun Xianren",
  洪適: "Hong Kuo", // whose 適 is 适, not that of 葉適
}; // names that are no surname and given name
const WHOLE = "齊己|貫休|皎然|寒山|拾得|無可|延壽|居遁|靈一|尚顏|寶誌|成鷲|乾隆|胤禛|薩都剌"; // no surname
const LONG_SURNAMES =
  "司馬|司空|令狐|皇甫|歐陽|獨孤|耶律|納蘭|完顏|諸葛|上官|慕容|長孫|宇文|尉遲|公孫|夏侯|端木|東方";
const PARTS = new RegExp(`^(${WHOLE}|${LONG_SURNAMES}|.)(.*)$`, "u");

/** A poet's name in English, as Bai Juyi; "" but for readers of that. */
export function nameOf(poet) {
  if (!isEnglish()) return "";
  if (TITLED[poet]) return TITLED[poet];
  const [surname, given] = (poet.match(PARTS) ?? []).slice(1).map(nameRead);
  return [surname, given].filter(Boolean).join(" ");
}

/** A part of a name in pinyin, as Zi'ang. */
function nameRead(part) {
  const syllables = [...part].map((one) => IN_NAMES[one] ?? plain(pinyin(one)));
  const [first = "", ...rest] = syllables;
  const after = rest.map((one) => (/^[aeo]/.test(one) ? `'${one}` : one));
  return first.charAt(0).toUpperCase() + first.slice(1) + after.join("");
}

/** A poet's name as it is shown, with that in English. */
export const named = (poet) => `${shown(poet)} ${nameOf(poet)}`.trim();
