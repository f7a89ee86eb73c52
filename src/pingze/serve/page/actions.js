// What a person does with poems: compose, replace, lock, redraw, undo. Each ends in a change of the state.

import { ask, couplets, drafts } from "./api.js";
import { restoreChoices, showProblem, showReading } from "./request.js";
import { announce, attempt, trouble } from "./dom.js";
import { bare, blamed, checking, modelOf, verdict } from "./verdict.js";
import { fixed, FREE } from "./pattern.js";
import { sourcesOf } from "./poem.js";
import { shown, typedPairs } from "./settings.js";
import { charAt, COUPLET, keyOf, placesOf, rewrite, widthsOf } from "./shape.js";
import { findDesk, layOut, replaceDesk } from "./shelf_storage.js";
import { changed, entry, newDesk, newEntry, state, step, touch, travel } from "./state.js";
import { t } from "./words.js";

const OTHERS = 4; // wordings of a line to choose from

let work = new AbortController(); // of the one thing that is being written, which the reader may stop

/**
 * Compose what is asked for: drafts that differ, which lay out a new desk; what was there stays until then. Called again
 * while it works, it stops.
 */
export async function compose(request) {
  if (state.working) return work.abort();
  const { count = 1, seed, like, unlike, ...kept } = request;
  announce(t("composing"));
  await busy(async (signal) => {
    state.expected = count;
    changed();
    try {
      const write = request.form === COUPLET ? couplets : drafts;
      const found = await write(request, signal);
      const lay = (poem) =>
        newEntry(heard(poem, found.remarks, request), kept, fixed(request, widthsOf(poem.lines)));
      replaceDesk(newDesk(found.poems.map(lay)));
      showReading(found);
      touch();
      announce(t("composed", found.poems.length));
    } catch (error) {
      if (!error.clashes?.length && !error.field) throw error;
      showProblem(error);
    }
  });
}

/** A poem as it came, with its sources, what is lost of its title as heading, and what was typed in Simplified. */
function heard(poem, remarks, request) {
  const typed = remarks
    .filter(({ code }) => code === "converted")
    .flatMap(({ has, read }) => typedPairs(read, has));
  const isLost = remarks.some(({ code, field }) => code === "not_known" && field === "title");
  const heading = poem.heading ?? request.heading ?? (isLost ? request.title : null);
  return { ...poem, sources: sourcesIn(poem), heading, typed: typed.flat().join("") };
}

/** The poets and titles of quoted lines, each after its line, as a poem keeps them. */
const sourcesIn = ({ lines, sources }) =>
  sources?.map(({ author, title }, at) => `${lines[at]}\t${author}《${title}》`).join("\n") ?? null;

/** An entry as the sheet that its poem stands on, with some places blank; other characters come there. */
export function sheetOf({ ask: asked, now: { poem, locks } }, blanks = []) {
  const { level, standard, include, exclude, repeat, original, antithesis } = asked;
  const free = new Set(blanks.map(keyOf));
  const isFree = (place) => free.has(keyOf(place));
  return {
    ...bare(poem),
    ...{ level, standard, include, exclude, repeat, original, antithesis },
    ...{ temperature: asked.temperature, top_p: asked.top_p },
    lines: rewrite(poem.lines, (one, place) => (isFree(place) ? FREE : one)),
    was: rewrite(poem.lines, (one, place) => (isFree(place) ? one : FREE)),
    kept: rewrite(poem.lines, (_, place) => (locks.has(keyOf(place)) ? "1" : "0")),
  };
}

/**
 * Put characters into a line from a place on, if they find room; whether they were put. A poet may break a rule: what is
 * broken is marked. Characters of one's `own` are read as the checker reads them, and locked.
 */
export async function replace({ line, position }, characters, own = false) {
  if (!isFree()) return false;
  const on = entry();
  const { poem } = on.now;
  const put = [...characters];
  const places = placesOf(widthsOf(poem.lines)).filter(
    (one) => one.line === line && one.position >= position,
  );
  if (put.length > places.length) return trouble(t("no_room", places.length, put.length));
  const changes = new Map(put.map((one, n) => [keyOf(places[n]), one]));
  const wanted = rewrite(poem.lines, (one, place) => changes.get(keyOf(place)) ?? one);
  return attempt(async () => {
    const found = own ? (await ask("check", checking(on, wanted))).verdicts[0].read : wanted;
    const lines = rewrite(
      wanted,
      (one, place) => (changes.has(keyOf(place)) && charAt(found, place)) || one,
    );
    const typed = [poem.typed, ...typedPairs(lines.join(""), wanted.join("")).flat()].join("");
    const locks = new Set([...on.now.locks, ...(own ? changes.keys() : [])]);
    changeEntry(on, poem, { poem: { ...poem, lines, typed, log_probability: null }, locks });
    announce(t("replaced", shown(characters)));
  });
}

