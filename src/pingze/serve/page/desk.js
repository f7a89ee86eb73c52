// What a person does with poems: compose, replace, lock, redraw, undo. Each ends in a change of the state.

import { ask, composeEach, coupletEach } from "./api.js";
import { showProblem, showReading } from "./choices.js";
import { announce, attempt, trouble } from "./dom.js";
import { bare, checking, modelOf } from "./judged.js";
import { fixed } from "./plan.js";
import { shown, typedPairs } from "./settings.js";
import { COUPLET, linesOf, placesOf, widthsOf } from "./shape.js";
import { findDesk, layOut, replaceDesk } from "./shelf_storage.js";
import { changed, entry, keyOf, newDesk, newEntry, state, step, touch, travel } from "./state.js";
import { t } from "./words.js";

let work = new AbortController(); // of the one thing that is being written, which the reader may stop

/**
 * Compose what is asked for; poems come one by one, and the first one lays out a new desk: what was there stays until
 * then. Called again while it works, it stops.
 */
export async function compose(request) {
  if (state.working) {
    work.abort();
    return;
  }
  work = new AbortController();
  const { signal } = work;
  Object.assign(state, { working: true, expected: 0, asked: request, draft: null });
  trouble();
  announce(t("composing"));
  changed();
  /** @type {any} */
  let desk = null;
  try {
    const heard = (poem, reading) => {
      showReading(reading);
      state.draft = null;
      desk = hear(poem, reading.remarks, request, desk);
    };
    const see = (draft) => {
      if (desk) return; // the sheet has a poem already
      state.draft = draft;
      document.dispatchEvent(new CustomEvent("draft"));
    };
    await (request.form === COUPLET ? coupletEach : composeEach)(request, { hear: heard, see }, signal);
    announce(t("composed", desk.entries.length));
  } catch (error) {
    refused(error);
  } finally {
    Object.assign(state, { working: false, expected: 0, asked: null, draft: null });
    changed();
  }
}

/** A poem has come: it goes onto the desk of its request, which is laid out with the first. */
function hear(poem, remarks, request, desk) {
  const { count, seed, like, unlike, ...kept } = request;
  const typed = remarks.filter(({ code }) => code === "converted").flatMap(({ has, read }) => typedPairs(read, has));
  const lost = remarks.some(({ code, field }) => code === "not_known" && field === "title"); // of the title
  const heading = poem.heading ?? request.heading ?? (lost ? request.title : null);
  const own = { ...poem, sources: sourcesIn(poem), heading, typed: typed.flat().join("") };
  const found = newEntry(own, kept, fixed(request, widthsOf(poem.lines)));
  if (desk) desk.entries.push(found);
  else {
    desk = newDesk([found]);
    replaceDesk(desk);
    state.expected = request.count ?? 1;
  }
  touch();
  changed();
  return desk;
}

/** The poets and titles of quoted lines, each after its line, as a poem keeps them. */
const sourcesIn = ({ lines, sources }) =>
  sources?.map(({ author, title }, at) => `${lines[at]}\t${author}《${title}》`).join("\n") ?? null;

function refused(error) {
  if (error.name === "AbortError") announce(t("stopped"));
  else if (error.clashes?.length || error.field) showProblem(error);
  else trouble(error.message);
}

/** The constraints that a poem keeps while it is revised. */
export function constraints({ ask: asked, now }) {
  const { level, standard, include, exclude, repeat, original, antithesis } = asked;
  return { level, standard, include, exclude, repeat, original, antithesis, ...modelOf(now.poem) };
}

/**
 * Put characters into the poem from a place on; what is left at its end is not put. A poet may break a rule: what is broken
 * is marked. Characters of one's `own` are read as the checker reads them, and locked.
 */
export async function replace(line, position, characters, own = false) {
  if (!isFree()) return;
  const on = entry();
  const { poem } = on.now;
  const put = over(poem.lines, line, position, [...characters]);
  await attempt(async () => {
    const found = own ? (await ask("check", checking(on, put))).verdicts[0].read : put;
    stillOn(on, poem);
    const lines = found.join("").length === put.join("").length ? merged(poem.lines, put, found) : put;
    const typed = [poem.typed, ...typedPairs(lines.join(""), put.join("")).flat()].join("");
    const locks = new Set(on.now.locks);
    const changes = placesOf(widthsOf(lines)).filter(
      (place) => own && charAt(put, place) !== charAt(poem.lines, place),
    );
    changes.forEach((place) => locks.add(keyOf(place.line, place.position)));
    step(on, { poem: { ...poem, lines, typed, log_probability: null }, locks });
    announce(t("replaced", shown(characters)));
    changed();
  });
}

