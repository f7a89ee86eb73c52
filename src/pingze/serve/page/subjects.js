// English subjects, read as the characters of a small table, the longest phrase first. An occasion, as a wedding, brings its
// own subject, its mood, and the characters that have no place at it.

import { table } from "./words.js";

const PLACED =
  /(?<!think|thinking|dream|dreaming|end) (?:on|of|in|over|at|by|under|above|beside|upon) (?:the |an? )?/; // snow on a river: 江雪
const WORDS = /[a-z0-9]+|[^a-z0-9\s]+/g;
const TURNS = /\bturn(s|ed|ing)? (\d+|(twen|thir|for|fif|six|seven|eigh|nine)ty)\b/g; // "my mother turns 60"
const NOT = /^(?:no|not|without|never|nothing|nor|don|isn|aren|wasn)$/; // what follows has no place in the poem

let english = null; // fetched as soon as somebody writes English
let occasions = [];

/** Have the tables at hand. */
export async function learnEnglish() {
  const tables = await Promise.all([table("english"), table("occasions")]);
  english = new Map(Object.entries(tables[0]));
  occasions = Object.entries(tables[1]);
}

/** Whether English can be read. */
export const isLearnt = () => Boolean(english);

/** What a phrase means, or the singular of it; undefined where the table has neither. */
const meaning = (phrase) =>
  [/$/, /s$/, /es$/]
    .map((end) => english.get(phrase.replace(end, "")))
    .find((found) => found !== undefined);

/**
 * A text's English words as characters, {found, pairs, unknown, occasion, mood, exclude}; null where there are none. `mood` and
 * `exclude` are those of its occasion, and of what it says that is not there.
 */
export function inChinese(typed) {
  if (!/[a-z]/i.test(typed)) return null;
  const read = { found: [], pairs: [], unknown: [], occasion: "", mood: "", exclude: "" };
  if (!english) return read;
  const isDenied = typed
    .toLowerCase()
    .match(/[a-z]+/g)
    .some((word) => NOT.test(word));
  const said = typed.toLowerCase().replace(TURNS, "birthday");
  const parts = isDenied ? [said] : said.split(PLACED).reverse();
  const words = parts.join(" ").match(WORDS) ?? [];
  let isNot = false;
  for (let at = 0; at < words.length;) {
    const phrases = [3, 2, 1].map((many) => words.slice(at, at + many).join(" "));
    const phrase = phrases.find((one) => meaning(one) !== undefined) ?? words[at];
    const means = meaning(phrase);
    at += phrase.split(" ").length;
    if (NOT.test(phrase)) {
      isNot = true;
    } else if (isNot && means) {
      read.pairs.push(`not ${phrase} → −${means}`);
      read.exclude += means;
      isNot = false;
    } else {
      if (means) read.pairs.push(`${phrase} → ${means}`);
      if (means === undefined && /[a-z0-9]/.test(phrase)) read.unknown.push(phrase);
      read.found.push(means ?? phrase.replace(/[^\p{Script=Han}]/gu, ""));
    }
  }
  return asOccasion(read);
}

/** Whether nothing of an English subject is known. */
export const isUnread = ({ heading, title }) =>
  isLearnt() && heading && !title && !inChinese(heading)?.exclude;

/** Choices as the occasion of their heading has them: the reader's own mood stays. */
export function atOccasion(chosen) {
  const { mood, exclude } = inChinese(chosen.heading ?? "") ?? {};
  if (!mood && !exclude) return chosen;
  const all = [...new Set((chosen.exclude ?? "") + exclude)].join("");
  return { ...chosen, exclude: all, ...(mood && { mood: chosen.mood ?? mood }) };
}

/** The same without what the occasion set. */
export function withoutOccasion(chosen) {
  const { mood, exclude } = inChinese(chosen.heading ?? "") ?? {};
  const own = [...(chosen.exclude ?? "")].filter((one) => !exclude?.includes(one)).join("");
  return { ...chosen, exclude: own, mood: chosen.mood === mood ? "" : chosen.mood };
}

/** What was read, where it names an occasion with the occasion's subject alone; grief that is denied is an occasion of joy. */
function asOccasion(read) {
  for (const [occasion, { titles, mood, exclude, denied = "" }] of occasions) {
    const title = read.found.find((each) => titles.includes(each));
    const isDenied = [...read.exclude].some((one) => denied.includes(one));
    if (isDenied) return { ...read, occasion, mood, exclude: exclude + read.exclude };
    if (!title) continue;
    const pairs = read.pairs.filter((pair) => pair.endsWith(` ${title}`));
    return { ...read, found: [title], pairs, occasion, mood, exclude: exclude + read.exclude };
  }
  return read;
}
