// Where the choices fix a character.

import { $, el } from "./dom.js";
import { cellAt, keyOf, linesOf, onlyHan, placeOf, placesOf, walk } from "./shape.js";
import { t } from "./words.js";

export const FREE = "＿";

/** The characters that the opening and the acrostic fix, by the key of their place. */
export function taken({ start, acrostic, acrostic_at }, widths) {
  const places = placesOf(widths);
  const at = (width) => ({ middle: (width + 1) >> 1, end: width })[acrostic_at] ?? 1;
  const opening = onlyHan(start).slice(0, places.length);
  const words = onlyHan(acrostic).slice(0, widths.length);
  /** @type {any[]} */
  const first = opening.map((character, n) => [keyOf(places[n]), character]);
  const heads = words.map((character, n) => [
    keyOf({ line: n + 1, position: at(widths[n]) }),
    character,
  ]);
  return new Map([...first, ...heads]);
}

/** The characters that a pattern fixes, by the key of their place. */
function placed(pattern) {
  const blocks = (pattern ?? "").split(/\s+/).map((block) => [...block]);
  const all = blocks.flatMap((block, at) =>
    block.map((character, n) => [keyOf({ line: at + 1, position: n + 1 }), character]),
  );
  return new Map(all.filter(([, character]) => character !== FREE));
}

/** The keys of every place that the choices fix. */
export const fixed = (ask, widths) => [...taken(ask, widths).keys(), ...placed(ask.pattern).keys()];

// -- plan --------------------------------------------------------
// The plan of the poem to come: a small grid of places, into which a person writes the characters that must stand there.

let drawn = ""; // what the plan shows but for what is written in it, so that it stays under the reader's hand
let shape = []; // the widths of its lines
let written = new Map();

const inputs = () => [...$("plan").querySelectorAll("input")];
const keyOfInput = (input) => keyOf(placeOf(input));

/** Draw the plan of lines of such widths. What was written stays where there still is a place for it. */
export function plan(widths, ask, changed) {
  const from = taken(ask, widths);
  const key = JSON.stringify([widths, [...from], t("plan_place")]);
  if (key === drawn) return;
  [drawn, shape] = [key, widths];
  const cell = (place) =>
    el("span", { role: "gridcell" }, input(place, from.get(keyOf(place)), changed));
  const inLine = (number) => placesOf(widths).filter(({ line }) => line === number);
  const row = (_, at) => el("div.plan-line", { role: "row" }, inLine(at + 1).map(cell));
  $("plan").replaceChildren(...widths.map(row));
}

/** A place into which a character is written, over the one that other choices fix there. */
function input({ line, position }, taken, changed) {
  const write = () => flow(made, [...made.value.replace(/[\s，。、；：！？]/gu, "")], changed); // a line may be pasted
  const on = {
    input: (event) => event.isComposing || write(),
    compositionend: write,
    keydown: (event) => event.isComposing || walk(event, $("plan")),
    focus: () => made.select(),
  };
  const label = taken ? t("plan_taken", line, position, taken) : t("plan_place", line, position);
  const value = written.get(keyOf({ line, position }));
  const place = {
    "data-line": line,
    "data-position": position,
    tabindex: line === 1 && position === 1 ? 0 : -1,
  };
  const face = { type: "text", lang: "zh-Hant", placeholder: taken, "aria-label": label, value };
  const made = el("input", { ...face, ...place, on });
  return made;
}

/** Several characters flow on down the line and into the next; the focus goes with them. */
function flow(input, characters, changed) {
  const here = inputs().indexOf(input);
  const into = inputs().slice(here, here + Math.max(1, characters.length));
  into.forEach((place, at) => put(place, characters[at] ?? ""));
  if (into.length > 1) into.at(-1).focus();
  changed();
}

function put(place, character) {
  place.value = character;
  if (character) written.set(keyOfInput(place), character);
  else written.delete(keyOfInput(place));
}

/** The pattern that is written, or null. */
export function pattern() {
  const found = linesOf(shape, (place) => written.get(keyOf(place)) ?? FREE).join(" ");
  return placed(found).size ? found : null;
}

/** Write a pattern into the plan. */
export function writePattern(text) {
  written = placed(text);
  for (const input of inputs()) input.value = written.get(keyOfInput(input)) ?? "";
}

/** Free one place of the plan; whether anything is left of it. */
export function freePlace(place) {
  put(cellAt($("plan"), place), "");
  return Boolean(pattern());
}

/** Show at which places something clashes. */
export function showClashes(clashes) {
  const keys = new Set(clashes.map(keyOf));
  for (const input of inputs()) setInvalid(input, keys.has(keyOfInput(input)));
}

/** Say of a control that what it holds cannot be kept, or that it can. */
export const setInvalid = (control, isInvalid) => (control.ariaInvalid = isInvalid ? "true" : null);