const charAt = (lines, { line, position }) => [...lines[line - 1]][position - 1];

/** Lines with what was put into them as it was read; what was there before stays as it was. */
const merged = (before, put, read) =>
  put.map((text, at) => [...text].map((one, n) => (one === [...before[at]][n] ? one : [...read[at]][n])).join(""));

/** Have the faults of the poem mended; what is locked stays. */
export async function mendAround() {
  if (!isFree()) return;
  const on = entry();
  const { poem, locks } = on.now;
  const shut = (text, at) => [...text].map((one, n) => (locks.has(keyOf(at + 1, n + 1)) ? one : " ")).join("");
  const { title, poet } = poem;
  const keep = poem.lines.map(shut).join(" ").split(/ +/).filter(Boolean).join(" ");
  await busy(async (signal) => {
    const body = { ...checking(on), keep, title, poet, ...modelOf(poem) };
    const { poem: mended, changes } = await ask("mend", body, signal);
    stillOn(on, poem);
    const { lines, template, rhyme, log_probability } = mended;
    step(on, { poem: { ...poem, lines, template, rhyme, log_probability }, changes });
    announce(t("mended", changes.length));
  });
}

/** Give the poem a heading and its seal. */
export function entitle(heading, seal) {
  const on = entry();
  step(on, { poem: { ...on.now.poem, heading, seal } });
  changed();
}

/** Whether nothing is being written; where something is, the reader hears that this was not done. */
function isFree() {
  if (state.working) trouble(t("not_done"));
  return !state.working;
}

/** Throws where the poem that was to be changed is not there any more: the change would undo what was done since. */
function stillOn(on, poem) {
  if (entry() !== on || on.now.poem !== poem) throw new Error(t("not_done"));
}

/** Lines written over from a place on. */
function over(lines, line, position, characters) {
  const widths = widthsOf(lines);
  const all = [...lines.join("")];
  const start = placesOf(widths).findIndex((place) => place.line === line && place.position === position);
  all.splice(start, characters.length, ...characters.slice(0, all.length - start));
  return linesOf(widths, (_, n) => all[n]);
}

/** Write places again: all that are not locked of a line, or of the poem, or one character. */
export async function redraw({ line = null, position = null } = {}) {
  const on = entry();
  if (on.now.poem.form === COUPLET || !isFree()) return;
  const { poem } = on.now;
  const targets = position ? [{ line, position }] : unlocked(on.now, line);
  if (!targets.length) {
    trouble(t("all_locked"));
    return;
  }
  await busy(async (signal) => {
    const { temperature, top_p } = on.ask;
    const body = { poem: bare(poem), targets, temperature, top_p, ...constraints(on) };
    const revised = await ask("revise", body, signal);
    stillOn(on, poem);
    step(on, { poem: { ...poem, ...revised } });
    announce(t("redrawn"));
  });
}

function unlocked({ poem, locks }, only) {
  return placesOf(widthsOf(poem.lines)).filter(
    ({ line, position }) => (!only || line === only) && !locks.has(keyOf(line, position)),
  );
}

async function busy(act) {
  work = new AbortController();
  const { signal } = work;
  state.working = true;
  changed();
  await attempt(() => act(signal));
  if (signal.aborted) announce(t("stopped"));
  state.working = false;
  changed();
}

/** Lock a place, or unlock it. */
export function toggleLock(line, position) {
  const on = entry();
  const locks = new Set(on.now.locks);
  const locked = !locks.delete(keyOf(line, position));
  if (locked) locks.add(keyOf(line, position));
  step(on, { locks });
  announce(t(locked ? "locked" : "unlocked", shown([...on.now.poem.lines[line - 1]][position - 1])));
  changed();
}

/** The poem's own steps to either side, the desk beyond them, and what is said. */
const WAYS = { undo: ["past", "before", "undone"], redo: ["future", "after", "redone"] };

/** The desk that a way leads to: null where the poem has steps of its own that way, or there is none. */
const deskBeyond = ([steps, beyond]) => (entry()?.[steps].length ? null : findDesk(state.desk[beyond]));

export const canGo = (way) => Boolean(entry()?.[WAYS[way][0]].length || deskBeyond(WAYS[way]));

/** Undo or redo: a step of the poem, or to the desk that was laid out before or after. */
export function go(way) {
  const [steps, , word] = WAYS[way];
  const done = travel(entry(), steps) || deskBeyond(WAYS[way]);
  if (!done) return;
  if (done !== true) open(done);
  announce(t(word));
  changed();
}

/** Lay out another desk; what is being written stops. */
export function open(desk, put = layOut) {
  work.abort();
  put(desk);
}
