// A poem as a person writes it down, and where it stands in a text.

import { shown } from "./script.js";

/** Title, then a couplet a row, with marks. */
export function textOf({ title, lines }) {
  const marked = lines.map((line, at) => shown(line) + (at % 2 ? "。" : "，"));
  const rows = marked.flatMap((_, at) => (at % 2 ? [] : [marked.slice(at, at + 2).join("")]));
  return [...(title ? [shown(title), ""] : []), ...rows].join("\n");
}

const REMARK = /\([^()\n]*\)|（[^（）\n]*）|\[[^[\]\n]*\]|〔[^〔〕\n]*〕|［[^［］\n]*］/g; // the server leaves it out

/**
 * For each poem, given as its lines, where its characters stand among those of the text; null where it is not found.
 * They follow one another with at most marks and remarks between, so that no title is taken for the line it begins like.
 */
export function placesOf(text, poems) {
  const blanked = text.replace(REMARK, (remark) => " ".repeat([...remark].length));
  const written = [...blanked]
    .map((character, place) => ({ character: character.normalize(), place }))
    .filter(({ character }) => /[\p{Script=Han}□]/u.test(character));
  written.forEach((one, at) => {
    if (at && "々〻".includes(one.character)) one.character = written[at - 1].character;
  });
  let end = 0;
  return poems.map((lines) => {
    const poem = [...lines.join("")];
    const stands = (_, at) => at >= end && poem.every((character, n) => written[at + n]?.character === character);
    const start = written.findIndex(stands);
    if (start < 0) return null;
    end = start + poem.length;
    return written.slice(start, end).map(({ place }) => place);
  });
}
