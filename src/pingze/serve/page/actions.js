// What a person does with poems: compose, replace, lock, redraw, undo. Each ends in a change of the state.

import { ask, couplets, drafts } from "./api.js";
import { followForm, restoreChoices, showProblem, showReading } from "./request.js";
import { announce, attempt, button, trouble } from "./dom.js";
import { bare, modelOf, verdict } from "./verdict.js";
import { fixed, taken } from "./pattern.js";
import { sourcesOf } from "./poem.js";
import { isEnglish, keep, settings, shown, typedPairs } from "./settings.js";
import {
  BLANK,
  charAt,
  COUPLET,
  isEmpty,
  isAt,
  isFull,
  keyOf,
  placesOf,
  rewrite,
  widthsAsked,
  widthsOf,
} from "./shape.js";
import { findDesk, layOut, replaceDesk } from "./shelf_storage.js";
import { changed, entry, newDesk, newEntry, state, step, touch, travel } from "./state.js";
import { unnamed } from "./subjects.js";
import { t } from "./words.js";

let work = new AbortController(); // of the one thing that is being written, which the reader may stop

/**
 * Have what is empty on a sheet written; where nothing is, all that is not kept. What was there stays until the drafts are.
 * Called again while it works, it stops.
 */
export async function compose(asked, sheet = sheetFor(asked)) {
  if (state.working) return work.abort();
  const { count, pattern, ...ask } = asked;
  const { rows, locks, body } = request(asked, sheet);
  if (rows && isFull(rows)) return trouble(t("all_locked"));
  const read = { ...ask, heading: headingFor(ask, sheet.poem, rows) ?? ask.heading };
  announce(t("composing"));
  await busy(async (signal) => {
    try {
      const write = asked.form === COUPLET ? couplets : drafts;
      const found = await write(body, signal);
      signal.throwIfAborted();
      const lay = (poem) => {
        const places = [...fixed(ask, poem.lines), ...locks];
        const made = newEntry(heard(poem, found.remarks, read), ask, places);
        made.now.kept = sheet.kept;
        return made;
      };
      replaceDesk(newDesk(found.poems.map(lay)));
      const few = found.poems.length < count && !found.notes.length;
      const missing =
        isEnglish() && asked.form !== COUPLET ? unnamed(asked.heading, found.poems) : [];
      const more = [
        few && t("fewer", found.poems.length, count),
        locks.length && sheet.news,
        missing.length && t("no_draft_has", missing.join(", ")),
      ];
      showReading({ ...found, notes: [...found.notes, ...more.filter(Boolean)] });
      touch();
      announce(t("composed", found.poems.length));
    } catch (error) {
      if (!error.clashes?.length && !error.field) throw error;
      showProblem(error);
    }
  });
}

/** The heading that stays over a poem that is gone on with, or written anew to the same subject; else null. */
function headingFor(ask, { form, heading, model }, rows) {
  const { ask: before } = entry();
  const isSame = (ask.heading ?? ask.title) === (before.heading ?? before.title);
  const isComposed = model !== ""; // else it was typed or pasted
  const isAnew = isSame && isComposed && state.desk.when && form !== COUPLET; // whose heading is its 橫批
  return isAnew || (rows && !ask.title) ? heading : null;
}

/** The sheet; another subject frees what was kept of drafts. */
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
  const byChoice = taken(entry().ask, poem.lines);
  const kept = new Set([...locks].filter((key) => !byChoice.has(key)));
  const stays = (place) => !isFull(poem.lines) || kept.has(keyOf(place));
  const rows = rewrite(poem.lines, (one, place) => (stays(place) ? one : BLANK));
  if (isEmpty(rows)) return { rows: null, locks: [], body: asked };
  return { rows, locks: [...kept], body: { ...asked, lines: rows, kept: marked(rows, kept) } };
}

/** The keys of those of some places that stay as they are written again: the locked ones, but none where all are locked. */
function heldOf({ locks }, places) {
  const held = places.map(keyOf).filter((key) => locks.has(key));
  return new Set(held.length < places.length ? held : []);
}

/** Put lines of another poem on the sheet, where they stand in it; nothing else changes. */
export function putLines({ lines, sources }, numbers) {
  const own = entry().now.poem.sources;
  const text = numbers.map((line) => lines[line - 1]).join("");
  const rows = new Set(`${own}\n${sources}`.split("\n"));
  const both = own && sources ? { sources: [...rows].join("\n") } : {};
  return replace({ line: numbers[0], position: 1 }, text, false, both);
}

