// What the server knows of a poem on the desk, such as the checker's verdict: asked for once, and again some time after a
// problem.

import { PATIENCE, ask } from "./api.js";
import { settings } from "./settings.js";
import {
  BLANK,
  charAt,
  COUPLET,
  isAt,
  isFull,
  keyOf,
  markAfter,
  placesOf,
  tuneOf,
  widthsOf,
} from "./shape.js";
import { changed, state } from "./state.js";

const known = new Map();
/** A place where nothing is legible, as the checker writes it. */
export const UNREAD = "□";

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

/** What has an entry's poem checked. One that is half written is a sheet. */
function checking({ ask: { level = "customary", standard }, now: { poem } }, others) {
  const { lines } = poem;
  const form = poem.form === COUPLET ? null : poem.form || null;
  const rules = { form, level, standard, ...others };
  if (form && !isFull(lines)) return { explain: true, sheet: { ...rules, lines } };
  return { ...rules, fine: true, explain: true, text: lines.join("，").replaceAll(BLANK, UNREAD) };
}

/**
 * The answer of a route to a body, asked for once, or {problem}; null while it is on its way. Where only the `last` is wanted,
 * what was asked of the route before is called off.
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
    if (error.name !== "AbortError") setTimeout(() => forgetProblem(asked, error), PATIENCE);
    return { problem: error.message };
  });
  if (known.get(slot) === asked) changed();
}

/** Ask again for what was not answered, at once where the server may answer by now. */
function forgetProblem(asked, { passes }) {
  asked.key = "";
  if (passes) changed();
}

/** The same of the checker's verdict on an entry's poem. Where the checker found its form, it tells of nearer ones too. */
export function verdict(on) {
  const isFound = on.now.isFound && isFull(on.now.poem.lines);
  const found = isFound ? verdictBy(on, { form: null }) : undefined;
  const isSame = found === null || found?.form === on.now.poem.form;
  return isSame ? found : verdictBy(on, {});
}

/** The same by other rules. */
export function verdictBy(on, rules) {
  const found = recall("check", checking(on, rules));
  const judged = found?.verdicts?.[0];
  if (!judged) return found;
  return { ...judged, violations: judged.violations.filter(({ char }) => char !== UNREAD) };
}

export const faultsAt = (checked, place) => checked?.violations?.filter(isAt(place)) ?? [];

const DOUBTS = ["word_reading", "rare_reading"];

/** What the checker notes at single places and does not call a fault, {rule, line, position, note}: 三仄尾, 鄰韻, 重字, a doubtful reading. */
export function notedIn(checked) {
  const found = [];
  checked?.remarks?.forEach(({ code, rule, line, position, has }, at) => {
    const note = checked.notes[at];
    if (code === "bent") found.push({ rule, line, position, note });
    if (code === "neighbour_rhyme")
      found.push({ rule: "鄰韻", line, position: widthsOf(checked.read)[line - 1], note });
    if (DOUBTS.includes(code)) found.push({ rule: "存疑", line, position, note });
    if (code !== "repeated") return;
    const words = has.map((item) => item.split(" (")[0]).join("");
    for (const place of placesOf(widthsOf(checked.read)))
      if (words.includes(charAt(checked.read, place))) found.push({ rule: "重字", ...place, note });
  });
  return found;
}

/** What the sheet shows of each place, {tone, rhymes, fault, noted}: of an empty one what it wants. */
export function seen(checked, poem) {
  const wants = new Map(checked?.wants?.map((want) => [keyOf(want), want]));
  const notes = new Map(notedIn(checked).map((one) => [keyOf(one), one.rule]));
  return (place) => {
    const want = wants.get(keyOf(place));
    const faults = faultsAt(checked, place).map(({ rule }) => rule);
    const rhymes = want ? Boolean(want.rhyme) : isFoot(checked, poem, place);
    return {
      tone: want?.tone ?? charAt(checked?.tones ?? [], place),
      rhymes: rhymes && !faults.includes("出韻"),
      fault: faults[0],
      noted: notes.get(keyOf(place)),
    };
  };
}

/** Whether a character rhymes: an even line's last, the first's where the template says so, and where a tune's sentence ends. */
function isFoot(checked, { form, lines }, { line, position }) {
  if (!checked?.rhyme || position !== [...lines[line - 1]].length) return false;
  const { rhyme, template, readings } = checked;
  if (tuneOf(form)) return markAfter({ form, lines }, line) === "。";
  if (line > 1) return line % 2 === 0;
  if (template) return template.endsWith("首句入韻"); // it may borrow from a neighbouring group
  const own = readings[0][position - 1].join("");
  return [...rhyme].some((group) => own.includes(group));
}

/** An entry's marks as a link has them; "" where they are not known. */
export function marksOf(on) {
  const { poem } = on.now;
  const look = seen(verdict(on), poem);
  const mark = ({ rhymes, tone }) => (rhymes ? "3" : String("平仄中".indexOf(tone)));
  const marks = placesOf(widthsOf(poem.lines)).map((place) => mark(look(place)));
  return marks.includes("-1") ? "" : marks.join("");
}
