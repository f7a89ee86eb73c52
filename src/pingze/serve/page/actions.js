// What a person does with poems: compose, replace, lock, redraw, undo. Each ends in a change of the state.

import { ask, couplets, drafts } from "./api.js";
import { followForm, restoreChoices, showProblem, showReading } from "./request.js";
import { announce, attempt, button, trouble } from "./dom.js";
import { bare, blamed, modelOf, verdict } from "./verdict.js";
import { fixed, taken } from "./pattern.js";
import { sourcesOf } from "./poem.js";
import { keep, settings, shown, typedPairs } from "./settings.js";
import {
  BLANK,
  charAt,
  COUPLET,
  isEmpty,
  isFull,
  keyOf,
  placesOf,
  rewrite,
  widthsAsked,
  widthsOf,
} from "./shape.js";
import { findDesk, layOut, replaceDesk } from "./shelf_storage.js";
import { changed, entry, newDesk, newEntry, state, step, touch, travel } from "./state.js";
import { t } from "./words.js";

let work = new AbortController(); // of the one thing that is being written, which the reader may stop

/**
 * Have what is empty on a sheet written; where nothing is, all that is not kept. The drafts lay out a new desk; what was there
 * stays until then. Called again while it works, it stops.
 */
export async function compose(asked, sheet = sheetFor(asked)) {
  if (state.working) return work.abort();
  const { count, pattern, ...ask } = asked;
  const { rows, locks, body } = request(asked, sheet);
  if (rows && isFull(rows)) return trouble(t("all_locked"));
  const own = rows && !ask.title ? sheet.poem.heading : null; // of a poem that is gone on with
  const read = { ...ask, heading: ask.heading ?? own };
  announce(t("composing"));
  await busy(async (signal) => {
    try {
      const write = asked.form === COUPLET ? couplets : drafts;
      const found = await write(body, signal);
      signal.throwIfAborted();
      const lay = (poem) => {
        const places = [...fixed(ask, widthsOf(poem.lines)), ...locks];
        const made = newEntry(heard(poem, found.remarks, read), ask, places);
        made.now.kept = sheet.kept;
        return made;
      };
      replaceDesk(newDesk(found.poems.map(lay)));
      const few = found.poems.length < count && !found.notes.length;
      const more = [few && t("fewer", found.poems.length, count), locks.length && sheet.news];
      showReading({ ...found, notes: [...found.notes, ...more.filter(Boolean)] });
      touch();
      announce(t("composed", found.poems.length));
    } catch (error) {
      if (!error.clashes?.length && !error.field) throw error;
      showProblem(error);
    }
  });
}

/** The sheet, on which another subject frees what was kept of drafts. */
function sheetFor({ title }) {
  const { ask: before, now } = entry();
  if (!title || !before.title || title === before.title) return now;
  const locks = new Set([...now.locks].filter((key) => !now.kept?.has(key)));
  return { ...now, locks, kept: null, news: t("own_stays") };
}

/**
 * What is asked of the server for some choices: what stands on a sheet, as rows, which of it is kept, and the body. Where a
 * place is empty all else stands; on a full sheet what is kept does, but for what the choices before fixed.
 * @param {any} asked
 * @returns {any}
 */
export function request({ pattern, ...choices }, { poem, locks } = entry().now) {
  const widths = widthsOf(poem.lines);
  const isLong = state.known.forms.some(({ name, lines }) => name === choices.form && !lines);
  const own = isLong && choices.form === poem.form ? { lines: widths.length } : {};
  const asked = { ...own, ...choices };
  if (String(widths) !== String(widthsAsked(asked.form, asked.lines)))
    return { rows: null, locks: [], body: asked };
  const byChoice = taken(entry().ask, widths);
  const kept = new Set([...locks].filter((key) => !byChoice.has(key)));
  const stays = (place) => !isFull(poem.lines) || kept.has(keyOf(place));
  const rows = rewrite(poem.lines, (one, place) => (stays(place) ? one : BLANK));
  if (isEmpty(rows)) return { rows: null, locks: [], body: asked };
  const marks = rewrite(rows, (_, place) => (kept.has(keyOf(place)) ? "1" : "0"));
  return { rows, locks: [...kept], body: { ...asked, lines: rows, kept: marks } };
}

