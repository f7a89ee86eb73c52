// The shape of a poem: the widths of its lines, the mark after each, where a stanza ends, and the way from place to place.

import { state } from "./state.js";

/** The most lines of a poem: as many as the server writes. */
export const MOST_LINES = 60;

/** A form whose lines answer each other, which the server writes by rules of its own. */
export const COUPLET = "對聯";

/** What stands in a line where nothing is written yet. */
export const BLANK = "＿";

/** Whether every place of some lines is written, and whether none is. */
export const isFull = (lines) => !lines.join("").includes(BLANK);
export const isEmpty = (lines) => [...lines.join("")].every((one) => one === BLANK);

/** The characters of a text that are placed: no spaces, no marks. */
export const onlyHan = (text) =>
  [...(text ?? "").normalize("NFKC")].filter((character) => /\p{Script=Han}/u.test(character));

/** The tune of a name, or undefined. */
export const tuneOf = (name) => state.known.tunes.find((tune) => tune.name === name);

export const widthsOf = (lines) => lines.map((line) => [...line].length);

/** The widths of the lines of a form, with so many lines where it has no number of its own; none of a couplet. */
export function widthsAsked(form, lines = null) {
  const found = state.known.forms.find(({ name }) => name === form);
  if (!found) return tuneOf(form)?.widths ?? [];
  const count = found.lines ?? lines ?? found.default_lines;
  return Array(Math.min(count, MOST_LINES)).fill(found.width);
}

/** Every place of lines of such widths, as they are read. */
export const placesOf = (widths) =>
  widths.flatMap((width, at) =>
    Array.from({ length: width }, (_, n) => ({ line: at + 1, position: n + 1 })),
  );

export const keyOf = ({ line, position }) => `${line}.${position}`;

export const isAt = (place) => (one) => keyOf(one) === keyOf(place);

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

/** How many characters there are up to the end of each line. */
const endsOf = (widths) => widths.map((_, at) => placesOf(widths.slice(0, at + 1)).length);

/** The mark after a line, numbered from 1. The lines of a 詞 may end where its tune has no line end. */
export function markAfter({ form, lines }, line) {
  const tune = tuneOf(form);
  if (!tune) return line % 2 ? "，" : "。";
  const end = placesOf(widthsOf(lines.slice(0, line))).length;
  return tune.marks[endsOf(tune.widths).indexOf(end)] ?? "，";
}

/** The numbers of the lines of each stanza. */
export function stanzasOf({ form, lines }) {
  const tune = tuneOf(form);
  const ofTune = endsOf(tune?.widths ?? []);
  const stanzaEnds = (tune?.stanzas ?? []).map((number) => ofTune[number - 1]);
  const ends = endsOf(widthsOf(lines));
  const last = stanzaEnds.map((end) => ends.indexOf(end) + 1).filter(Boolean);
  const numbers = lines.map((_, at) => at + 1);
  return [0, ...last].map((start, at) => numbers.slice(start, last[at]));
}

/** The same of each couplet, or of a 詞 of each sentence. */
export function coupletsOf(poem) {
  const found = [[]];
  poem.lines.forEach((_, at) => {
    found.at(-1).push(at + 1);
    if (markAfter(poem, at + 1) === "。") found.push([]);
  });
  return found.filter((lines) => lines.length);
}

export const MOST_COLUMNS = 13; // beside one another
const MOST_NARROW = 8; // on a phone

/** How many columns lie beside one another on this page. */
export const columnsHere = () =>
  matchMedia("(max-width: 44rem)").matches ? MOST_NARROW : MOST_COLUMNS;

/**
 * The same of each tier: all stanzas where they find room, a gap (-1) between; else one each, and of one that is too long
 * whole couplets.
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

export const cellAt = (grid, { line, position }) =>
  grid.querySelector(`[data-line="${line}"][data-position="${position}"]`);

export const placeOf = ({ dataset }) => ({
  line: Number(dataset.line),
  position: Number(dataset.position),
});

/** Move the focus in a grid by an arrow key, Home or End; whether it is one. A shorter line is entered at its end. */
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
