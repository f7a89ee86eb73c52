// What the checker says of a poem on the desk: asked of the server once for each poem and level, and again some time after
// a problem.

import { PATIENCE, ask } from "./api.js";
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

/** The model that this server reads a poem with: its name, its layers and their units. */
export function sizeOf(poem) {
  const { models, default_model: usual } = state.known;
  return models.find(({ name }) => name === poem.model) ?? models.find(({ name }) => name === usual);
}

/** The checker's verdict on an entry's poem, or {problem}; null while it is on its way. */
export function verdict({ ask: asked, now: { poem } }) {
  const body = { text: poem.lines.join("，"), form: poem.form, level: asked.level ?? "customary" };
  const key = JSON.stringify(body);
  if (!known.has(key)) {
    known.set(key, null);
    ask("check", body)
      .then(({ verdicts }) => verdicts[0])
      .catch((error) => {
        setTimeout(() => known.delete(key), PATIENCE);
        return { problem: error.message };
      })
      .then((found) => known.set(key, found))
      .then(changed);
  }
  return known.get(key);
}

/** The faults of an entry's poem. */
export const faults = (on) => verdict(on)?.violations ?? [];

/** What the sheet shows of each place of a checked poem: {tone, rhymes, fault}. */
export const seen = (checked, poem) => (line, position) => ({
  tone: [...(checked?.tones?.[line - 1] ?? "")][position - 1],
  rhymes: isFoot(poem, line, position, checked?.readings?.[line - 1]?.[position - 1]?.join("")),
  fault: checked?.violations?.find((one) => one.line === line && one.position === position)?.rule,
});

/** Whether a character rhymes: an even line's last, the first's where the template says so, and where a tune's sentence ends. */
function isFoot({ form, rhyme, template, lines }, line, position, groups = "") {
  const tune = state.known.tunes.find(({ name }) => name === form);
  if (!(rhyme || tune) || position !== [...lines[line - 1]].length) return false;
  if (tune) return tune.marks[line - 1] === "。";
  if (line > 1) return line % 2 === 0;
  if (template) return template.endsWith("首句入韻"); // it may borrow from a neighbouring group
  return [...rhyme].some((group) => groups.includes(group));
}

/** An entry's marks as a link has them: for each character its tone, or that it rhymes; "" where they are not known. */
export function marksOf(on) {
  const { poem } = on.now;
  const look = seen(verdict(on), poem);
  const mark = (place) => (place.rhymes ? "3" : String("平仄中".indexOf(place.tone)));
  const marks = poem.lines.flatMap((text, at) => [...text].map((_, n) => mark(look(at + 1, n + 1))));
  return marks.includes("-1") ? "" : marks.join("");
}
