// A text that a person brings: each poem of it becomes a sheet, with its heading and its spelling.

import { ask } from "./api.js";
import { takeUp } from "./actions.js";
import { $, attempt, trouble } from "./dom.js";
import { settings, typedPairs } from "./settings.js";
import {
  BLANK,
  charAt,
  isEmpty,
  keyOf,
  onlyHan,
  placesOf,
  tuneOf,
  widthsAsked,
  widthsOf,
} from "./shape.js";
import { focusPlace, type } from "./sheet.js";
import { replaceDesk } from "./shelf_storage.js";
import { entry, newDesk, newEntry, state } from "./state.js";
import { UNREAD } from "./verdict.js";
import { t } from "./words.js";

const HAN = /\p{Script=Han}/u;
const PARTS = /[\s，。、；：！？,.;:!?]+/u; // between lines
const OLD_STYLE = { 5: "五古", 7: "七古" };
const QUATRAINS = { 5: "五絕", 7: "七絕" };

/** Hear of what is pasted: a poem anywhere, some lines or a word into a cell. */
export function startReading() {
  document.addEventListener("paste", (event) => {
    if (event.target.closest("input, textarea")) return;
    event.preventDefault();
    const text = event.clipboardData.getData("text/plain");
    const cell = event.target.closest("#sheet [role=gridcell]");
    const { line, position } = cell?.dataset ?? {};
    const parts = text.split(PARTS).filter((part) => HAN.test(part));
    const place = { line: Number(line), position: Number(position) };
    if (cell && parts.length < 2) type(place, text);
    else if (cell && isPart(parts, place.line)) type({ ...place, position: 1 }, text);
    else bring(text);
  });
  $("bringing").addEventListener("close", () => {
    if ($("bringing").returnValue) bring($("text").value);
    $("bringing").returnValue = "";
    $("text").value = ""; // the next poem is another one
  });
}

/** Whether lines are to stand on the sheet from one of its own on: as long as those, and too few for a poem. */
function isPart(parts, line) {
  const { lines } = entry().now.poem;
  const own = widthsOf(lines).slice(line - 1);
  const widths = parts.map((part) => onlyHan(part).length);
  const isOwn = (width, at) => width === (own[at] ?? own[0]); // what finds no room is refused as it is put
  const isWhole = ({ width, lines: count }) =>
    count && count <= parts.length && widths.every((one) => one === width);
  const isFew = parts.length < lines.length && !state.known.forms.some(isWhole);
  return !isEmpty(lines) && isFew && widths.every(isOwn);
}

/** Lay the poems of a text on the desk. */
export async function bring(text, level = $("level").value) {
  if (!HAN.test(text)) return trouble(t(text.trim() ? "check_not_chinese" : "check_empty"));
  const { standard } = settings;
  await attempt(async () => {
    const { sheets } = await ask("read", { text, level, standard });
    takeUp({ ...newDesk(sheets.map(entryOf)), when: Date.now() }, replaceDesk);
    focusPlace();
  });
}

/** A poem as an entry of the desk, under what stands above it. */
function entryOf({ heading, verdict }) {
  const { template, rhyme, level, standard, lines, read, remarks } = verdict;
  const rows = read.map((line) => line.replaceAll(UNREAD, BLANK));
  const form = formOf(verdict);
  const others = rows.length === 1 ? widthsAsked(form).slice(1) : []; // of a line alone
  rows.push(...others.map((width) => BLANK.repeat(width)));
  const typed = typedPairs(read.join(""), lines.join("")).flat().join("");
  const own = rhyme?.length === 1 || tuneOf(form) ? rhyme : null;
  const poem = { form, template, rhyme: own, heading, typed, model: "", lines: rows };
  const isWritten = (place) => charAt(rows, place) !== BLANK;
  const locks = placesOf(widthsOf(rows)).filter(isWritten).map(keyOf);
  const made = newEntry(poem, { form, level, standard }, locks);
  // Simplified characters that stand for several words, with what each was read as
  made.now.chosen = remarks.filter(({ code }) => code === "chosen").flatMap(({ has }) => has);
  made.now.isFound = true;
  return made;
}

/** The form of a poem, with faults or without; "" where it has the shape of none. A line alone begins a 絕, so that it is judged. */
function formOf({ form, lines }) {
  if (form) return form;
  const [width, ...more] = new Set(widthsOf(lines));
  if (lines.length === 1) return QUATRAINS[width] ?? "";
  return (more.length || lines.length % 2 ? "" : OLD_STYLE[width]) ?? "";
}