/**
 * The keys of the places that stay where some places are to be written again: the locked ones, but none where all of them are
 * locked, since what is asked for by name is freed.
 */
function heldOf({ locks }, places) {
  const held = places.map(keyOf).filter((key) => locks.has(key));
  return new Set(held.length < places.length ? held : []);
}

/** Put lines of another of the poems that lie together on the sheet, where they stand in it; nothing else changes. */
export function putLines(of, numbers) {
  const { lines, sources } = of.now.poem;
  const own = entry().now.poem.sources;
  const text = numbers.map((line) => lines[line - 1]).join("");
  const both = own && sources ? { sources: `${own}\n${sources}` } : {};
  replace({ line: numbers[0], position: 1 }, text, false, both);
}

/**
 * Keep some lines of one of the poems that lie together, beside what is locked; all else is written again. Where all else
 * is locked, another poem's lines are just put there.
 */
export function keepLines(of, numbers) {
  const { now } = entry();
  const { poem } = now;
  const places = placesOf(widthsOf(poem.lines));
  const isOurs = ({ line }) => numbers.includes(line);
  const isOther = (place) => !isOurs(place);
  const isLocked = (place) => now.locks.has(keyOf(place));
  if (of !== entry() && places.filter(isOther).every(isLocked)) return putLines(of, numbers);
  const held = heldOf(now, places.filter(isOther));
  const lines = rewrite(poem.lines, (one, place) => {
    if (isOurs(place)) return charAt(of.now.poem.lines, place);
    return held.has(keyOf(place)) ? one : BLANK;
  });
  const own = places.filter(isOurs).map(keyOf);
  const kept = new Set([...(now.kept ?? []), ...own]);
  const sheet = { poem: { ...poem, lines }, locks: new Set([...held, ...own]), kept };
  const count = state.desk.entries.length;
  return compose({ ...of.ask, form: poem.form, count }, sheet);
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
    lines: rewrite(poem.lines, (one, place) => (isFree(place) ? BLANK : one)),
    was: rewrite(poem.lines, (one, place) => (isFree(place) ? one : BLANK)),
    kept: rewrite(poem.lines, (_, place) =>
      locks.has(keyOf(place)) && !isFree(place) ? "1" : "0",
    ),
  };
}

/**
 * Put characters on the sheet from a place on, if they find room, and lock them; whether they were put. A poet may break a
 * rule: what is broken is marked. Characters of one's `own` are read as the checker reads them; `facts` of the poem
 * change with it.
 */
export function replace(place, characters, own = false, facts = {}) {
  const on = entry();
  const { poem } = on.now;
  const put = [...characters];
  const all = placesOf(widthsOf(poem.lines));
  const places = all.slice(all.findIndex((one) => keyOf(one) === keyOf(place)));
  if (put.length > places.length) return trouble(t("no_room", places.length, put.length));
  const changes = new Map(put.map((one, n) => [keyOf(places[n]), one]));
  const lines = rewrite(poem.lines, (one, here) => changes.get(keyOf(here)) ?? one);
  const locks = new Set([...on.now.locks, ...changes.keys()]);
  const unread = new Set([...(on.now.unread ?? []), ...(own ? changes.keys() : [])]);
  const kept = new Set(on.now.kept);
  for (const key of changes.keys()) kept.delete(key);
  if (!settings.used) keep({ used: true });
  announce(t("replaced", put.map(shown).join("")));
  change(on, { poem: { ...poem, ...facts, lines, log_probability: null }, locks, unread, kept });
  return true;
}

/** A change by hand: what is being written stops, since it would lie over it; older trouble goes. */
function change(on, now) {
  const stops = state.working;
  work.abort();
  step(on, now);
  changed();
  trouble(stops ? t("stopped_for") : "");
}

