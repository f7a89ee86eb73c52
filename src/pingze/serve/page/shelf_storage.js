// The shelf: every desk that was worked at in this browser, each under a key of its own, and nowhere else.

import { readAsk, readLocks, readPoem } from "./link.js";
import { guarded } from "./settings.js";
import { isEmpty } from "./shape.js";
import { newDesk, state } from "./state.js";
import { t } from "./words.js";

const PREFIX = "pingze.desk.";
const CLEARED = "pingze.cleared."; // what was cleared away, until it is put back
const MOST = 300; // desks that are kept; beyond, the oldest go

const memory = new Map(); // what the browser does not keep, the page does as long as it is open
const laid = new Map(); // the desks that have lain on this page
const seen = new Map(); // of each desk the time of its last change that this tab knows of

/** Keep the desk, where it is the reader's work and has changed. */
export function keepDesk() {
  const { desk } = state;
  if (!desk.when || desk.when === seen.get(desk.id)) return;
  if (wentOn(desk)) desk.id = newDesk().id; // both stay
  write(desk);
  seen.set(desk.id, desk.when);
}

/** Whether another tab went on with a desk since this one knew it. */
function wentOn({ id }) {
  const there = deskOf(id);
  return Boolean(there && there.when !== seen.get(id));
}

export function layOut(desk) {
  laid.set(desk.id, desk);
  Object.assign(state, { desk, place: null });
}

/** Lay a new desk out, from which undo leads back to the one that is there. */
export function replaceDesk(desk) {
  const { desk: old } = state;
  if (!old.when && old.entries.every(({ now }) => isEmpty(now.poem.lines))) {
    desk.id = old.id; // an empty sheet is no step of its own
    desk.before = old.before;
  } else {
    desk.before = old.id;
    old.after = desk.id;
    for (const each of old.entries) each.future = [];
    // All that this tab did to it is kept already; what another tab went on with or removed is left as it is.
    if (old.when && deskOf(old.id) && !wentOn(old)) write(old);
  }
  layOut(desk);
}

/** The desk of an id, as it was laid out or from the shelf, or null. */
export function findDesk(id) {
  if (laid.has(id)) return laid.get(id);
  const desk = deskOf(id);
  if (desk) seen.set(id, desk.when);
  return desk;
}

/** Another tab removed a desk: where it lies here, it is kept only when it changes again. Whether the shelf has changed. */
export function hearOfTab({ key, newValue }) {
  if (key && !key.startsWith(PREFIX)) return false;
  if (newValue === null && !deskOf(state.desk.id)) state.desk.when = 0;
  return true;
}

/** All desks, newest first. */
export function desks() {
  const found = ids(PREFIX).map(deskOf).filter(Boolean);
  return found.sort((one, other) => other.when - one.when);
}

function forget(id) {
  laid.delete(id);
  remove(PREFIX + id);
}

/** Clear a desk away; it can be put back. */
export function discard(id) {
  const text = get(PREFIX + id);
  forget(id);
  if (!put(CLEARED + id, text)) memory.set(CLEARED + id, text);
}

export const cleared = () => ids(CLEARED);

/** Put back what was cleared away, but over no newer work. */
export function bringBack() {
  for (const id of cleared()) {
    takeIn(get(CLEARED + id));
    remove(CLEARED + id);
  }
}

/** Put a desk onto the shelf from its text, but over no newer work. */
function takeIn(text) {
  const desk = read(text);
  if (desk && !(deskOf(desk.id)?.when > desk.when)) write(desk);
  return Boolean(desk);
}

/** The shelf as the text of a file. */
export const packed = () => JSON.stringify({ pingze: desks() }, plain);

/** Put the desks of such a text onto the shelf. Throws where one is damaged, or there is none. */
export function unpack(text) {
  const { pingze: all } = guarded(() => JSON.parse(text)) ?? {};
  const texts = Array.isArray(all) ? all.map((desk) => JSON.stringify(desk)) : [];
  if (!texts.length || !texts.every(read)) throw new Error(t("no_shelf"));
  texts.forEach(takeIn);
}

const plain = (_, value) => (value instanceof Set ? [...value] : value);

/** Write a desk onto the shelf. Where there is no more room, the oldest go. */
export function write(desk) {
  const [key, text] = [PREFIX + desk.id, JSON.stringify(desk, plain)];
  while (!put(key, text)) {
    const last = oldest();
    // a browser that does not take again what it has lacks no room: forgetting would not help
    if (!last || !put(PREFIX + last, get(PREFIX + last))) return memory.set(key, text);
    forget(last);
  }
  memory.delete(key);
  if (ids(PREFIX).length > MOST) forget(oldest());
}

/** The id of the oldest in the browser's own storage that is neither laid out nor starred. */
const oldest = () =>
  desks().findLast(({ id, star }) => id !== state.desk.id && !star && !memory.has(PREFIX + id))?.id;

const deskOf = (id) => read(get(PREFIX + id));

/** The desk of a text, all of which is checked, or null. */
const read = (text) =>
  guarded(() => {
    const { id, entries, chosen = 0, when = 0, star, ...ways } = JSON.parse(text);
    const { before = null, after = null } = ways;
    const isId = (name) => typeof name === "string" && name.length < 60;
    const isSound = isId(id) && Number.isFinite(when) && Number.isInteger(chosen);
    if (!isSound || ![before, after].every((name) => name === null || isId(name))) return null;
    const desk = { id, chosen, before, after, when, star: Boolean(star) };
    return entries[chosen] ? { ...desk, entries: entries.map(readEntry) } : null;
  });

function readEntry({ ask, now, past, future }) {
  const steps = { now: readStep(now), past: past.map(readStep), future: future.map(readStep) };
  return { ask: readAsk(ask), ...steps };
}

const readStep = ({ poem, locks, kept }) => ({
  poem: readPoem(poem),
  locks: new Set(readLocks(locks)),
  kept: new Set(readLocks(kept ?? [])),
});

// Texts by key, in the browser's own storage or, where that does not take them, in memory.

const get = (key) => memory.get(key) ?? guarded(() => localStorage.getItem(key));

/** Whether the browser's own storage took a text. */
const put = (key, text) => guarded(() => (localStorage.setItem(key, text), true));

function remove(key) {
  memory.delete(key);
  guarded(() => localStorage.removeItem(key));
}

function ids(prefix) {
  const keys = new Set([...memory.keys(), ...(guarded(() => Object.keys(localStorage)) ?? [])]);
  return [...keys].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
}
