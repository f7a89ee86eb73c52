// The permalink: the poem, its locks and its choices, in the page's own address after #; nothing is kept on the server.
// It is short enough to paste anywhere: the poem's characters in 15 bits each, and all that follows from them left out.

import { Packer, Unpacker } from "./bits.js";
import { FREE, fixed, onlyHan } from "./places.js";
import { keyOf, newEntry, state } from "./state.js";

const PACKED = "1"; // the first character of a link of this kind
const LONGEST = 16000; // characters of an address that is read
const FORM = 4; // bits of its place in the list of /v1/forms, where new forms come last
const LINES = 8;
const PLACES = ["head", "middle", "end"];
const MOODS = ["joyful", "calm", "sad"];
const MOST_SHARED = 15; // characters in a run that 4 bits hold; a looser bound is left out
const FIXED_LOCKS = 2; // locked is what the choices fix

/** An entry as what stands after #; null where it is not a poem of its form, or more than a link holds. */
export function hashOf(entry) {
  try {
    return packed(entry);
  } catch {
    return null;
  }
}

function packed(entry) {
  const { poem } = entry.now;
  const into = new Packer();
  const form = formOf(poem.form);
  const text = poem.lines.join("");
  if ([...text].length !== form.width * (form.lines ?? poem.lines.length)) throw new RangeError("not of its form");
  into.number(state.known.forms.indexOf(form), FORM);
  if (!form.lines) into.number(poem.lines.length, LINES);
  into.characters(text);
  into.number(1 + form.templates.indexOf(poem.template), 3);
  into.text(poem.rhyme, 4);
  into.text(poem.title, 8);
  into.text(poem.poet, 5);
  into.text(poem.model === state.known.default_model ? null : poem.model, 6);
  packChoices(entry, into);
  packLocks(entry, into);
  // Last, for links that were made before poems had themes, and then moods.
  into.text(poem.about, 8);
  if (into.flag(poem.mood)) into.number(MOODS.indexOf(poem.mood), 2);
  return PACKED + into;
}