/** Empty a place of the sheet. */
export function erase(place) {
  const on = entry();
  const { poem } = on.now;
  const isHere = (one) => keyOf(one) === keyOf(place);
  const lines = rewrite(poem.lines, (one, here) => (isHere(here) ? BLANK : one));
  const locks = new Set(on.now.locks);
  locks.delete(keyOf(place));
  change(on, { poem: { ...poem, lines, log_probability: null }, locks });
}

/** Read what was typed as the checker reads it, Simplified characters as Traditional ones, as soon as it has. */
export function settle() {
  const on = entry();
  if (!on?.now.unread?.size) return;
  const { poem, unread } = on.now;
  const read = verdict(on)?.read;
  if (!read) return;
  const lines = rewrite(poem.lines, (one, place) =>
    unread.has(keyOf(place)) ? charAt(read, place) : one,
  );
  const typed = [poem.typed, ...typedPairs(lines.join(""), poem.lines.join("")).flat()].join("");
  on.now = { ...on.now, unread: null, poem: { ...poem, lines, typed } };
}

/** Lay out an empty sheet of a form, whose lines have such widths. */
export function layEmpty(form, widths) {
  const lines = widths.map((width) => BLANK.repeat(width));
  const poem = { form, template: null, rhyme: null, seed: 0, model: "", lines };
  open(newDesk([newEntry({ ...poem, log_probability: null }, { form })]), replaceDesk);
  trouble();
  changed();
}

/**
 * Have the title that is chosen stand over a sheet that a person writes, at all its steps.
 * @param {any} choices
 */
export function entitleSheet({ title, heading }) {
  const on = entry();
  const chosen = heading ?? title ?? "";
  if (on.now.poem.model !== "" || chosen === (on.ask.heading ?? on.ask.title ?? "")) return;
  const entitled = (one) => ({ ...one, poem: { ...one.poem, heading: chosen } });
  on.ask = { ...on.ask, title, heading };
  on.now = entitled(on.now);
  on.past = on.past.map(entitled);
  on.future = on.future.map(entitled);
  if (!isEmpty(on.now.poem.lines)) touch();
  changed();
}

/** Correct what a Simplified character was read as, wherever it was read so. */
export function rereadAs(pair, word) {
  const on = entry();
  const wrong = pair.split("→")[1];
  const { poem } = on.now;
  const lines = rewrite(poem.lines, (one) => (one === wrong ? word : one));
  const chosen = on.now.chosen.filter((one) => one !== pair);
  change(on, { poem: { ...poem, lines }, chosen });
}

/** Have the poem on the sheet judged as another form of the same shape. */
export function judgeAs(form) {
  const on = entry();
  change(on, { poem: { ...on.now.poem, form, template: null, rhyme: null }, isFound: false });
}

