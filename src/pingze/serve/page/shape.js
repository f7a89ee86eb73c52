// The shape of a poem: the widths of its lines, the mark after each, where a stanza ends, and the way from place to place.

import { state } from "./state.js";

/** The most lines of a poem: as many as the server writes. */
export const MOST_LINES = 60;

/** The kind of two lines that answer each other, which the server writes by other rules than poems. */
export const COUPLET = "對聯";

/** What stands in a line where nothing is written yet. */
export const BLANK = "＿";

/** Whether every place of some lines is written, and whether none is. */
export const isFull = (lines) => !lines.join("").includes(BLANK);
export const isEmpty = (lines) => [...lines.join("")].every((one) => one === BLANK);

/** The characters of a text that are placed, as the server reads it: no spaces and no marks. */
export const onlyHan = (text) =>
  [...(text ?? "").normalize("NFKC")].filter((character) => /\p{Script=Han}/u.test(character));

/** The tune of a name; undefined where the name is of another form. */
export const tuneOf = (name) => state.known.tunes.find((tune) => tune.name === name);

/** How many characters each of some lines has. */
export const widthsOf = (lines) => lines.map((line) => [...line].length);

/** The widths of the lines of a form or a tune, with so many lines where it has no number of its own; none of a couplet. */
export function widthsAsked(form, lines = null) {
  const found = state.known.forms.find(({ name }) => name === form);
  if (!found) return tuneOf(form)?.widths ?? [];
  const count = found.lines ?? lines ?? found.default_lines;
  return Array(Math.min(count, MOST_LINES)).fill(found.width);
}

/** Every place of lines of such widths, in the order in which they are read. */
export const placesOf = (widths) =>
  widths.flatMap((width, at) =>
    Array.from({ length: width }, (_, n) => ({ line: at + 1, position: n + 1 })),
  );

/** The key of a place in a set of places. */
export const keyOf = ({ line, position }) => `${line}.${position}`;

/** The character of some lines at a place. */
export const charAt = (lines, { line, position }) => [...(lines[line - 1] ?? "")][position - 1];

/** Lines of such widths, each character as `at(place, n)` gives it. */
export function linesOf(widths, at) {
  const lines = widths.map(() => "");
  placesOf(widths).forEach((place, n) => (lines[place.line - 1] += at(place, n)));
  return lines;
}

/** Lines with each character as `as(character, place, n)` gives it. */
export const rewrite = (lines, as) =>
  linesOf(widthsOf(lines), (place, n) => as(charAt(lines, place), place, n));

/** The mark after a line, which is numbered from 1. */
export const markAfter = ({ form }, line) =>
  tuneOf(form)?.marks[line - 1] ?? (line % 2 ? "，" : "。");

/** The numbers of the lines of each stanza. */
export function stanzasOf({ form, lines }) {
  const ends = tuneOf(form)?.stanzas ?? [];
  const numbers = lines.map((_, at) => at + 1);
  return [0, ...ends].map((start, at) => numbers.slice(start, ends[at]));
}

/** The numbers of the lines of each couplet; of a 詞, of each sentence. */
export function coupletsOf(poem) {
  const found = [[]];
  poem.lines.forEach((_, at) => {
    found.at(-1).push(at + 1);
    if (markAfter(poem, at + 1) === "。") found.push([]);
  });
  return found.filter((lines) => lines.length);
}

export const MOST_COLUMNS = 13; // beside one another
const MOST_NARROW = 8; // the same on a phone

/** How many columns lie beside one another on this page, where there is room for `most`. */
export const columnsHere = (most = MOST_COLUMNS) =>
  matchMedia("(max-width: 44rem)").matches ? Math.min(most, MOST_NARROW) : most;

/**
 * The numbers of the lines side by side in each tier: all stanzas where they find room, a gap (-1) between; else one each, and
 * of one that is too long whole couplets.
 */
export function tiersOf(poem, most) {
  const stanzas = stanzasOf(poem);
  const all = stanzas.flatMap((lines, at) => (at ? [-1, ...lines] : lines));
  if (all.length <= most) return [all];
  const size = most - (most % 2);
  const parts = (lines) => {
    const starts = lines.map((_, at) => at).filter((at) => at % size === 0);
    return starts.map((at) => lines.slice(at, at + size));
  };
  return stanzas.flatMap((lines) => (lines.length > most ? parts(lines) : [lines]));
}

/** The step on (line, position) that each arrow key makes: the next line stands to the left. */
const STEPS = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowLeft: [1, 0], ArrowRight: [-1, 0] };

/** The element of a place in a grid, or null. */
export const cellAt = (grid, { line, position }) =>
  grid.querySelector(`[data-line="${line}"][data-position="${position}"]`);

/** The place of an element of a grid. */
export const placeOf = ({ dataset }) => ({
  line: Number(dataset.line),
  position: Number(dataset.position),
});

/** Move the focus in a grid by an arrow key, Home or End; whether the key does. A shorter line is entered at its end. */
export function walk(event, grid) {
  const { line, position } = placeOf(event.target);
  const step = STEPS[event.key];
  const inLine = (number) => [...grid.querySelectorAll(`[data-line="${number}"]`)];
  let next = null;
  if (step?.[0])
    next = cellAt(grid, { line: line + step[0], position }) ?? inLine(line + step[0]).at(-1);
  else if (step) next = cellAt(grid, { line, position: position + step[1] });
  else if (["Home", "End"].includes(event.key))
    next = inLine(line).at(event.key === "Home" ? 0 : -1);
  else return false;
  event.preventDefault();
  if (!next) return true;
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
  return true;
}