/** Have the faults of the poem mended; what is locked stays. */
export async function mendAround() {
  if (!isFree()) return;
  const on = entry();
  const { poem, locks } = on.now;
  const { title, poet } = poem;
  const locked = rewrite(poem.lines, (one, place) => (locks.has(keyOf(place)) ? one : " "));
  const keep = locked.join(" ").replace(/ +/g, " ").trim();
  await busy(async (signal) => {
    const body = { ...checking(on), keep, title, poet, ...modelOf(poem) };
    const mended = await ask("mend", body, signal);
    const { lines, template, rhyme, log_probability } = mended.poem;
    const changes = blamed(mended.changes, verdict(on));
    changeEntry(on, poem, { poem: { ...poem, lines, template, rhyme, log_probability }, changes });
    announce(t("mended", changes.length));
  });
}

/** Give the poem a heading and its seal. Throws where it is not on the sheet any more. */
export const entitle = (on, heading, seal) =>
  changeEntry(on, on.now.poem, { poem: { ...on.now.poem, heading, seal } });

/** Whether nothing is being written; where something is, the reader hears that this was not done. */
function isFree() {
  if (state.working) trouble(t("not_done"));
  return !state.working;
}

/** Change an entry's poem. Throws where it is not there any more: the change would undo what was done since. */
export function changeEntry(on, before, change) {
  if (entry() !== on || on.now.poem !== before) throw new Error(t("not_done"));
  step(on, change);
  changed();
}

/** Write places again: all that are not locked of a line, or of the poem, or one character. */
export async function redraw({ line = null, position = null } = {}) {
  const on = entry();
  if (on.now.poem.form === COUPLET || !isFree()) return;
  const targets = position ? [{ line, position }] : unlocked(on.now, line);
  await busy(async (signal) => {
    const { poem } = on.now;
    const [other] = await written(on, targets, 1, signal);
    changeEntry(on, poem, { poem: other });
    announce(t("redrawn"));
  });
}

/** Several poems with other wordings of a line, the best first. Throws a Problem where there is none. */
export async function otherLines(on, line, signal) {
  const found = await written(on, unlocked(on.now, line), OTHERS, signal);
  return found.filter(({ lines }) => lines[line - 1] !== on.now.poem.lines[line - 1]);
}

/** Drafts of an entry's poem with places written again; where it is of whole old lines, other old lines come. */
async function written(on, targets, count, signal) {
  if (!targets.length) throw new Error(t("all_locked"));
  const { poem } = on.now;
  const numbers = [...new Set(targets.map(({ line }) => line))];
  const isOld = sourcesOf(poem).every((from, at) => from || numbers.includes(at + 1));
  const sheet = { ...sheetOf(on, targets), count };
  const request =
    poem.sources && isOld && targets.length > 1
      ? quoted(on, sheet, numbers)
      : { ...sheet, ...modelOf(poem) };
  const { poems } = await drafts(request, signal);
  return poems.map((one) => ({ ...poem, ...one, sources: sourcesIn(one) ?? poem.sources }));
}

/** The same as a request for old lines: what stays is a pattern, and a line is kept out by a character that only it has. */
function quoted({ ask: asked, now: { poem } }, { lines, count }, numbers) {
  const pattern = lines.join(" ");
  const own = (line) => [...line].find((character) => !pattern.includes(character)) ?? "";
  const out = numbers.map((number) => own(poem.lines[number - 1])).join("");
  const { form, template, rhyme } = poem;
  const exclude = [asked.exclude, out].join(" ").trim();
  return { ...asked, form, template, rhyme, pattern, exclude, count, collect: "yes" };
}

function unlocked({ poem, locks }, only) {
  const places = placesOf(widthsOf(poem.lines));
  return places.filter((place) => (!only || place.line === only) && !locks.has(keyOf(place)));
}

async function busy(act) {
  work = new AbortController();
  const { signal } = work;
  state.working = true;
  changed();
  await attempt(() => act(signal));
  if (signal.aborted) announce(t("stopped"));
  Object.assign(state, { working: false, expected: 0 });
  changed();
}

/** Lock a place, or unlock it. */
export function toggleLock(place) {
  const on = entry();
  const locks = new Set(on.now.locks);
  const locked = !locks.delete(keyOf(place));
  if (locked) locks.add(keyOf(place));
  step(on, { locks });
  announce(t(locked ? "locked" : "unlocked", shown(charAt(on.now.poem.lines, place))));
  changed();
}

/** The poem's own steps to either side, the desk beyond them, and what is said. */
const WAYS = { undo: ["past", "before", "undone"], redo: ["future", "after", "redone"] };

/** The desk that a way leads to: null where the poem has steps of its own that way, or there is none. */
const deskBeyond = ([steps, beyond]) =>
  entry()?.[steps].length ? null : findDesk(state.desk[beyond]);

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

/** Turn to another view of the page. */
export function turnTo(view) {
  state.view = view;
  trouble();
  changed();
}

/** Lay out a desk with the choices of its poem, and turn to it. */
export function takeUp(desk, lay = layOut) {
  open(desk, lay);
  restoreChoices(entry());
  turnTo("compose");
}

/** Lay out another desk; what is being written stops. */
export function open(desk, lay = layOut) {
  work.abort();
  lay(desk);
}