/** Have the faults of the poem mended; what is locked stays. */
export async function mend() {
  if (!isFree()) return;
  const on = entry();
  const { poem } = on.now;
  const places = placesOf(widthsOf(poem.lines));
  const held = heldOf(on.now, places);
  const kept = rewrite(poem.lines, (_, place) => (held.has(keyOf(place)) ? "1" : "0"));
  const sheet = { ...sheetOf(on), kept, template: null, rhyme: null };
  await busy(async (signal) => {
    const answer = await ask("mend", { sheet, ...modelOf(poem) }, signal).catch((error) => {
      if (error.clashes?.length) error.remedy = button(t("free_all"), freeAll);
      throw error;
    });
    const [mended] = answer.mended;
    const { lines, template, rhyme, log_probability } = mended.poem;
    // Words that change places are changes too, though no character is new.
    const isChanged = (place) => charAt(poem.lines, place) !== charAt(lines, place);
    const all = places.filter(isChanged).map((place) => ({
      ...place,
      old: charAt(poem.lines, place),
      new: charAt(lines, place),
    }));
    const changes = blamed(all, verdict(on));
    const locks = new Set(on.now.locks);
    all.forEach((place) => locks.delete(keyOf(place)));
    const mendedPoem = { ...poem, lines, template, rhyme, log_probability };
    changeEntry(on, poem, { poem: mendedPoem, locks, changes });
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
export function changeEntry(on, before, now) {
  if (entry() !== on || on.now.poem !== before) throw new Error(t("not_done"));
  step(on, now);
  changed();
}

/** Write again what is not locked of a line. */
export async function redraw(line) {
  const on = entry();
  const { poem } = on.now;
  if (!isFree()) return;
  await busy(async (signal) => {
    const [other] = await otherLines(on, line, 1, signal);
    if (!other) throw new Error(t("no_other"));
    changeEntry(on, poem, { poem: other });
    announce(t("redrawn"));
  });
}

/** An entry's poem with other wordings of a line, the best first. Throws where there is none. */
export async function otherLines(on, line, count, signal) {
  const { poem } = on.now;
  if (poem.form === COUPLET) {
    /** @type {any} */
    const asked = { ...on.ask, line: poem.lines[2 - line], upper: line === 1, count, title: "" };
    const { poems } = await couplets(asked, signal);
    return poems.map(({ lines }) => ({ ...poem, lines }));
  }
  const targets = unlocked(on.now, line);
  const seed = crypto.getRandomValues(new Uint32Array(1))[0];
  const sheet = { ...sheetOf(on, targets), count, seed };
  const model = modelOf(poem);
  const isOld = sourcesOf(poem).every((from, at) => from || line === at + 1);
  const isQuoted = poem.sources && isOld && targets.length > 1;
  if (!isQuoted && targets.length === [...poem.lines[line - 1]].length) {
    // The whole line: faults elsewhere stay as they are.
    const body = { sheet: { ...sheetOf(on), seed }, line, limit: count, ...model };
    const { alternatives } = await ask("alternatives", body, signal);
    return alternatives.map(({ text }) => withLine(poem, line, text));
  }
  const request = isQuoted ? quoted(on, sheet, line) : { ...sheet, ...model };
  const { poems } = await drafts(request, signal);
  const made = poems.map((one) => ({
    ...withLine(poem, line, one.lines[line - 1]),
    sources: sourcesIn(one) ?? poem.sources,
  }));
  return made.filter(({ lines }) => lines[line - 1] !== poem.lines[line - 1]);
}

const withLine = (poem, line, text) => ({
  ...poem,
  log_probability: null,
  lines: poem.lines.map((old, at) => (at === line - 1 ? text : old)),
});

/** The same as a request for old lines: a line is kept out by a character that only it has. */
function quoted({ ask: asked, now: { poem } }, { lines, count, seed }, line) {
  const stays = lines.join("");
  const out = [...poem.lines[line - 1]].find((character) => !stays.includes(character)) ?? "";
  const { form, template, rhyme } = poem;
  const exclude = [asked.exclude, out].join(" ").trim();
  return { ...asked, form, template, rhyme, lines, exclude, count, seed, collect: true };
}

function unlocked(now, line) {
  const places = placesOf(widthsOf(now.poem.lines)).filter((place) => place.line === line);
  const held = heldOf(now, places);
  return places.filter((place) => !held.has(keyOf(place)));
}

async function busy(act) {
  work = new AbortController();
  const { signal } = work;
  state.working = true;
  changed();
  if (await attempt(() => act(signal))) trouble();
  if (signal.aborted) announce(t("stopped"));
  state.working = false;
  changed();
}

/** Lock a place, or unlock it. */
export function toggleLock(place) {
  const on = entry();
  const locks = new Set(on.now.locks);
  const locked = !locks.delete(keyOf(place));
  if (locked) locks.add(keyOf(place));
  announce(t(locked ? "locked" : "unlocked", shown(charAt(on.now.poem.lines, place))));
  change(on, { locks });
}

/** Unlock all places. */
export function freeAll() {
  announce(t("all_free"));
  change(entry(), { locks: new Set() });
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
  followForm(done !== true);
  announce(t(word));
  trouble();
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
