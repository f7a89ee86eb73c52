// A poem as a grid of characters, set from top to bottom and right to left. A row of the grid is a line of verse.

import { el } from "./dom.js";
import { settings, shown } from "./settings.js";
import { changed } from "./state.js";
import { t, verseLanguage } from "./words.js";

const SIGNS = { 平: "○", 仄: "●", 中: "◐" };
export const TONES = { 平: "level_tone", 仄: "oblique_tone", 中: "either_tone" };

/** The step on (line, position) that each arrow key makes: the next line stands to the left. */
const STEPS = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowLeft: [1, 0], ArrowRight: [-1, 0] };

/**
 * The grid of a poem's lines.
 *
 * `look(line, position)` tells of a place: {tone, rhymes, locked, fault, chosen}. `chosen` is the place that the Tab
 * key comes to. `act(event, place)` hears of every click and of every key that does not move.
 */
export function grid(lines, { label, look, chosen, act }) {
  const body = el("div", { class: "lines", role: "grid", "aria-label": label, lang: verseLanguage() });
  lines.forEach((text, at) => body.append(row([...text], at + 1, { look, chosen })));
  body.addEventListener("click", (event) => {
    const cell = event.target.closest("[role=gridcell]");
    if (cell) act(event, placeOf(cell));
  });
  body.addEventListener("keydown", (event) => {
    if (!move(event, body)) act(event, placeOf(event.target));
  });
  return body;
}

function row(characters, line, { look, chosen }) {
  const mark = el("span", { class: "mark", "aria-hidden": "true" }, line % 2 ? "，" : "。");
  const cells = characters.map((character, at) => cell(character, line, at + 1, look(line, at + 1), chosen));
  return el("div", { class: "line", role: "row" }, cells, mark);
}

function cell(character, line, position, seen, chosen) {
  const focused = line === (chosen?.line ?? 1) && position === (chosen?.position ?? 1);
  const said = [
    seen.rhymes ? t("cell_rhymes") : "",
    seen.locked ? t("cell_locked") : "",
    seen.fault ? t("cell_faulty", seen.fault) : "",
  ].join("");
  return el(
    "span",
    {
      class: ["cell", seen.rhymes && "rhymes", seen.locked && "locked", seen.fault && "faulty"]
        .filter(Boolean)
        .join(" "),
      role: "gridcell",
      tabindex: focused ? 0 : -1,
      "data-line": line,
      "data-position": position,
      "data-pinyin": pinyin(character),
      "aria-selected": String(Boolean(chosen) && focused),
      "aria-label": t("cell", shown(character), t(TONES[seen.tone] ?? "no_tone"), line, position, said),
    },
    el("span", { class: "character", "aria-hidden": "true" }, shown(character)),
    el("span", { class: "sign", "aria-hidden": "true" }, sign(seen)),
  );
}

/** The mark of a tone; a foot is ◎ as in the old manuals. */
const sign = (seen) => (seen.rhymes ? "◎" : (SIGNS[seen.tone] ?? ""));

const placeOf = (node) => ({ line: Number(node.dataset.line), position: Number(node.dataset.position) });

/** Move the focus by an arrow key, Home or End; whether the key did. */
function move(event, body) {
  const { line, position } = placeOf(event.target);
  const step = STEPS[event.key];
  let next = null;
  if (step) next = cellAt(body, line + step[0], position + step[1]);
  else if (event.key === "Home") next = event.target.parentNode.querySelector("[role=gridcell]");
  else if (event.key === "End") next = [...event.target.parentNode.querySelectorAll("[role=gridcell]")].at(-1);
  else return false;
  event.preventDefault();
  if (!next) return true;
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
  return true;
}

/** The cell of a place in a grid, or null. */
export const cellAt = (body, line, position) =>
  body.querySelector(`[role=gridcell][data-line="${line}"][data-position="${position}"]`);

/** Title, then a couplet a row, with marks. */
export function textOf({ title, lines }) {
  const marked = lines.map((line, at) => shown(line) + (at % 2 ? "。" : "，"));
  const rows = marked.flatMap((_, at) => (at % 2 ? [] : [marked.slice(at, at + 2).join("")]));
  return [...(title ? [shown(title), ""] : []), ...rows].join("\n");
}

// -- pinyin ------------------------------------------------------
// How characters are said in modern Mandarin, for readers of English. The table is fetched once, when it is first needed.

let said = null; // by character

/** A character's pinyin, where the reader reads English and the table knows it. */
export function pinyin(character) {
  if (settings.language !== "en") return null;
  if (!said) learnSaid();
  return said.get(character) ?? null;
}

async function learnSaid() {
  said = new Map();
  const table = await fetch("/page/pinyin.json")
    .then((response) => response.json())
    .catch(() => ({}));
  for (const [syllable, characters] of Object.entries(table))
    for (const character of characters) said.set(character, syllable);
  changed();
}
