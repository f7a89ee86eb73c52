// Traditional text as the reader wants to see it. What is sent to the server is never converted.

import { settings } from "./settings.js";

let simplified = {};

const words = new Map(); // of each Simplified character those that it is written for

/** Take the table of /v1/script. */
export function learn(table) {
  simplified = table;
  for (const [traditional, written] of Object.entries(table))
    words.set(written, [...(words.get(written) ?? []), traditional]);
}

/** The Traditional characters that a Simplified one may stand for; none for a character of both scripts. */
export const traditionals = (character) => words.get(character) ?? [];

/** The text as it is shown. 乾 is 干 when it means dry, and stays in 乾坤. */
export function shown(text) {
  if (settings.script !== "simplified") return text;
  return text.replace(/乾坤|[^]/gu, (part) => (Object.hasOwn(simplified, part) ? simplified[part] : part));
}
