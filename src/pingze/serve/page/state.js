// What the page knows, and who hears of a change. A poem on the desk is an entry: what it is now, and its past.

export const state = {
  known: null, // what /v1/forms tells
  entries: [],
  chosen: 0,
  place: null, // {line, position} chosen in the poem, from 1
  view: "compose",
  working: false,
};

const hearers = [];
/** Have a part of the page drawn again at every change. */
export const onChange = (hearer) => hearers.push(hearer);
export const changed = () => hearers.forEach((hearer) => hearer());

/** The entry on the sheet, or undefined. */
export const entry = () => state.entries[state.chosen];

/** A poem put on the desk, with the choices it was written under and its locked places. */
export function newEntry(poem, ask, locks = []) {
  return { ask, now: { poem, locks: new Set(locks) }, past: [], future: [] };
}

/** One step forward: a changed poem or changed locks. */
export function step(of, change) {
  of.past.push(of.now);
  of.now = { ...of.now, ...change };
  of.future = [];
}

export function undo(of) {
  if (!of?.past.length) return false;
  of.future.push(of.now);
  of.now = of.past.pop();
  return true;
}

export function redo(of) {
  if (!of?.future.length) return false;
  of.past.push(of.now);
  of.now = of.future.pop();
  return true;
}

/** The key of a place in a set of locks. */
export const keyOf = (line, position) => `${line}.${position}`;
