// The permalink: the poem, its locks and its choices, in the page's own address after #; nothing is kept on the server.

import { newEntry } from "./state.js";

const LONGEST = 4000; // characters of an address that is read

/** An entry as what stands after #. */
export function hashOf({ ask, now }) {
  const { lines, ...rest } = now.poem;
  const facts = { ...rest, log_probability: undefined };
  return new URLSearchParams({
    poem: lines.join("."),
    facts: JSON.stringify(facts),
    choices: JSON.stringify(ask),
    locks: [...now.locks].join(" "),
  }).toString();
}

/** What stands after #, as an entry; null where there is no poem. Throws where the poem is damaged. */
export function entryOf(hash) {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  if (!parts.has("poem")) return null;
  if (hash.length > LONGEST * 4) throw new RangeError("too long");
  const poem = readPoem({ ...object(parts.get("facts")), lines: parts.get("poem").split("."), log_probability: null });
  const locks = (parts.get("locks") ?? "").split(" ").filter((key) => /^\d+\.\d+$/.test(key));
  return newEntry(poem, object(parts.get("choices")), locks);
}

/** A poem from facts that anyone may have written. Throws where it is none. */
export function readPoem({ lines, log_probability = null, ...facts }) {
  if (!Array.isArray(lines) || !lines.length) throw new RangeError("no lines");
  if (!lines.every((line) => typeof line === "string" && line && line.length < 40)) throw new RangeError("no lines");
  const poem = { template: null, rhyme: null, title: null, poet: null, ...texts(facts), lines, log_probability };
  if (!poem.form) throw new RangeError("no form");
  return poem;
}

/** The address of the page as it is now. */
export const address = () => location.href;

function object(text) {
  const found = JSON.parse(text ?? "{}");
  if (found === null || typeof found !== "object" || Array.isArray(found)) throw new TypeError("no object");
  return found;
}

/** The facts of a poem that are text, and its seed. */
function texts(facts) {
  const names = ["form", "template", "rhyme", "title", "poet", "model"];
  const kept = names.filter((name) => typeof facts[name] === "string").map((name) => [name, facts[name]]);
  return { ...Object.fromEntries(kept), seed: Number.isInteger(facts.seed) ? facts.seed : 0 };
}