/** Have all written again but some lines of one of the drafts and what is locked; where that is all, put them there. */
export function keepLines(of, numbers) {
  const { now } = entry();
  const { poem } = now;
  const places = placesOf(widthsOf(poem.lines));
  const isOurs = ({ line }) => numbers.includes(line);
  const isOther = (place) => !isOurs(place);
  const isLocked = (place) => now.locks.has(keyOf(place));
  if (of !== entry() && places.filter(isOther).every(isLocked))
    return putLines(of.now.poem, numbers);
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

/** A poem as it came, with its sources, what its title lost as heading, and what was typed in Simplified. */
function heard(poem, remarks, request) {
  const typed = remarks
    .filter(({ code }) => code === "converted")
    .flatMap(({ has, read }) => typedPairs(read, has));
  const isLost = remarks.some(({ code, field }) => code === "not_known" && field === "title");
  const heading = poem.heading ?? request.heading ?? (isLost ? request.title : null);
  return { ...poem, sources: sourcesIn(poem), heading, typed: typed.flat().join("") };
}

/** The sources of quoted lines, as a poem keeps them. */
const sourcesIn = ({ lines, sources }) =>
  sources?.map(({ author, title }, at) => `${lines[at]}\t${author}《${title}》`).join("\n") ?? null;

/** Lines with 1 at the places of some keys, and 0 elsewhere. */
const marked = (lines, keys) => rewrite(lines, (_, place) => (keys.has(keyOf(place)) ? "1" : "0"));

/** An entry as a sheet. */
export function sheetOf({ ask: asked, now: { poem, locks } }) {
  const { level, standard, include, exclude, exclude_words, repeat, original, antithesis } = asked;
  return {
    ...bare(poem),
    ...{ level, standard, include, exclude, exclude_words, repeat, original, antithesis },
    ...{ temperature: asked.temperature, top_p: asked.top_p },
    kept: marked(poem.lines, locks),
  };
}

/**
 * Put characters on the sheet from a place on, and lock them; whether they found room. A poet may break a rule. Characters
 * of one's `own` are read as the checker reads them; `facts` of the poem change too.
 */
export function replace(place, characters, own = false, facts = {}) {
  const on = entry();
  const { poem } = on.now;
  const put = [...characters];
  const all = placesOf(widthsOf(poem.lines));
  const places = all.slice(all.findIndex(isAt(place)));
  if (put.length > places.length) return trouble(t("no_room", places.length, put.length));
  const changes = new Map(put.map((one, n) => [keyOf(places[n]), one]));
  const lines = rewrite(poem.lines, (one, here) => changes.get(keyOf(here)) ?? one);
  const isLockable = poem.form !== COUPLET; // which is worded again by lines
  const locks = new Set([...on.now.locks, ...(isLockable ? changes.keys() : [])]);
  const unread = new Set([...(on.now.unread ?? []), ...(own ? changes.keys() : [])]);
  const kept = new Set(on.now.kept);
  for (const key of changes.keys()) kept.delete(key);
  if (!settings.used) keep({ used: true });
  announce(t("replaced", put.map(shown).join("")));
  change({ poem: { ...poem, ...facts, lines }, locks, unread, kept });
  return true;
}

/** A change by hand: what is being written, which would lie over it, stops; older trouble goes. */
function change(now) {
  const stops = state.working;
  work.abort();
  step(entry(), now);
  changed();
  trouble(stops ? t("stopped_for") : "");
}

export function erase(place) {
  const { poem, locks: before } = entry().now;
  const isHere = isAt(place);
  const lines = rewrite(poem.lines, (one, here) => (isHere(here) ? BLANK : one));
  const locks = new Set(before);
  locks.delete(keyOf(place));
  change({ poem: { ...poem, lines }, locks });
}

/** Read what was typed as the checker does, Simplified as Traditional, as soon as it has. */
export function settle() {
  const on = entry();
  if (!on.now.unread?.size) return;
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
  const poem = { form, template: null, rhyme: null, model: "", lines };
  open(newDesk([newEntry(poem, { form })]), replaceDesk);
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

/** Correct what a Simplified character was read as. */
export function rereadAs(pair, word) {
  const { poem, chosen: before } = entry().now;
  const wrong = pair.split("→")[1];
  const lines = rewrite(poem.lines, (one) => (one === wrong ? word : one));
  const chosen = before.filter((one) => one !== pair);
  change({ poem: { ...poem, lines }, chosen });
}

/** Have the poem judged as another form of its shape. */
export function judgeAs(form) {
  const { poem } = entry().now;
  change({ poem: { ...poem, form, template: null, rhyme: null }, isFound: false });
}

/** Have the faults of the poem mended; what is locked stays. */
export async function mend() {
  const on = entry();
  const { poem } = on.now;
  const places = placesOf(widthsOf(poem.lines));
  const held = heldOf(on.now, places);
  const kept = marked(poem.lines, held);
  const sheet = { ...sheetOf(on), kept, template: null, rhyme: null };
  await busy(async (signal) => {
    const answer = await ask("mend", { sheet, ...modelOf(poem) }, signal).catch((error) => {
      if (error.clashes?.length) error.remedy = button(t("free_all"), freeAll);
      throw error;
    });
    const [mended] = answer.mended;
    const { lines, template, rhyme } = mended.poem;
    const locks = new Set(on.now.locks);
    for (const place of mended.changes) locks.delete(keyOf(place));
    changeEntry(on, poem, { poem: { ...poem, lines, template, rhyme }, locks, mended });
    announce(mendedSaid(mended));
  });
}

/** What was mended, in a sentence. */
export const mendedSaid = ({ changes }) =>
  changes.length ? t("mended", changes.length) : t("reordered");

/** Give the poem a heading and its seal. Throws where it has changed. */
export const entitle = (on, heading, seal) =>
  changeEntry(on, on.now.poem, { poem: { ...on.now.poem, heading, seal } });

/** Change an entry's poem. Throws where it has changed meanwhile: that would be undone. */
function changeEntry(on, before, now) {
  if (entry() !== on || on.now.poem !== before) throw new Error(t("not_done"));
  step(on, now);
  changed();
}

/** Write again what is not locked of a line. */
export async function redraw(line) {
  const on = entry();
  const { poem } = on.now;
  await busy(async (signal) => {
    const [other] = await otherLines(on, line, 1, signal);
    if (!other) throw new Error(t("no_other"));
    changeEntry(on, poem, { poem: other });
    announce(t("redrawn"));
  });
}

/** An entry's poem with other wordings of a line, the best first. */
export async function otherLines(on, line, count, signal) {
  const { poem } = on.now;
  if (poem.form === COUPLET) {
    /** @type {any} */
    const asked = { ...on.ask, line: poem.lines[2 - line], upper: line === 1, count, title: "" };
    const { poems } = await couplets(asked, signal);
    return poems.map(({ lines }) => ({ ...poem, lines }));
  }
  const places = placesOf(widthsOf(poem.lines)).filter((place) => place.line === line);
  const held = heldOf(on.now, places);
  const isHeld = (place) => held.has(keyOf(place));
  const seed = crypto.getRandomValues(new Uint32Array(1))[0];
  const withLine = (text) => poem.lines.map((old, at) => (at === line - 1 ? text : old));
  const isOld = sourcesOf(poem).every((from, at) => from || line === at + 1);
  if (poem.sources && isOld && held.size < places.length - 1) {
    const asked = { ...quoted(on, line, isHeld), count, seed };
    const { poems } = await drafts({ ...asked, collect: true }, signal);
    const others = poems.filter(({ lines }) => lines[line - 1] !== poem.lines[line - 1]);
    return others.map((one) => ({
      ...poem,
      lines: withLine(one.lines[line - 1]),
      sources: sourcesIn(one),
    }));
  }
  const choices = places.filter(isHeld).map((place) => ({
    ...place,
    characters: charAt(poem.lines, place),
  }));
  const body = { sheet: { ...sheetOf(on), choices, seed }, line, limit: count };
  const { alternatives } = await ask("alternatives", { ...body, ...modelOf(poem) }, signal);
  return alternatives.map(({ text }) => ({ ...poem, lines: withLine(text) }));
}

/** A request for another old line: the one that stands is kept out by a character that only it has. */
function quoted({ ask: asked, now: { poem } }, line, isHeld) {
  const lines = rewrite(poem.lines, (one, place) =>
    place.line === line && !isHeld(place) ? BLANK : one,
  );
  const stays = lines.join("");
  const out = [...poem.lines[line - 1]].find((character) => !stays.includes(character)) ?? "";
  const { form, template, rhyme } = poem;
  const exclude = [asked.exclude, out].join(" ").trim();
  return { ...asked, form, template, rhyme, lines, exclude };
}

/** Do what takes a while, unless something else is being done. */
async function busy(act) {
  if (state.working) return trouble(t("not_done"));
  work = new AbortController();
  const { signal } = work;
  state.working = true;
  changed();
  if (await attempt(() => act(signal))) trouble();
  if (signal.aborted) announce(t("stopped"));
  state.working = false;
  changed();
}

export function toggleLock(place) {
  const { poem, locks: before } = entry().now;
  const locks = new Set(before);
  const locked = !locks.delete(keyOf(place));
  if (locked) locks.add(keyOf(place));
  announce(t(locked ? "locked" : "unlocked", shown(charAt(poem.lines, place))));
  change({ locks });
}

export function freeAll() {
  announce(t("all_free"));
  change({ locks: new Set() });
}

/** The poem's own steps to either side, the desk beyond them, and what is said. */
const WAYS = { undo: ["past", "before", "undone"], redo: ["future", "after", "redone"] };

/** The desk that a way leads to, where the poem has no step of its own that way; or null. */
const deskBeyond = ([steps, beyond]) =>
  entry()[steps].length ? null : findDesk(state.desk[beyond]);

export const canGo = (way) => Boolean(entry()[WAYS[way][0]].length || deskBeyond(WAYS[way]));

/** Undo or redo a step of the poem, or go to the desk before or after. */
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
