// How verse is said and what it means, for readers of English: by word where the tables know the word, else by character.
// Of a character that can have both tones, the tone that its place has decides.

import { el } from "./dom.js";
import { isEnglish } from "./settings.js";
import { table } from "./words.js";

const LONGEST = 3; // characters of a word
const ALONE = 12; // what a character outside words costs; a word costs the logarithm of its rank
const LEVEL = /[āáēéīíōóūúǖǘ]/;

let known = null; // the tables, once they are at hand

/** Have the tables at hand where the reader reads English; whether they were not before. */
export async function learnReadings() {
  if (!isEnglish() || known) return false;
  const names = ["readings", "glosses", "cedict"];
  const [{ tones, words, means }, glosses, cedict] = await Promise.all(names.map(table));
  const said = await syllables();
  const ranks = new Map(Object.keys(cedict).map((word, at) => [word, at]));
  for (const word of [...Object.keys(words), ...Object.keys(means)])
    if (/^\p{Script=Han}{2,}$/u.test(word) && !ranks.has(word)) ranks.set(word, ranks.size);
  known = { said, tones, words, means, glosses, cedict, ranks };
  return true;
}

/** The syllable of each character. */
export async function syllables() {
  const found = new Map();
  for (const [syllable, characters] of Object.entries(await table("pinyin")))
    for (const one of characters) found.set(one, syllable);
  return found;
}

/** Whether readings are shown. */
export const isKnown = () => isEnglish() && Boolean(known);

/**
 * The words of a line in their order, {text, at, pinyin, means}: `at` is the first character's place from 0, `pinyin` has a
 * syllable for each character. `tones` has 平, 仄 or 中 for each place, as far as they are known.
 */
export function wordsOf(line, tones = "") {
  const characters = [...line];
  const found = [];
  let at = 0;
  for (const size of cut(characters)) {
    const text = characters.slice(at, at + size).join("");
    const pinyin = read(text, [...tones].slice(at, at + size));
    found.push({ text, at, pinyin, means: meaning(text, pinyin) });
    at += size;
  }
  return found;
}

/** How many characters each word of a line has. No word crosses a pause of a line of five or seven characters. */
function cut(characters) {
  const { length } = characters;
  const pauses = length === 5 ? [2] : length === 7 ? [2, 4] : [];
  const best = [{ cost: 0, sizes: [] }]; // for the line as far as each place
  for (let end = 1; end <= length; end++) {
    for (let start = Math.max(0, end - LONGEST); start < end; start++) {
      if (pauses.some((pause) => start < pause && pause < end)) continue;
      const text = characters.slice(start, end).join("");
      const rank = known.ranks.get(text);
      const isDoubled = end - start === 2 && characters[start] === characters[start + 1];
      if (rank === undefined && end - start > 1 && !isDoubled) continue;
      const own = rank === undefined ? ALONE : Math.log(rank + 2);
      const cost = best[start].cost + (isDoubled ? 0 : own); // 祝融融 is 祝 and 融融
      if (best[end] && best[end].cost <= cost) continue;
      best[end] = { cost, sizes: [...best[start].sizes, end - start] };
    }
  }
  return best[length].sizes;
}

/** The syllables of a word whose places have such tones. */
function read(text, tones) {
  const asWord = known.words[text]?.split(" ") ?? [];
  return [...text].map((character, at) => {
    const pair = known.tones[character] ?? [];
    const usual = asWord[at] ?? known.said.get(character) ?? "";
    const isOfPair = !asWord[at] || pair.includes(usual);
    const isWrong = LEVEL.test(usual) ? tones[at] === "仄" : tones[at] === "平";
    return pair.length && isOfPair && isWrong ? pair[tones[at] === "平" ? 0 : 1] : usual;
  });
}

/** A word's meaning by this project or CC-CEDICT, of a character first in this reading. */
function bestMeaning(text, pinyin) {
  const asRead = `${text} ${pinyin[0]}`;
  const { means, cedict } = known;
  return means[asRead] ?? means[text] ?? cedict[asRead] ?? cedict[text];
}

/** What a word means, a doubled character as one. */
function meaning(text, pinyin) {
  const [one, other] = text;
  const alone = one === other ? one : text;
  const found = bestMeaning(text, pinyin) ?? bestMeaning(alone, pinyin);
  return found ?? known.glosses[alone]?.split(";")[0] ?? "";
}

/** All meanings of a character, the best first, each once. */
export function meaningsOf(character) {
  const best = bestMeaning(character, read(character, [])) ?? "";
  const senses = known.glosses[character]?.split("; ") ?? [];
  const others = senses.filter((one) => !best.split(/[,;] /).includes(one));
  return [best, ...others].filter(Boolean).join("; ");
}

/** A line's syllables and its words' meanings, {pinyin, means}. */
export function saidOf(line, tones) {
  const words = wordsOf(line, tones);
  return {
    pinyin: words.flatMap((word) => word.pinyin).join(" "),
    means: words.map((word) => word.means || "…").join(" · "),
  };
}

/** A text's pinyin, "" but for readers of English. */
export const pinyin = (text) => (isKnown() ? saidOf(text).pinyin.trim() : "");

/** The same of its words' meanings. */
export const meansOf = (text) => (isKnown() ? saidOf(text).means : "");

/** The tones of a line as `look` knows them: what is not known is 中. */
export const tonesOf = (line, number, look) =>
  [...line].map((_, at) => look({ line: number, position: at + 1 }).tone ?? "中").join("");

/** Each word of a line over its pinyin and its meaning. `faces` are its characters as shown. */
export function glossedLine(line, tones, faces, language) {
  const shown = [...faces];
  const word = ({ text, at, pinyin, means }) =>
    el(
      "span.word",
      el("span.of", { lang: language }, shown.slice(at, at + [...text].length).join("")),
      el("span.pinyin", { lang: "zh-Latn" }, pinyin.join(" ")),
      el("span.means", means),
    );
  return wordsOf(line, tones).map(word);
}
