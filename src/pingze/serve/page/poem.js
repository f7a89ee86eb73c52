// A poem as it is set: from top to bottom and right to left, with its heading and its seal. A row of the grid is a line.

import { el } from "./dom.js";
import { settings, shown } from "./settings.js";
import { COUPLET, markAfter, placeOf, stanzasOf, tuneOf, walk } from "./shape.js";
import { table } from "./tables.js";
import { t, verseLanguage } from "./words.js";

const SIGNS = { 平: "○", 仄: "●", 中: "◐" };
const TONES = { 平: "level_tone", 仄: "oblique_tone", 中: "either_tone" };

/** What is written over a poem: the heading that a person gave it, else the title it was composed to; first a 詞's tune. */
export function titleOf({ heading, title, form }) {
  const [own, tune] = [heading || title || "", tuneOf(form)?.names[0] ?? ""];
  return own.startsWith(tune) ? own : [tune, own].filter(Boolean).join("·");
}

/** What stands in a poem's seal. */
export const sealOf = ({ seal }) => seal || settings.seal || "平仄";

/** A text of a poem as the reader reads it: a character that was typed in Simplified stays as it was typed. */
export function written(poem, text) {
  const pairs = Object.fromEntries((poem.typed ?? "").match(/../gu) ?? []);
  return settings.script === "simplified" ? [...text].map((one) => pairs[one] ?? shown(one)).join("") : text;
}

/**
 * A poem on its sheet. `look(line, position)` tells of a place: {tone, rhymes, locked, fault}. `chosen` is the place that
 * the Tab key comes to. `act(event, place)` hears of every click and of every key that does not move. `edit`, where it is
 * given, hears of a click on the heading.
 */
export function book(poem, { label, look, chosen = null, act = (_event, _place) => {}, edit = null }) {
  const body = el("div.lines", { role: "grid", "aria-label": label, lang: verseLanguage() });
  const stanzas = stanzasOf(poem);
  const shape = { look, chosen };
  body.append(
    ...stanzas.map((lines) =>
      el(
        "div.stanza",
        { role: "rowgroup" },
        lines.map((line) => row(poem, line, shape)),
      ),
    ),
  );
  body.addEventListener("click", (event) => {
    const cell = event.target.closest("[role=gridcell]");
    if (cell) act(event, placeOf(cell));
  });
  body.addEventListener("keydown", (event) => {
    if (!walk(event, body)) act(event, placeOf(event.target));
  });
  const seal = el("span.seal", { "aria-hidden": "true", lang: "zh-Hant" }, sealOf(poem));
  const whole = el("div.book", heading(poem, edit), body, seal);
  const longest = Math.max(...stanzas.map((lines) => lines.length));
  whole.style.setProperty("--columns", String(longest + (titleOf(poem) || poem.poet ? 1 : 0)));
  whole.classList.toggle("couplet", poem.form === COUPLET);
  const shows = [settings.marks && "with-marks", settings.language === "en" && "glossed"].filter(Boolean);
  return el("div", { class: ["scroll", ...shows].join(" ") }, whole);
}

function heading(poem, edit) {
  const title = titleOf(poem);
  if (!title && !poem.poet) return null;
  return el(
    "div.heading",
    { lang: verseLanguage(), on: edit ? { click: edit } : {} },
    title ? el("h2", written(poem, title)) : null,
    poem.poet ? el("p", t("by_manner", named(poem.poet))) : null,
  );
}

function row(poem, line, { look, chosen }) {
  const text = poem.lines[line - 1];
  const faces = [...written(poem, text)];
  const mark = el("span.mark", { "aria-hidden": "true" }, markAfter(poem, line));
  const cells = [...text].map((one, at) => cell(one, faces[at], line, at + 1, look(line, at + 1), chosen));
  return el("div.line", { role: "row" }, cells, mark);
}

function cell(character, face, line, position, seen, chosen) {
  const focused = line === (chosen?.line ?? 1) && position === (chosen?.position ?? 1);
  const said = [
    seen.rhymes ? t("cell_rhymes") : "",
    seen.locked ? t("cell_locked") : "",
    seen.fault ? t("cell_faulty", shown(seen.fault)) : "",
  ].join("");
  const shows = ["rhymes", "locked", "faulty", "pale", "changed"].filter(
    (name) => seen[name === "faulty" ? "fault" : name],
  );
  return el(
    ["span.cell", ...shows].join("."),
    {
      role: "gridcell",
      tabindex: focused ? 0 : -1,
      "data-line": line,
      "data-position": position,
      "aria-selected": String(Boolean(chosen) && focused),
      "aria-label": t("cell", face, t(TONES[seen.tone] ?? "no_tone"), line, position, said),
    },
    el("span.character", { "aria-hidden": "true" }, face),
    glosses(character, true),
    el("span.sign", { "aria-hidden": "true" }, sign(seen)),
  );
}

