// Where the choices fix a character.

import { $, el } from "./dom.js";
import { cellAt, linesOf, onlyHan, placeOf, placesOf, walk } from "./shape.js";
import { keyOf } from "./state.js";
import { t } from "./words.js";

export const FREE = "＿";

const key = ({ line, position }) => keyOf(line, position);

/** The characters that the opening and the acrostic fix, by the key of their place. */
export function taken({ start, acrostic, acrostic_at }, widths) {
  const places = placesOf(widths);
  const at = (width) => ({ middle: (width + 1) >> 1, end: width })[acrostic_at] ?? 1;
  const opening = onlyHan(start).slice(0, places.length);
  const words = onlyHan(acrostic).slice(0, widths.length);
  const fixed = new Map();
  opening.forEach((character, n) => fixed.set(key(places[n]), character));
  words.forEach((character, n) => fixed.set(keyOf(n + 1, at(widths[n])), character));
  return fixed;
}

/** The characters that a pattern fixes, by the key of their place. */
export function placed(pattern) {
  const blocks = (pattern ?? "").split(/\s+/).map((block) => [...block]);
  const all = blocks.flatMap((block, at) => block.map((character, n) => [keyOf(at + 1, n + 1), character]));
  return new Map(all.filter(([, character]) => character !== FREE));
}

/** The keys of every place that the choices fix. */
export const fixed = (ask, widths) => [...taken(ask, widths).keys(), ...placed(ask.pattern).keys()];

// -- plan --------------------------------------------------------
// The plan of the poem to come: a small grid of places, into which a person writes the characters that must stand there.

let shape = []; // the widths of its lines
let tell = () => {};
let written = new Map();

const inputs = () => [...$("plan").querySelectorAll("input")];

/** Draw the plan of lines of such widths. What was written stays where there still is a place for it. */
export function plan(widths, ask, changed) {
  tell = changed;
  if (shape.join() !== widths.join()) draw(widths);
  const from = taken(ask, widths);
  for (const input of inputs()) {
    const { line, position } = input.dataset;
    const character = from.get(keyOf(line, position));
    const label = character ? t("plan_taken", line, position, character) : t("plan_place", line, position);
    input.placeholder = character ?? "";
    input.setAttribute("aria-label", label);
  }
}

/** The pattern that is written, or null. */
export function pattern() {
  const found = linesOf(shape, (place) => written.get(key(place)) ?? FREE).join(" ");
  return placed(found).size ? found : null;
}

/** Write a pattern into the plan. */
export function writePattern(text) {
  written = placed(text);
  for (const input of inputs()) input.value = written.get(keyOfInput(input)) ?? "";
}

/** Free one place of the plan; whether anything is left of it. */
export function freePlace(line, position) {
  put(cellAt($("plan"), line, position), "");
  return Boolean(pattern());
}

/** Show at which places something clashes. */
export function showClashes(clashes) {
  const keys = new Set(clashes.map(key));
  for (const input of inputs()) setInvalid(input, keys.has(keyOfInput(input)));
}

/** Say of a control that what it holds cannot be kept, or that it can. */
export function setInvalid(control, isInvalid) {
  if (isInvalid) control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
}

const keyOfInput = (input) => key(placeOf(input));

function draw(widths) {
  shape = widths;
  const cell = (place) => el("span", { role: "gridcell" }, input(place));
  const row = (_, at) => placesOf(shape).filter(({ line }) => line === at + 1);
  const rows = widths.map(row).map((places) => el("div.plan-line", { role: "row" }, places.map(cell)));
  $("plan").replaceChildren(...rows);
}

function input({ line, position }) {
  const made = el("input", {
    type: "text",
    lang: "zh-Hant",
    "data-line": line,
    "data-position": position,
    tabindex: line === 1 && position === 1 ? 0 : -1,
    on: {
      input: (event) => !event.isComposing && write(made, [...made.value.trim()]),
      compositionend: () => write(made, [...made.value.trim()]),
      keydown: (event) => event.isComposing || walk(event, $("plan")),
      focus: () => made.select(),
    },
  });
  made.value = written.get(keyOf(line, position)) ?? "";
  return made;
}

/** Several characters flow on down the line and into the next; the focus goes with them. */
function write(input, characters) {
  const here = inputs().indexOf(input);
  const into = inputs().slice(here, here + Math.max(1, characters.length));
  into.forEach((place, at) => put(place, characters[at] ?? ""));
  if (into.length > 1) into.at(-1).focus();
  tell();
}

function put(place, character) {
  place.value = character;
  if (character) written.set(keyOfInput(place), character);
  else written.delete(keyOfInput(place));
}
