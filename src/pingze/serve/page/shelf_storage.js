// The shelf: every desk that was worked at in this browser, each under a key of its own, and nowhere else.

import { readPoem } from "./link.js";
import { newDesk, state } from "./state.js";

const PREFIX = "pingze.desk.";
const MOST = 300; // desks that are kept; beyond, the oldest go

const memory = new Map(); // where the browser keeps nothing, the page does as long as it is open
const laid = new Map(); // the desks that have lain on this page
const seen = new Map(); // of each desk the time of its last change that this tab knows of

/** Keep the desk that is laid out, where it is the reader's work and has changed. */
export function keepDesk() {
  const { desk } = state;
  if (!desk.when || desk.when === seen.get(desk.id)) return;
  if (wentOn(desk)) desk.id = newDesk().id; // both stay
  write(desk);
}

/** Whether another tab went on with a desk since this one knew it. */
function wentOn({ id }) {
  const there = deskOf(id);
  return Boolean(there && there.when !== seen.get(id));
}

/** Lay a desk out in place of the one that is there. */
export function layOut(desk) {
  laid.set(desk.id, desk);
  Object.assign(state, { desk, place: null });
}

/** Lay a new desk out, from which undo leads back to the one that is there. */
export function replaceDesk(desk) {
  const { desk: old } = state;
  if (old.entries.length) {
    desk.before = old.id;
    old.after = desk.id;
    if (old.when && !wentOn(old)) write(old); // all that this tab did to it is kept already
  }
  layOut(desk);
}

/** The desk of an id: as it was laid out, or from the shelf; null where it is not there or is damaged. */
export function findDesk(id) {
  if (laid.has(id)) return laid.get(id);
  const desk = deskOf(id);
  if (desk) seen.set(id, desk.when);
  return desk;
}

/** All desks, the newest first. */
export const desks = () =>
  ids()
    .map(deskOf)
    .filter(Boolean)
    .sort((one, other) => other.when - one.when);

/** Take a desk off the shelf. */
export function forget(id) {
  laid.delete(id);
  memory.delete(id);
  guarded(() => localStorage.removeItem(PREFIX + id));
}

/** Write a desk onto the shelf. Where there is no more room, the oldest go. */
export function write(desk) {
  const text = JSON.stringify(desk, (_, value) => (value instanceof Set ? [...value] : value));
  seen.set(desk.id, desk.when);
  while (!put(desk.id, text)) {
    const last = oldest();
    // a browser that does not take again what it has lacks no room: forgetting would not help
    if (!last || !put(last, localStorage.getItem(PREFIX + last))) return memory.set(desk.id, text);
    forget(last);
  }
  memory.delete(desk.id);
  if (ids().length > MOST) forget(oldest());
}

/** Whether the browser's own storage took a text. */
const put = (id, text) => guarded(() => (localStorage.setItem(PREFIX + id, text), true));

/** The id of the oldest in the browser's own storage that is not laid out, or undefined. */
function oldest() {
  const stored = guarded(() => Object.keys(localStorage)) ?? [];
  return desks()
    .filter(({ id }) => id !== state.desk.id && stored.includes(PREFIX + id))
    .at(-1)?.id;
}

function deskOf(id) {
  try {
    const { entries, ...rest } = JSON.parse(memory.get(id) ?? localStorage.getItem(PREFIX + id));
    const desk = { ...newDesk(), ...rest, entries: entries.map(readEntry) };
    return desk.entries[desk.chosen] ? desk : null;
  } catch {
    return null; // nothing there, or not ours
  }
}

function readEntry({ ask, now, past, future }) {
  return { ask, now: readStep(now), past: past.map(readStep), future: future.map(readStep) };
}

const readStep = ({ poem, locks }) => ({ poem: readPoem(poem), locks: new Set(locks) });

function ids() {
  const stored = guarded(() => Object.keys(localStorage)) ?? [];
  return [
    ...new Set([
      ...memory.keys(),
      ...stored.filter((key) => key.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length)),
    ]),
  ];
}

/** What an act gives; null where the browser does not let it. */
function guarded(act) {
  try {
    return act();
  } catch {
    return null;
  }
}
