// Numbers over the characters of a poem as pictures: bars, and rows of heat. All share one axis: a column of every
// picture is a character of the poem, and carries its number as `data-token`. Each square and bar names itself.

import { svg } from "./dom.js";
import { verseLanguage } from "./words.js";

const STEP = 20; // from a character to the next
const LEFT = 92; // where the first one stands
const TALL = 110;
const SQUARE = 20;
const NAMES = 24; // below a picture

/** A bar for each value; on a logarithmic scale a line for each power of ten. */
export function bars(names, values, { unit, logarithmic = false }) {
  const scale = logarithmic ? logScale(values) : linearScale(values);
  const drawn = values.map((value, at) => {
    const tall = TALL * scale.of(value);
    const bar = { x: LEFT + at * STEP + 3, y: 8 + TALL - tall, width: STEP - 6, height: tall };
    const named = svg("title", `${names[at]} ${value.toPrecision(2)} ${unit}`);
    return svg("g", { "data-token": at }, named, svg("rect.bar", bar));
  });
  const ticks = scale.ticks.map(([value, text]) => tick(value, text, names.length, scale));
  return picture(names, TALL + 14, unit, ticks, drawn);
}

/** A row of squares for each [name, values, signed]. */
export function heat(names, rows) {
  const label = rows.map(([name]) => name).join(", ");
  const drawn = rows.map(([name, values, signed], at) => heatRow(names, name, values, signed, at * (SQUARE + 4)));
  return picture(names, rows.length * (SQUARE + 4), label, [], drawn);
}

/** A picture with a column for each name: what lies below and above, the names, and what a mouse or a finger meets. */
function picture(names, height, label, below, above) {
  const width = LEFT + names.length * STEP + 4;
  const columns = names.map((_, at) =>
    svg("rect.column", { "data-token": at, x: LEFT + at * STEP, y: 0, width: STEP, height: height + NAMES }),
  );
  const under = names.map((name, at) =>
    svg("text.name", { "data-token": at, x: LEFT + (at + 0.5) * STEP, y: height + 16, "text-anchor": "middle" }, name),
  );
  return svg(
    "svg.chart",
    { width, height: height + NAMES, role: "img", "aria-label": label, lang: verseLanguage() },
    columns,
    below,
    above,
    under,
  );
}

function tick(value, text, count, scale) {
  const y = 8 + TALL * (1 - scale.of(value));
  return svg(
    "g",
    { "aria-hidden": "true" },
    svg("line.tick", { x1: LEFT, x2: LEFT + count * STEP, y1: y, y2: y }),
    svg("text.tick-name", { x: LEFT - 8, y: y + 4, "text-anchor": "end" }, text),
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
  const ticks = all
    .filter((power) => (power - bottom) % Math.ceil(all.length / 6) === 0)
    .map((power) => [10 ** power, `1e${power}`]);
  return { of, ticks };
}

function heatRow(names, label, values, signed, y) {
  const most = signed ? Math.max(1, ...values.map(Math.abs)) : 1;
  const squares = values.map((value, at) => {
    const inked = { "data-token": at, "fill-opacity": (Math.abs(value) / most).toFixed(3) };
    const square = { x: LEFT + at * SQUARE, y, width: SQUARE - 1, height: SQUARE };
    const named = svg("title", `${label} ${names[at]} ${value.toFixed(3)}`);
    return svg(signed ? (value < 0 ? "rect.cold" : "rect.warm") : "rect.open", { ...inked, ...square }, named);
  });
  const frame = { x: LEFT - 0.5, y: y - 0.5, width: names.length * SQUARE, height: SQUARE + 1 };
  const named = svg("text.row-name", { x: LEFT - 8, y: y + 15, "text-anchor": "end" }, label);
  return svg("g", named, svg("rect.frame", frame), squares);
}
