// Where the choices fix a character.

import { keyOf, state } from "./state.js";

export const FREE = "＿";

/** The characters of a text that are placed, as the server reads it: no spaces and no marks. */
export const onlyHan = (text) => [...(text ?? "")].filter((character) => /\p{Script=Han}/u.test(character));

/** The characters that the opening and the acrostic fix, by the key of their place. */
export function taken(ask, width) {
  const places = new Map();
  const { acrostic_positions: positions } = state.known.forms.find((form) => form.width === width);
  const at = positions[ask.acrostic_at ?? "head"];
  onlyHan(ask.start).forEach((c, n) => places.set(keyOf(Math.floor(n / width) + 1, (n % width) + 1), c));
  onlyHan(ask.acrostic).forEach((c, n) => places.set(keyOf(n + 1, at), c));
  return places;
}

/** The keys of every place that the choices fix, the pattern's too. */
export function fixed(ask, width) {
  const keys = [...taken(ask, width).keys()];
  (ask.pattern ?? "")
    .split(/\s+/)
    .forEach((block, line) => [...block].forEach((c, at) => c !== FREE && keys.push(keyOf(line + 1, at + 1))));
  return keys;
}

/** A pattern as the server reads it, from the characters at places; null where there is none. */
export function patternOf(characters, width, lines) {
  if (!characters.size) return null;
  const places = (count) => Array.from({ length: count }, (_, at) => at + 1);
  const block = (line) =>
    places(width)
      .map((position) => characters.get(keyOf(line, position)) ?? FREE)
      .join("");
  return places(lines).map(block).join(" ");
}
