// Where the choices fix a character.

import { $, el } from "./dom.js";
import { keyOf, state } from "./state.js";
import { t } from "./words.js";

export const FREE = "＿";

/** The characters of a text that are placed, as the server reads it: no spaces and no marks. */
export const onlyHan = (text) => [...(text ?? "")].filter((character) => /\p{Script=Han}/u.test(character));

/** The characters that the opening and the acrostic fix, by the key of their place. */
export function taken(ask, width) {
  const places = new Map();
  const form = state.known.forms.find((form) => form.width === width); // none of a 詞 whose first line is of another width
  const at = form?.acrostic_positions[ask.acrostic_at ?? "head"] ?? 1;
  onlyHan(ask.start).forEach((c, n) => places.set(keyOf(Math.floor(n / width) + 1, (n % width) + 1), c));
  onlyHan(ask.acrostic).forEach((c, n) => places.set(keyOf(n + 1, at), c));
  return places;
}

/** The keys of every place that the choices fix, the pattern's too. */
export function fixed(ask, width) {
  const keys = [...taken(ask, width).keys()];
  (ask.pattern ?? "")
    .split(/\s+/)
    .forEach((block, line) => [...block].forEach((c, at) => c !== FREE && keys.push(keyOf(line + 1, at + 1))));
  return keys;
}

/** A pattern as the server reads it, from the characters at places; null where there is none. */
export function patternOf(characters, width, lines) {
  if (!characters.size) return null;
  const places = (count) => Array.from({ length: count }, (_, at) => at + 1);
  const block = (line) =>
    places(width)
      .map((position) => characters.get(keyOf(line, position)) ?? FREE)
      .join("");
  return places(lines).map(block).join(" ");
}

// -- plan --------------------------------------------------------
// The plan of the poem to come: a small grid of places, into which a person writes the characters that must stand there.

let shape = { width: 0, lines: 0 };
let tell = () => {};
const written = new Map();

/** Draw the plan of a shape. What was written stays where there still is a place for it. */
export function plan(width, lines, ask, changed) {
  tell = changed;
  if (shape.width !== width || shape.lines !== lines) draw(width, lines);
  const from = taken(ask, width);
  for (const input of $("plan").querySelectorAll("input")) {
    const { line, position } = input.dataset;
    const character = from.get(keyOf(line, position));
    input.placeholder = character ?? "";
    input.setAttribute(
      "aria-label",
      character ? t("plan_taken", line, position, character) : t("plan_place", line, position),
    );
  }
}

/** The pattern that is written, or null. */
export const pattern = () => patternOf(new Map([...written].filter(([key]) => inside(key))), shape.width, shape.lines);

/** Write a pattern into the plan. */
export function writePattern(text) {
  written.clear();
  (text ?? "")
    .split(/\s+/)
    .forEach((block, line) => [...block].forEach((c, at) => c !== FREE && written.set(keyOf(line + 1, at + 1), c)));
  for (const input of $("plan").querySelectorAll("input")) input.value = written.get(keyOfInput(input)) ?? "";
}

/** Show at which places something clashes. */
export function showClashes(clashes) {
  const keys = new Set(clashes.map(({ line, position }) => keyOf(line, position)));
  for (const input of $("plan").querySelectorAll("input")) {
    input.toggleAttribute("aria-invalid", keys.has(keyOfInput(input)));
    if (keys.has(keyOfInput(input))) input.setAttribute("aria-invalid", "true");
  }
}

const keyOfInput = (input) => keyOf(input.dataset.line, input.dataset.position);

function inside(key) {
  const [line, position] = key.split(".").map(Number);
  return line <= shape.lines && position <= shape.width;
}

function draw(width, lines) {
  shape = { width, lines };
  const row = (_, line) =>
    el(
      "div.plan-line",
      { role: "row" },
      Array.from({ length: width }, (_, at) => el("span", { role: "gridcell" }, place(line + 1, at + 1))),
    );
  $("plan").replaceChildren(...Array.from({ length: lines }, row));
}

function place(line, position) {
  const input = el("input", {
    type: "text",
    lang: "zh-Hant",
    "data-line": line,
    "data-position": position,
    tabindex: line === 1 && position === 1 ? 0 : -1,
    on: {
      input: (event) => !event.isComposing && write(input, [...input.value.trim()]),
      compositionend: () => write(input, [...input.value.trim()]),
      keydown: move,
      focus: () => input.select(),
    },
  });
  input.value = written.get(keyOf(line, position)) ?? "";
  return input;
}

/** Several characters flow on down the line and into the next; the focus goes with them. */
function write(input, characters) {
  const places = [...$("plan").querySelectorAll("input")];
  const here = places.indexOf(input);
  const into = places.slice(here, here + Math.max(1, characters.length));
  into.forEach((place, at) => put(place, characters[at] ?? ""));
  if (into.length > 1) into.at(-1).focus();
  tell();
}

function put(place, character) {
  place.value = character;
  if (character) written.set(keyOfInput(place), character);
  else written.delete(keyOfInput(place));
}

const find = (line, position) => $("plan").querySelector(`input[data-line="${line}"][data-position="${position}"]`);

function move(event) {
  const step = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowLeft: [1, 0], ArrowRight: [-1, 0] }[event.key];
  if (!step || event.isComposing) return;
  event.preventDefault();
  const next = find(Number(event.target.dataset.line) + step[0], Number(event.target.dataset.position) + step[1]);
  if (!next) return;
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}
