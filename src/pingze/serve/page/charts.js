// Numbers over the characters of a poem as pictures: bars, and rows of heat. Each square and bar names itself.

import { svg } from "./dom.js";
import { verseLanguage } from "./words.js";

const STEP = 20; // from a character to the next
const TALL = 120;
const LEFT = 34;
const NAMES = 92; // room for the names of rows
const SQUARE = 20;

/** A bar for each value; on a logarithmic scale a line for each power of ten. */
export function bars(names, values, { unit, logarithmic = false }) {
  const scale = logarithmic ? logScale(values) : linearScale(values);
  const width = LEFT + names.length * STEP + 4;
  const lines = scale.ticks.map(([value, text]) => tick(value, text, width, scale));
  const columns = names.map((name, at) => {
    const tall = TALL * scale.of(values[at]);
    const x = LEFT + at * STEP;
    const said = svg("title", {}, `${name} ${values[at].toPrecision(2)} ${unit}`);
    return svg("g", {}, said, svg("rect", { class: "bar", x: x + 3, y: 8 + TALL - tall, width: STEP - 6, height: tall }), under(name, x));
  });
  return svg("svg", { class: "chart", width, height: TALL + 38, role: "img", "aria-label": unit, lang: verseLanguage() }, lines, columns);
}

function under(name, x) {
  return svg("text", { class: "name", x: x + STEP / 2, y: TALL + 28, "text-anchor": "middle" }, name);
}

function tick(value, text, width, scale) {
  const y = 8 + TALL * (1 - scale.of(value));
  return svg(
    "g",
    { "aria-hidden": "true" },
    svg("line", { class: "tick", x1: LEFT, x2: width, y1: y, y2: y }),
    svg("text", { class: "tick-name", x: LEFT - 5, y: y + 4, "text-anchor": "end" }, text),
  );
}

function linearScale(values) {
  const most = Math.max(1, ...values);
  const apart = most > 8 ? 4 : 1;
  const ticks = Array.from({ length: Math.floor(most / apart) + 1 }, (_, n) => [n * apart, String(n * apart)]);
  return { of: (value) => Math.max(0, value) / most, ticks };
}

/** From the power of ten under the least value, or ten powers below the greatest, up to the greatest. */
function logScale(values) {
  const powers = values.filter((value) => value > 0).map(Math.log10);
  const top = Math.ceil(Math.max(...powers, 0));
  const bottom = Math.max(Math.floor(Math.min(...powers, top - 1)), top - 10);
  const of = (value) => (value > 0 ? Math.max(0, (Math.log10(value) - bottom) / (top - bottom)) : 0);
  const all = Array.from({ length: top - bottom + 1 }, (_, n) => bottom + n);
  const ticks = all.filter((power) => (power - bottom) % Math.ceil(all.length / 6) === 0).map((power) => [10 ** power, `1e${power}`]);
  return { of, ticks };
}

/** A row of squares for each [name, values, signed]. */
export function heat(names, rows) {
  const width = NAMES + names.length * SQUARE + 4;
  const height = rows.length * (SQUARE + 4) + 26;
  const drawn = rows.map(([label, values, signed], at) => heatRow(names, label, values, signed, at * (SQUARE + 4)));
  const below = names.map((name, at) =>
    svg("text", { class: "name", x: NAMES + (at + 0.5) * SQUARE, y: height - 6, "text-anchor": "middle" }, name));
  return svg("svg", { class: "chart", width, height, role: "img", "aria-label": rows.map(([label]) => label).join(", "), lang: verseLanguage() }, drawn, below);
}

function heatRow(names, label, values, signed, y) {
  const most = signed ? Math.max(1, ...values.map(Math.abs)) : 1;
  const squares = values.map((value, at) =>
    svg(
      "rect",
      {
        class: signed ? (value < 0 ? "cold" : "warm") : "open",
        x: NAMES + at * SQUARE,
        y,
        width: SQUARE - 1,
        height: SQUARE,
        "fill-opacity": (Math.abs(value) / most).toFixed(3),
      },
      svg("title", {}, `${label} ${names[at]} ${value.toFixed(3)}`),
    ));
  const frame = svg("rect", { class: "frame", x: NAMES - 0.5, y: y - 0.5, width: names.length * SQUARE, height: SQUARE + 1 });
  return svg("g", {}, svg("text", { class: "row-name", x: NAMES - 8, y: y + 15, "text-anchor": "end" }, label), frame, squares);
}
