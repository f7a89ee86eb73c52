// A card of the poem: an SVG of outlines, which looks the same everywhere, and the PNG that is drawn from it.

import { svg } from "./dom.js";
import { outlines } from "./glyphs.js";
import { taken } from "./places.js";
import { isFoot, reasonAt } from "./reasons.js";
import { shown } from "./script.js";
import { keyOf } from "./state.js";
import { verseLanguage } from "./words.js";

const SIZE = 46; // of a character
const STEP = 54; // from a character to the next
const COLUMN = 84; // from a line to the next
const MARGIN = 96;
const BASELINE = 0.85; // of a character's size, from its top

export const PAPERS = {
  plain: { paper: "#f8f4ea", ink: "#211c16", faded: "#6b6053", red: "#a5301e", ruled: false },
  ruled: { paper: "#e9efe6", ink: "#1c2620", faded: "#56655a", red: "#9a2f1f", ruled: true },
  night: { paper: "#1b1a1e", ink: "#eee6d6", faded: "#a89f90", red: "#e98a74", ruled: false },
};

/** The card as an SVG file, on a paper of PAPERS; `marks` shows rhymes and acrostic. The serializer escapes all text. */
export async function svgFile(entry, paper, marks) {
  const drawing = card(entry, PAPERS[paper], marks, await outlines());
  return new Blob([new XMLSerializer().serializeToString(drawing)], { type: "image/svg+xml" });
}

/** The card as a PNG file, two pixels for one. */
export async function pngFile(entry, paper, marks) {
  const href = URL.createObjectURL(await svgFile(entry, paper, marks));
  try {
    const image = new Image();
    image.src = href;
    await image.decode();
    const [width, height] = [2 * image.naturalWidth, 2 * image.naturalHeight];
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    canvas.getContext("2d").drawImage(image, 0, 0, width, height);
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  } finally {
    URL.revokeObjectURL(href);
  }
}

function card(entry, look, marks, outline) {
  const { poem } = entry.now;
  const title = heading(poem);
  const columns = poem.lines.length + (title ? 1 : 0);
  const longest = Math.max(...poem.lines.map((line) => [...line].length), [...title].length * 0.62);
  const width = Math.round(2 * MARGIN + (columns - 1) * COLUMN + SIZE);
  const height = Math.round(2 * MARGIN + longest * STEP);
  const right = width - MARGIN - SIZE / 2;
  const head = title
    ? [column([...title], right, { size: SIZE * 0.6, step: STEP * 0.62, fill: () => look.faded }, outline)]
    : [];
  const fill = marks ? (line, position) => (isMarked(entry, line, position) ? look.red : look.ink) : () => look.ink;
  const lines = poem.lines.map((line, at) =>
    column(
      [...shown(line)],
      right - (at + head.length) * COLUMN,
      { size: SIZE, step: STEP, fill: (n) => fill(at + 1, n + 1) },
      outline,
    ),
  );
  return svg(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", lang: verseLanguage() },
    svg("title", {}, [title, poem.lines.map(shown).join("，")].filter(Boolean).join("　")),
    svg("rect", { width, height, fill: look.paper }),
    svg("rect", {
      x: 28,
      y: 28,
      width: width - 56,
      height: height - 56,
      fill: "none",
      stroke: look.faded,
      "stroke-opacity": 0.35,
    }),
    look.ruled ? rules(columns, right, height, look) : null,
    head,
    lines,
    seal(height, look, outline),
  );
}

/** A line between each column and the next, as on paper for letters. */
function rules(columns, right, height, { red }) {
  const between = Array.from({ length: columns + 1 }, (_, n) => right + (0.5 - n) * COLUMN);
  return between.map((x) => svg("line", { x1: x, x2: x, y1: 60, y2: height - 60, stroke: red, "stroke-opacity": 0.3 }));
}

/** Whether a place rhymes or holds a character of the acrostic. */
function isMarked(entry, line, position) {
  const {
    ask,
    now: { poem },
  } = entry;
  if (isFoot(poem, line, position, reasonAt(entry, line, position)?.rhyme_group)) return true;
  const { acrostic, acrostic_at } = ask;
  return (
    taken({ acrostic, acrostic_at }, [...poem.lines[0]].length).get(keyOf(line, position)) ===
    [...poem.lines[line - 1]][position - 1]
  );
}

/** A column of characters from the top margin down. */
function column(characters, x, { size, step, fill }, outline) {
  return svg(
    "g",
    {},
    characters.map((character, at) =>
      glyph(character, { x, y: MARGIN + at * step + size * BASELINE, size, fill: fill(at) }, outline),
    ),
  );
}

/** A character's outline; of one that the font has not, the character itself. */
function glyph(character, { x, y, size, fill }, outline) {
  const d = outline(character);
  if (d === null)
    return svg("text", { x, y, "font-size": size, "font-family": "serif", "text-anchor": "middle", fill }, character);
  return svg("path", {
    d,
    transform: `translate(${x - size / 2} ${y}) scale(${size})`,
    fill,
    "data-character": character,
  });
}

function heading({ title, poet }) {
  return [title && shown(title), poet && shown(`擬${poet}`)].filter(Boolean).join("　");
}

function seal(height, { red, paper }, outline) {
  const box = svg("rect", { x: 46, y: height - 98, width: 28, height: 52, rx: 3, fill: red });
  const glyphs = [..."平仄"].map((character, at) =>
    glyph(character, { x: 60, y: height - 76 + at * 23, size: 21, fill: paper }, outline),
  );
  return svg("g", {}, box, glyphs);
}
