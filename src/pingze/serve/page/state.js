// What the page knows, and who hears of a change. On the desk lie the poems that were composed together; each is an
// entry: what it is now, and its past.

export const state = {
  known: null, // what /v1/forms tells
  desk: newDesk(),
  place: null, // {line, position} chosen in the poem, from 1
  view: "compose",
  clashes: [], // the places that cannot be kept together
  working: false,
};

const MOST_STEPS = 100; // that can be taken back

const hearers = [];
/** Have a part of the page drawn again at every change. */
export const onChange = (hearer) => hearers.push(hearer);
export const changed = () => hearers.forEach((hearer) => hearer());

/**
 * A desk. `before` and `after` name the desks that undo and redo lead to; `when` is the time of its last change in
 * milliseconds, and 0 where nothing on it is the reader's own work yet.
 */
export function newDesk(entries = []) {
  const id = crypto.getRandomValues(new Uint32Array(2)).join("-");
  return { id, entries, chosen: 0, before: null, after: null, when: 0, star: false };
}

/** The entry on the sheet. */
export const entry = () => state.desk.entries[state.desk.chosen];

/** A poem put on the desk, with the choices it was written under and its locked places. */
export function newEntry(poem, ask, locks = []) {
  return { ask, now: { poem, locks: new Set(locks) }, past: [], future: [] };
}

/** The desk is the reader's own work from now on. */
export function touch() {
  state.desk.when = Math.max(Date.now(), state.desk.when + 1);
}

/** One step forward, after which nothing can be done again; `mended` says how it mended the poem. */
export function step(of, change) {
  of.past = [...of.past, of.now].slice(-MOST_STEPS);
  of.now = { ...of.now, mended: null, ...change };
  of.future = [];
  state.desk.after = null;
  touch();
}

/** One step back along the "past", or one on into the "future" that was left; whether there was one. */
export function travel(of, way) {
  if (!of[way].length) return false;
  of[way === "past" ? "future" : "past"].push(of.now);
  of.now = of[way].pop();
  touch();
  return true;
}