/** What stands after #, as an entry; null where there is no poem. Throws where the poem is damaged. */
export function entryOf(hash) {
  const text = hash.replace(/^#/, "");
  if (text.length > LONGEST) throw new RangeError("too long");
  if (text.startsWith(PACKED)) return unpacked(new Unpacker(text.slice(1)));
  return new URLSearchParams(text).has("poem") ? written(new URLSearchParams(text)) : null;
}

function unpacked(from) {
  const form = state.known.forms[from.number(FORM)];
  const count = form.lines ?? from.number(LINES);
  const lines = Array.from({ length: count }, () => from.characters(form.width));
  const template = form.templates[from.number(3) - 1] ?? null;
  const [rhyme, title, poet, model] = [4, 8, 5, 6].map((bits) => from.text(bits));
  const poem = readPoem({
    form: form.name,
    template,
    rhyme,
    title,
    poet,
    model: model ?? state.known.default_model,
    lines,
  });
  const ask = unpackedChoices(poem, from);
  const locks = unpackedLocks(poem, ask, from);
  const about = from.isAtEnd ? null : from.text(8);
  const mood = !from.isAtEnd && from.flag() ? MOODS[from.number(2)] : null;
  return newEntry({ ...poem, about, mood }, { ...ask, ...(about && { about }), ...(mood && { mood }) }, locks);
}

const formOf = (name) => state.known.forms.find((form) => form.name === name);
const keysOf = ({ lines }) => lines.flatMap((line, at) => [...line].map((_, n) => keyOf(at + 1, n + 1)));

/** What was asked for: the opening, the acrostic and the pattern only say which of the poem's characters were. */
function packChoices({ ask, now: { poem } }, into) {
  into.flag(ask.rhyme);
  into.flag(ask.template);
  into.flag(ask.level === "strict");
  into.flag(ask.repeat);
  if (into.flag(ask.acrostic)) {
    into.number(PLACES.indexOf(ask.acrostic_at ?? "head"), 2);
    into.number(onlyHan(ask.acrostic).length, LINES);
  }
  if (into.flag(ask.start)) into.number(onlyHan(ask.start).length, 11);
  if (into.flag(ask.pattern)) packKeys(new Set(fixed({ pattern: ask.pattern }, [...poem.lines[0]].length)), poem, into);
  into.text(ask.include, 7);
  into.text(ask.exclude, 10);
  for (const name of ["temperature", "antithesis"])
    if (into.flag(ask[name] !== undefined)) into.number(Math.round(10 * ask[name]), 7);
  if (into.flag(ask.original && ask.original <= MOST_SHARED)) into.number(ask.original, 4);
}

function unpackedChoices(poem, from) {
  const { form, title, poet, model, lines } = poem;
  const ask = { form, title, poet, model, lines: formOf(form).lines ? undefined : lines.length };
  if (from.flag()) ask.rhyme = poem.rhyme;
  if (from.flag()) ask.template = poem.template;
  if (from.flag()) ask.level = "strict";
  if (from.flag()) ask.repeat = true;
  if (from.flag()) {
    ask.acrostic_at = PLACES[from.number(2)];
    const at = formOf(form).acrostic_positions[ask.acrostic_at] - 1;
    ask.acrostic = lines
      .slice(0, from.number(LINES))
      .map((line) => [...line][at])
      .join("");
  }
  if (from.flag()) ask.start = [...lines.join("")].slice(0, from.number(11)).join("");
  if (from.flag()) ask.pattern = patternAt(unpackedKeys(poem, from), lines);
  ask.include = from.text(7);
  ask.exclude = from.text(10);
  for (const name of ["temperature", "antithesis"]) if (from.flag()) ask[name] = from.number(7) / 10;
  if (from.flag()) ask.original = from.number(4);
  return Object.fromEntries(Object.entries(ask).filter(([, value]) => value !== null && value !== undefined));
}

const patternAt = (keys, lines) =>
  lines.map((line, at) => [...line].map((c, n) => (keys.has(keyOf(at + 1, n + 1)) ? c : FREE)).join("")).join(" ");

function packLocks({ ask, now: { poem, locks } }, into) {
  const usual = new Set(fixed(ask, [...poem.lines[0]].length));
  const asFixed = usual.size === locks.size && [...usual].every((key) => locks.has(key));
  into.number(locks.size === 0 ? 0 : asFixed ? FIXED_LOCKS : 1, 2);
  if (locks.size && !asFixed) packKeys(locks, poem, into);
}

function unpackedLocks(poem, ask, from) {
  const kind = from.number(2);
  if (kind === FIXED_LOCKS) return fixed(ask, [...poem.lines[0]].length);
  return kind ? unpackedKeys(poem, from) : [];
}

const packKeys = (keys, poem, into) => keysOf(poem).forEach((key) => into.flag(keys.has(key)));
const unpackedKeys = (poem, from) => new Set(keysOf(poem).filter(() => from.flag()));

/** A link as pingze wrote it before: each part by name, percent-encoded. */
function written(parts) {
  const poem = readPoem({ ...object(parts.get("facts")), lines: parts.get("poem").split(".") });
  const locks = (parts.get("locks") ?? "").split(" ").filter((key) => /^\d+\.\d+$/.test(key));
  return newEntry(poem, object(parts.get("choices")), locks);
}

/** A poem from facts that anyone may have written. Throws where it is none. */
export function readPoem({ lines, log_probability = null, ...facts }) {
  if (!Array.isArray(lines) || !lines.length) throw new RangeError("no lines");
  if (!lines.every((line) => typeof line === "string" && line && line.length < 40)) throw new RangeError("no lines");
  const poem = {
    template: null,
    rhyme: null,
    title: null,
    poet: null,
    about: null,
    mood: null,
    ...texts(facts),
    lines,
    log_probability,
  };
  if (!poem.form) throw new RangeError("no form");
  return poem;
}

/** The address of the page with an entry; null where it cannot hold that. */
export const address = (on) => (location.hash || hashOf(on) ? location.href : null);

function object(text) {
  const found = JSON.parse(text ?? "{}");
  if (found === null || typeof found !== "object" || Array.isArray(found)) throw new TypeError("no object");
  return found;
}

/** The facts of a poem that are text, and its seed. */
function texts(facts) {
  const names = ["form", "template", "rhyme", "title", "poet", "about", "mood", "model"];
  const kept = names.filter((name) => typeof facts[name] === "string").map((name) => [name, facts[name]]);
  return { ...Object.fromEntries(kept), seed: Number.isInteger(facts.seed) ? facts.seed : 0 };
}
