// What a person does with poems: compose, replace, lock, redraw, undo. Each ends in a change of the state.

import { ask, composeEach } from "./api.js";
import { show } from "./choices.js";
import { fixed } from "./places.js";
import { bare, modelOf } from "./reasons.js";
import { announce, attempt, trouble } from "./say.js";
import { changed, entry, keyOf, newEntry, redo, state, step, undo } from "./state.js";
import { shown } from "./script.js";
import { t } from "./words.js";

let composing = new AbortController();

/** Compose what is asked for; poems come one by one. Called again while it works, it stops. */
export async function compose(request) {
  if (state.working) {
    composing.abort();
    return;
  }
  composing = new AbortController();
  Object.assign(state, { entries: [], chosen: 0, place: null, working: true, expected: request.count ?? 1 });
  trouble();
  announce(t("composing"));
  changed();
  try {
    await composeEach(request, (poem) => hear(poem, request), composing.signal);
    announce(t("composed", state.entries.length));
  } catch (error) {
    refused(error);
  } finally {
    state.working = false;
    changed();
  }
}

function hear(poem, request) {
  const { count, seed, ...kept } = request;
  state.entries.push(newEntry(poem, kept, fixed(request, [...poem.lines[0]].length)));
  changed();
}

function refused(error) {
  if (error.name === "AbortError") announce(t("stopped"));
  else if (error.clashes?.length || error.field) show(error.clashes, error.message);
  else trouble(error.message);
}

/** The constraints that a poem keeps while it is revised. */
export function constraints({ ask: asked, now }) {
  const { level, include, exclude, repeat, original, antithesis } = asked;
  return { level, include, exclude, repeat, original, antithesis, ...modelOf(now.poem) };
}

/** Put a character in a place, if the poem can bear it. */
export async function replace(line, position, character) {
  const on = entry();
  const { poem } = on.now;
  const lines = poem.lines.map((text, at) => (at + 1 === line ? put(text, position, character) : text));
  await attempt(async () => {
    const { form, template, rhyme } = poem;
    const request = { form, template, rhyme, lines: lines.length, pattern: lines.join(" "), ...constraints(on) };
    const { possible, detail } = await ask("conflicts", request);
    if (!possible) throw new Error(detail);
    step(on, { poem: { ...poem, lines, log_probability: null } });
    announce(t("replaced", shown(character)));
    changed();
  });
}

const put = (text, position, character) => [...text].with(position - 1, character).join("");

/** Write places again: all that are not locked of a line, or of the poem, or one character. */
export async function redraw({ line = null, position = null } = {}) {
  const on = entry();
  const targets = position ? [{ line, position }] : unlocked(on.now, line);
  if (!targets.length) {
    trouble(t("all_locked"));
    return;
  }
  await busy(async () => {
    const { temperature, top_p } = on.ask;
    const body = { poem: bare(on.now.poem), targets, temperature, top_p, ...constraints(on) };
    step(on, { poem: await ask("revise", body) });
    announce(t("redrawn"));
  });
}

function unlocked({ poem, locks }, only) {
  return poem.lines.flatMap((text, at) =>
    [...text].map((_, n) => ({ line: at + 1, position: n + 1 })),
  ).filter(({ line, position }) => (!only || line === only) && !locks.has(keyOf(line, position)));
}

async function busy(act) {
  state.working = true;
  changed();
  await attempt(act);
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

export function takeBack() {
  if (undo(entry())) announce(t("undone"));
  changed();
}

export function doAgain() {
  if (redo(entry())) announce(t("redone"));
  changed();
}
