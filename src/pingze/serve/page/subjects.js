// English subjects, read as the characters of a small table, the longest phrase first. An occasion, as a wedding, brings its
// own subject, its mood, and the characters and words that have no place at it.

import { table } from "./words.js";

const PLACED =
  /(?<!\b(?:think|thinking|dream|dreaming|end|rest)) (?:on|of|in|over|at|by|under|above|beside|upon) (?:the |an? )?/; // snow on a river: 江雪
const WORDS = /[a-z0-9]+|[^a-z0-9\s]+/g;
const WHOSE = "(?:the|an?|my|his|her|our|your|their) ";
const KIN =
  "(?:(?:grand|step)?(?:mother|father|mom|mum|dad|parents?|son|daughter|ma|pa)|wife|husband|brother|sister|child|baby|friend|aunt|uncle|dog|cat)";
const REPHRASED = [
  [/\bturn(?:s|ed|ing)? (?:\d+|(?:twen|thir|for|fif|six|seven|eigh|nine)ty)\b/g, "birthday"], // my mother turns 60
  [new RegExp(`\\b(?:lost|losing) ${WHOSE}(?=${KIN}\\b)`, "g"), "death of "], // he lost his father
  [new RegExp(`\\bfail(?:s|ed|ing)? (?:${WHOSE})?exam(?:ination)?s?\\b`, "g"), "failed exam"],
]; // what is said with words between, as the table has it
const THINGS =
  "月日星雲風雨雪冰霜露霧煙雷電虹影山峰崖洞石谷江溪湖海池潭泉瀑波潮岸洲沙田林園徑路橋花梅桃杏梨櫻蘭蓮菊牡薔柳竹松柏楓樹葉草苔蘆果稻" +
  "茶酒鳥雁鶴燕鶯鵑烏鷗鴨鷺鷹鳳龍虎馬牛羊犬貓鹿猿魚蟬蛩螢蝶蜂蟲雞兔鵠梟蛙龜蛇狐狼蛛鵲雀鸚藤芭枝絮母父妻孫僧漁樵農兵仙村城宮寺樓亭門" +
  "窗庭牆廬舟船帆車燈燭火鏡劍弓書詩歌笛琴琶鼓鐘筆墨畫棋絲扇玉金銀珠夢淚瓦階床枕簾杯塔港渠鳶"; // what a draft either names or leaves out
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
  const asked = { occasion: "", mood: "", exclude: "", exclude_words: "" };
  const read = { found: [], pairs: [], unknown: [], ...asked };
  if (!english) return read;
  const isDenied = typed
    .toLowerCase()
    .match(/[a-z]+/g)
    .some((word) => NOT.test(word));
  let said = typed.toLowerCase().replace(/['’]/g, " "); // mother's day
  for (const [pattern, phrase] of REPHRASED) said = said.replace(pattern, phrase);
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
      const kept = griefOf(means);
      read.pairs.push(`not ${phrase} → −${kept}`);
      read.exclude += kept;
      isNot = false;
    } else {
      if (means) read.pairs.push(`${phrase} → ${means}`);
      if (means === undefined && /[a-z0-9]/.test(phrase)) read.unknown.push(phrase);
      read.found.push(means ?? phrase.replace(/[^\p{Script=Han}]/gu, ""));
    }
  }
  return asOccasion(read);
}

/** The grief that an occasion of grief is about, as 死 of 思故人; of another text the text. */
function griefOf(means) {
  const found = occasions.find(([, { titles }]) => titles.includes(means));
  return found?.[1].grief ?? means;
}

/** The things that an English subject names and no draft does, as 貓 (cat); what an occasion is about counts as named. */
export function unnamed(subject, drafts) {
  const { pairs = [], occasion } = inChinese(subject ?? "") ?? {};
  if (occasion) return [];
  const verse = drafts.flatMap(({ lines }) => lines).join("");
  const missing = [];
  for (const [phrase, means] of pairs.map((pair) => pair.split(" → "))) {
    const things = [...means].filter((one) => THINGS.includes(one));
    const isNamed = means.startsWith("−") || things.some((one) => verse.includes(one));
    if (things.length && !isNamed) missing.push(`${means} (${phrase})`);
  }
  return missing;
}

/**
 * Whether nothing of an English subject is known.
 * @param {any} chosen
 */
export const isUnread = ({ heading, title }) =>
  isLearnt() && heading && !title && !inChinese(heading)?.exclude;

/** Choices as the occasion of their heading has them: the reader's own mood stays. */
export function atOccasion(chosen) {
  const { mood, exclude, exclude_words } = inChinese(chosen.heading ?? "") ?? {};
  if (!mood && !exclude) return chosen;
  const all = [...new Set((chosen.exclude ?? "") + exclude)].join("");
  const words = exclude_words && { exclude_words };
  return { ...chosen, exclude: all, ...words, ...(mood && { mood: chosen.mood ?? mood }) };
}

/** The same without what the occasion set. */
export function withoutOccasion(chosen) {
  const { mood, exclude } = inChinese(chosen.heading ?? "") ?? {};
  const own = [...(chosen.exclude ?? "")].filter((one) => !exclude?.includes(one)).join("");
  return {
    ...chosen,
    exclude: own,
    exclude_words: "",
    mood: chosen.mood === mood ? "" : chosen.mood,
  };
}

/** What was read, where it names an occasion with the occasion's subject alone; grief that is denied is an occasion of joy. */
function asOccasion(read) {
  for (const [occasion, { titles, mood, exclude, exclude_words = "", denied = "" }] of occasions) {
    const title = read.found.find((each) => titles.includes(each));
    const isDenied = [...read.exclude].some((one) => denied.includes(one));
    const asked = { occasion, mood, exclude: exclude + read.exclude, exclude_words };
    if (isDenied) return { ...read, ...asked };
    if (!title) continue;
    const pairs = read.pairs.filter((pair) => pair.endsWith(` ${title}`));
    return { ...read, ...asked, found: [title], pairs };
  }
  return read;
}
