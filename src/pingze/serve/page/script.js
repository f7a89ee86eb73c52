// Traditional text comes in, what the reader wants to see goes out. What is sent to the server is never converted.

import { settings } from "./settings.js";

let simplified = {};

/** Take the table of /v1/script. */
export const learn = (table) => (simplified = table);

/** The text as it is shown. 乾 is 干 when it means dry, and stays in 乾坤. */
export function shown(text) {
  if (settings.script !== "simplified") return text;
  return text.replace(/乾坤|[^]/gu, (part) => (Object.hasOwn(simplified, part) ? simplified[part] : part));
}
