// How characters are said in modern Mandarin, for readers of English. The table is fetched once, when it is first needed.

import { settings } from "./settings.js";
import { changed } from "./state.js";

let said = null; // by character

/** A character's pinyin, where the reader reads English and the table knows it. */
export function pinyin(character) {
  if (settings.language !== "en") return null;
  if (!said) learnSaid();
  return said.get(character) ?? null;
}

async function learnSaid() {
  said = new Map();
  const table = await fetch("/page/pinyin.json")
    .then((response) => response.json())
    .catch(() => ({}));
  for (const [syllable, characters] of Object.entries(table))
    for (const character of characters) said.set(character, syllable);
  changed();
}
