// Where the choices fix a character.

import { BLANK, keyOf, onlyHan, placesOf, widthsOf } from "./shape.js";

/** The characters that the opening and the acrostic fix, by the key of their place. */
export function taken({ start, acrostic, acrostic_at }, lines) {
  const widths = widthsOf(lines);
  const places = placesOf(widths);
  const at = (width) => ({ middle: (width + 1) >> 1, end: width })[acrostic_at] ?? 1;
  const opening = onlyHan(start).slice(0, places.length);
  const words = [...(acrostic ?? "")]
    .filter((one) => "＿_□".includes(one) || onlyHan(one).length)
    .slice(0, widths.length);
  /** @type {any[]} */
  const first = opening.map((character, n) => [keyOf(places[n]), character]);
  const heads = words.map((character, n) => [
    keyOf({ line: n + 1, position: at(widths[n]) }),
    character,
  ]);
  return new Map([...first, ...heads.filter(([, one]) => onlyHan(one).length)]);
}

/** The characters that the pattern of an older link fixes, by the key of their place. */
function placed(pattern) {
  const blocks = (pattern ?? "").split(/\s+/).map((block) => [...block]);
  const all = blocks.flatMap((block, at) =>
    block.map((character, n) => [keyOf({ line: at + 1, position: n + 1 }), character]),
  );
  return new Map(all.filter(([, character]) => character !== BLANK));
}

/** The keys of every place that the choices fix. */
export const fixed = (ask, lines) => [...taken(ask, lines).keys(), ...placed(ask.pattern).keys()];
