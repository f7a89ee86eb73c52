// Why each character stands: asked of the server once for each poem and level, and again some time after a problem.

import { PATIENCE, ask } from "./api.js";
import { changed, keyOf, state } from "./state.js";

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

/** The reasons of an entry's poem by the key of their place, or what went wrong; null while they are on their way. */
export function reasons(entry) {
  const { poem } = entry.now;
  const body = { poem: bare(poem), level: entry.ask.level ?? "customary", limit: 5, ...modelOf(poem) };
  const key = JSON.stringify(body);
  if (!known.has(key)) {
    known.set(key, null);
    ask("explain", body)
      .then(({ reasons: rows }) => new Map(rows.map((row) => [keyOf(row.line, row.position), row])))
      .catch((error) => {
        setTimeout(() => known.delete(key), PATIENCE);
        return { problem: error.message };
      })
      .then((found) => known.set(key, found))
      .then(changed);
  }
  return known.get(key);
}

/** What is known of a place: its reason, or nothing yet. */
export function reasonAt(entry, line, position) {
  const found = reasons(entry);
  return found instanceof Map ? found.get(keyOf(line, position)) : undefined;
}

/** Whether a character of a poem's line rhymes: every even line's last, and the first's where the template says so. */
export function isFoot({ rhyme, template, lines }, line, position, groups = "") {
  if (!rhyme || position !== [...lines[line - 1]].length) return false;
  if (line > 1) return line % 2 === 0;
  if (template) return template.endsWith("首句入韻"); // it may borrow from a neighbouring group
  return [...rhyme].some((group) => groups.includes(group));
}