/** What the place of a fault wants and what it has, where one sentence can tell; else "". */
export function wants({ rule, char, cause: { code, wanted, has } }) {
  if (!wanted || !has?.length) return "";
  const tone = rule === "失律" ? "usual_tone" : "wants_tone"; // a tune's tones are those of nine pieces in ten
  if (code === "tone") return t(tone, t(TONES[wanted]), shown(char), t(TONES[has]));
  return has.includes(wanted) ? "" : t("wants_rhyme", shown(wanted), shown(char), shown(has.join("、")));
}

/** The mark of a tone; a foot is ◎ as in the old manuals. */
const sign = (seen) => (seen.rhymes && !seen.fault ? "◎" : (SIGNS[seen.tone] ?? ""));

/** Title, then a couplet or a stanza a row, with marks; below, where its lines are from. */
export function textOf(poem) {
  const marked = (line) =>
    written(poem, poem.lines[line - 1]) + markAfter(poem, line) + (tuneOf(poem.form) || line % 2 ? "" : "\n");
  const verse = stanzasOf(poem).map((lines) => lines.map(marked).join("").trim());
  const parts = [written(poem, titleOf(poem)), verse.join("\n"), sourcesOf(poem).join("\n")];
  return parts.filter(Boolean).join("\n\n");
}

/** Where the lines of a poem of old lines are from, of those that stand as they were quoted. */
export function sourcesOf({ lines, sources }) {
  const from = Object.fromEntries((sources ?? "").split("\n").map((row) => row.split("\t")));
  return lines.filter((line) => from[line]).map((line) => shown(`${line}　${from[line]}`));
}

/** The same as a list for the sheet. */
export const quotes = (poem) =>
  el(
    "ul.quotes",
    { lang: verseLanguage() },
    sourcesOf(poem).map((row) => el("li", row)),
  );

/** A rhyme group in the reader's language; a 詞 rhymes in parts, which have names of their own. */
export const rhymeOf = (rhyme) =>
  /部$/.test(rhyme) || !rhymesIn(rhyme)
    ? shown(rhyme.replace(/[^部]$/, "$&韻"))
    : t("rhymes_in", rhymesIn(rhyme), rhyme);

// -- glosses -----------------------------------------------------
// How characters are said and what they mean, for readers of English.

let said = null; // pinyin by character
let means = {};

/** Have the tables at hand where the reader reads English; whether they were not before. */
export async function learnGlosses() {
  if (settings.language !== "en" || said) return false;
  said = new Map();
  const [pinyin, glosses] = await Promise.all([table("pinyin"), table("glosses")]);
  said = new Map(Object.entries(pinyin).flatMap(([syllable, all]) => [...all].map((one) => [one, syllable])));
  means = glosses;
  return true;
}

/** A text's pinyin, "" where the reader does not read English or the table does not know it. */
export const pinyin = (text) =>
  settings.language === "en"
    ? [...text]
        .map((one) => said?.get(one) ?? "")
        .join(" ")
        .trim()
    : "";

/** A character's pinyin over its meaning, for the eye; in `short`, only the first meaning. */
export function glosses(character, short = false) {
  if (settings.language !== "en") return null;
  const all = means[character] ?? "";
  return el(
    "span.gloss",
    { lang: "en", "aria-hidden": "true" },
    el("span", pinyin(character)),
    el("span.means", { title: all }, short ? all.split(";")[0] : all),
  );
}

/** The same without the marks of tones. */
const plain = (text) =>
  pinyin(text)
    .normalize("NFD")
    .replace(/[\u0300\u0301\u0304\u030c]/g, "");

/** How characters of a rhyme group end in modern Mandarin, as -ang of 陽; "" but for readers of English. */
export const rhymesIn = (group) => plain(group[0] ?? "").replace(/^[bcdfghjklmnpqrstwxyz]+/, "-");

const IN_NAMES = { 曾: "zeng", 說: "yue", 長: "chang", 參: "shen", 仇: "qiu", 重: "chong" }; // read otherwise in names

/** A poet's name as it is written in English, as Bai Juyi; "" but for readers of English. */
export function nameOf(poet) {
  if (settings.language !== "en") return "";
  const parts = poet.match(/^(司馬|司空|令狐|皇甫|歐陽|.)(.*)$/u) ?? [];
  const read = parts.slice(1).map((part) => [...part].map((one) => IN_NAMES[one] ?? plain(one)).join(""));
  return read
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join(" ")
    .trim();
}

/** A poet's name as it is shown, with the name in English for readers of that. */
export const named = (poet) => `${shown(poet)} ${nameOf(poet)}`.trim();
