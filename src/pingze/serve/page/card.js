// A card of the poem: an SVG that every program can show, character by character, and the PNG that is drawn from it.

import { svg } from "./dom.js";
import { shown } from "./script.js";
import { t, verseLanguage } from "./words.js";

const SIZE = 44; // of a character
const STEP = 54; // from a character to the next
const COLUMN = 84; // from a line to the next
const MARGIN = 96;
const PAPER = "#f8f4ea";
const INK = "#211c16";
const FADED = "#6b6053";
const RED = "#a5301e";
const FONT = "'Noto Serif CJK TC', 'Source Han Serif TC', 'Songti TC', serif";
const FONT_SIMPLIFIED = "'Noto Serif CJK SC', 'Source Han Serif SC', 'Songti SC', serif";

/** The card as an SVG file. The serializer escapes all text. */
export function svgText(entry) {
  const text = new XMLSerializer().serializeToString(card(entry.now.poem));
  return new Blob([text], { type: "image/svg+xml" });
}

/** The card as a PNG file, two pixels for one. */
export async function png(entry) {
  const drawing = card(entry.now.poem);
  const [width, height] = ["width", "height"].map((name) => 2 * Number(drawing.getAttribute(name)));
  const href = URL.createObjectURL(svgText(entry));
  try {
    const image = new Image(width, height);
    image.src = href;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    canvas.getContext("2d").drawImage(image, 0, 0, width, height);
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  } finally {
    URL.revokeObjectURL(href);
  }
}

function card(poem) {
  const columns = poem.lines.length + (poem.title || poem.poet ? 1 : 0);
  const longest = Math.max(...poem.lines.map((line) => line.length), heading(poem).length * 0.62);
  const width = 2 * MARGIN + (columns - 1) * COLUMN + SIZE;
  const height = 2 * MARGIN + longest * STEP;
  const lang = verseLanguage();
  return svg(
    "svg",
    {
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      "font-family": lang === "zh-Hans" ? FONT_SIMPLIFIED : FONT,
      "text-anchor": "middle",
      role: "img",
      "aria-label": poem.lines.map(shown).join("，"),
      lang,
    },
    svg("rect", { width, height, fill: PAPER }),
    svg("rect", { x: 28, y: 28, width: width - 56, height: height - 56, fill: "none", stroke: FADED, "stroke-opacity": 0.35 }),
    columnsOf(poem, width),
    seal(height),
  );
}

function columnsOf(poem, width) {
  const title = heading(poem);
  const right = width - MARGIN - SIZE / 2;
  const first = title ? [column(title, right, { size: SIZE * 0.6, step: STEP * 0.62, fill: FADED })] : [];
  const lines = poem.lines.map((line, at) => column(shown(line), right - (at + first.length) * COLUMN, { size: SIZE, step: STEP, fill: INK }));
  return [...first, ...lines];
}

/** A column of characters from the top margin down. */
function column(text, x, { size, step, fill }) {
  const glyphs = [...text].map((character, at) =>
    svg("text", { x, y: MARGIN + at * step + size * 0.88, "font-size": size, fill }, character));
  return svg("g", {}, glyphs);
}

function heading({ title, poet }) {
  return [title && shown(title), poet && t("by_manner", shown(poet))].filter(Boolean).join("　");
}

function seal(height) {
  const box = svg("rect", { x: 46, y: height - 46 - 52, width: 28, height: 52, rx: 3, fill: RED });
  const glyphs = [..."平仄"].map((character, at) =>
    svg("text", { x: 60, y: height - 98 + 22 + at * 23, "font-size": 20, fill: PAPER }, character));
  return svg("g", {}, box, glyphs);
}
