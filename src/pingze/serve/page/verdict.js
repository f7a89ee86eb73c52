// What the server knows of a poem on the desk, such as the checker's verdict: asked for once, and again some time after a
// problem.

import { PATIENCE, ask } from "./api.js";
import { settings } from "./settings.js";
import { charAt, COUPLET, keyOf, markAfter, placesOf, tuneOf, widthsOf } from "./shape.js";
import { changed, state } from "./state.js";

const known = new Map();

/** The poem as the API takes it. */
export function bare({ form, template, rhyme, title, poet, about, mood, lines }) {
  return { form, template, rhyme, title, poet, about, mood, lines };
}

/** The model of a poem, where this server has it; else the server's own. */
export function modelOf(poem) {
  return state.known.models.some(({ name }) => name === poem.model) ? { model: poem.model } : {};
}

/** The model that this server composes a form with. */
export function modelFor(form) {
  const { models, default_model: usual } = state.known;
  return models.find(({ name, tunes }) => (tuneOf(form) ? tunes.length : name === usual));
}

/** The model that this server reads a poem with: its name, its layers and their units. */
export const sizeOf = ({ form, model }) =>
  state.known.models.find(({ name }) => name === model) ?? modelFor(form);

/** What has an entry's lines checked. */
export const checking = (
  { ask: { level = "customary", standard }, now: { poem } },
  lines = poem.lines,
) => ({
  text: lines.join("，"),
  ...(poem.form !== COUPLET && { form: poem.form }),
  level,
  standard,
});

/**
 * The answer of a route to a body, asked for once, or {problem}; null while it is on its way. Of some routes only the
 * `last` answer is wanted: what was asked of them before is called off.
 */
export function recall(path, body, last = false) {
  const key = JSON.stringify([settings.language, path, body]);
  const slot = last ? path : key;
  if (known.get(slot)?.key !== key) fetchInto(slot, key, path, body);
  return known.get(slot).found;
}

async function fetchInto(slot, key, path, body) {
  known.get(slot)?.calling.abort();
  const asked = { key, found: null, calling: new AbortController() };
  known.set(slot, asked);
  asked.found = await ask(path, body, asked.calling.signal).catch((error) => {
    setTimeout(() => (asked.key = ""), PATIENCE);
    return { problem: error.message };
  });
  if (known.get(slot) === asked) changed();
}

/** The checker's verdict on an entry's poem, or {problem}; null while it is on its way. */
export function verdict(on) {
  const found = recall("check", checking(on));
  return found?.verdicts?.[0] ?? found;
}

/** The faults at a place of a checked poem. */
export const faultsAt = (checked, place) =>
  checked?.violations?.filter((one) => keyOf(one) === keyOf(place)) ?? [];

/** Changes that mended a draft, each with the rules that the draft broke at its place. */
export const blamed = (changes, draft) =>
  changes.map((one) => ({ ...one, rules: faultsAt(draft, one).map(({ rule }) => rule) }));

/** What the sheet shows of each place of a checked poem: {tone, rhymes, fault}. */
export const seen = (checked, poem) => (place) => ({
  tone: charAt(checked?.tones ?? [], place),
  rhymes: isFoot(poem, place, checked?.readings?.[place.line - 1]?.[place.position - 1]?.join("")),
  fault: faultsAt(checked, place)[0]?.rule,
});

/** Whether a character rhymes: an even line's last, the first's where the template says so, and where a tune's sentence ends. */
function isFoot({ form, rhyme, template, lines }, { line, position }, groups = "") {
  const tune = tuneOf(form);
  if (!(rhyme || tune) || position !== [...lines[line - 1]].length) return false;
  if (tune) return markAfter({ form, lines }, line) === "。";
  if (line > 1) return line % 2 === 0;
  if (template) return template.endsWith("首句入韻"); // it may borrow from a neighbouring group
  return [...rhyme].some((group) => groups.includes(group));
}

/** An entry's marks as a link has them: for each character its tone, or that it rhymes; "" where they are not known. */
export function marksOf(on) {
  const { poem } = on.now;
  const look = seen(verdict(on), poem);
  const mark = ({ rhymes, tone }) => (rhymes ? "3" : String("平仄中".indexOf(tone)));
  const marks = placesOf(widthsOf(poem.lines)).map((place) => mark(look(place)));
  return marks.includes("-1") ? "" : marks.join("");
}
