// The permalink: the poem, its locks, marks and choices, in the page's own address after #; nothing is kept on the server.
// It is JSON, deflated, in base64url.

import { marksOf, modelFor } from "./verdict.js";
import { fixed } from "./pattern.js";
import { settings } from "./settings.js";
import { MOST_LINES } from "./shape.js";
import { newEntry, state } from "./state.js";

const LONGEST = 16000; // characters of an address that is read
const MOST_BYTES = 65536; // of what it unpacks to
const LONGEST_TEXT = 4000; // of a choice, or of a fact about a poem
const FACTS = [
  "form",
  "template",
  "rhyme",
  "title",
  "poet",
  "about",
  "mood",
  "model",
  "heading",
  "typed",
  "seal",
];
const OWN = ["form", "title", "poet", "mood", "model", "exclude_words"]; // what a poem or its occasion tells

/** An entry's link, to the address that the server was given for links, or the page's own. */
export const linkOf = async (on) => `${given() || location.href.split("#")[0]}#${await hashOf(on)}`;

const given = () => document.querySelector("meta[name=public]").content;

/** Whether others can open a link. */
export const isPublic = () =>
  Boolean(given()) || !/^(localhost|127\.|\[::1\]|$)/.test(location.host);

/** An entry as the characters after #. */
export async function hashOf(on) {
  const { poem, locks } = on.now;
  const usual = Object.fromEntries(
    state.known.options.map((option) => [option.name, option.default]),
  );
  const asked = Object.entries(on.ask).filter(
    ([name, value]) =>
      !OWN.includes(name) &&
      value != null &&
      value !== usual[name] &&
      (name === "heading" || value !== poem[name]),
  );
  const places = new Set(fixed(on.ask, poem.lines));
  const asFixed = places.size === locks.size && [...places].every((key) => locks.has(key));
  const own = { ...poem, seal: poem.seal || settings.seal, model: poem.model };
  if (own.model === modelFor(poem.form).name) own.model = "";
  const facts = [...FACTS.map((name) => own[name] ?? ""), marksOf(on), own.sources ?? ""];
  while (facts.length > 8 && !facts.at(-1)) facts.pop();
  const parts = [poem.lines.join(" "), facts, Object.fromEntries(asked)];
  const text = JSON.stringify(asFixed ? parts : [...parts, [...locks].join(" ")]);
  const bytes = await through(new CompressionStream("deflate-raw"), new TextEncoder().encode(text));
  const base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The poem of such characters, {poem, ask, locks, marks}; null where there are none. */
export async function read(hash) {
  const base64 = hash.replace(/^#/, "").replaceAll("-", "+").replaceAll("_", "/");
  if (!base64) return null;
  if (base64.length > LONGEST) throw new RangeError("too long");
  const packed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const bytes = await through(new DecompressionStream("deflate-raw"), packed);
  const [lines, facts, given, places] = JSON.parse(new TextDecoder().decode(bytes));
  const asked = readAsk(given);
  const locks = places === undefined ? undefined : readLocks(places.split(" ").filter(Boolean));
  const known = Object.fromEntries(FACTS.map((name, at) => [name, facts[at] || null]));
  const sources = facts[FACTS.length + 1];
  const poem = readPoem({ ...known, form: facts[0], sources, lines: lines.split(" ") });
  const own = [...OWN, "about"].filter((name) => poem[name]).map((name) => [name, poem[name]]);
  return {
    poem,
    ask: { ...Object.fromEntries(own), ...asked },
    locks,
    marks: String(facts[FACTS.length] ?? ""),
  };
}

/** The same as an entry. Throws where they are damaged. */
export async function entryOf(hash) {
  const found = await read(hash);
  if (!found) return null;
  const { poem, ask, locks } = found;
  poem.model ??= modelFor(poem.form).name;
  return newEntry(poem, ask, locks ?? fixed(ask, poem.lines));
}

/** Bytes as a stream changes them. Throws where they become too many. */
async function through(stream, bytes) {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const found = [];
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    for (const byte of part.value) found.push(byte);
    if (found.length > MOST_BYTES) throw new RangeError("too long");
  }
  return new Uint8Array(found);
}

/** Choices that anyone may have written. Throws where they are none. */
export function readAsk(ask) {
  if (ask?.constructor !== Object) throw new TypeError("no choices");
  const isShort = (value) => typeof value !== "string" || value.length <= LONGEST_TEXT;
  const isPlain = (value) =>
    value === null || ["string", "number", "boolean"].includes(typeof value);
  if (!Object.values(ask).every((value) => isPlain(value) && isShort(value)))
    throw new TypeError("no choices");
  return ask;
}

/** The same of the keys of locked places. */
export function readLocks(keys) {
  const isKey = (key) => typeof key === "string" && /^\d{1,2}\.\d{1,2}$/.test(key);
  if (!Array.isArray(keys) || !keys.every(isKey)) throw new TypeError("no places");
  return keys;
}

/** The same of the facts of a poem. */
export function readPoem({ lines, ...facts }) {
  const isLine = (line) => typeof line === "string" && line && line.length < 40;
  const isSome = Array.isArray(lines) && lines.length && lines.length <= MOST_LINES;
  if (!isSome || !lines.every(isLine)) throw new RangeError("no lines");
  const texts = [...FACTS, "sources"].map((name) => [
    name,
    typeof facts[name] === "string" ? facts[name].slice(0, LONGEST_TEXT) : null,
  ]);
  const poem = { ...Object.fromEntries(texts), lines };
  if (poem.form === null) throw new RangeError("no form"); // "" is that of a text that has none
  return poem;
}
