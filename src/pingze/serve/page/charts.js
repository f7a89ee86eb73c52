// Numbers over the characters of a poem as tables that are drawn as pictures: a column for each character, which carries its
// number as `data-token`, and a row of bars or of squares. The style sheet draws a cell by its share of the scale.

import { el } from "./dom.js";
import { verseLanguage } from "./words.js";

/** A bar for each value beside a scale, which is in powers of ten where it is logarithmic. */
export function bars(names, unit, values, logarithmic = false) {
  const { ticks, share } = scaleOf(values, logarithmic);
  const labels = ticks.map((tick) => el("span", tick));
  const scale = el("span.scale", { "aria-hidden": "true" }, labels);
  const head = el("th", { scope: "row" }, el("span.unseen", unit), scale);
  const cells = values.map((value, at) => cell("bar", names[at], at, unit, value, share(value)));
  return table(names, [el("tr", { "--step": 1 / (ticks.length - 1) }, head, cells)]);
}

/** A row of squares for each [label, values, signed]. */
export function heat(names, rows) {
  const row = ([label, values, signed]) => {
    const most = signed ? Math.max(1, ...values.map(Math.abs)) : 1;
    const kind = (value) => (signed ? (value < 0 ? "cold" : "warm") : "open");
    const square = (value, at) =>
      cell(kind(value), names[at], at, label, value, Math.abs(value) / most);
    return el("tr", el("th", { scope: "row" }, label), values.map(square));
  };
  return table(names, rows.map(row));
}

function table(names, rows) {
  const head = names.map((name, at) => el("th", { scope: "col", "data-token": at }, name));
  return el(
    "table.chart",
    { lang: verseLanguage() },
    el("thead", el("tr", el("td"), head)),
    el("tbody", rows),
  );
}

function cell(kind, name, token, label, value, share) {
  const number = Math.abs(value) < 0.001 && value ? value.toExponential(1) : value.toFixed(3);
  const shows = {
    "data-token": token,
    title: `${label} ${name} ${number}`,
    "--share": share.toFixed(3),
  };
  return el(`td.${kind}`, shows, el("span", number));
}

/** The ticks from the top to the bottom of a scale, and how far up a value reaches; ten powers of ten are shown at most. */
function scaleOf(values, logarithmic) {
  const place = (value) => (logarithmic ? Math.log10(value) : value);
  const places = values.map(place).filter(Number.isFinite);
  const most = Math.max(...places, logarithmic ? 0 : 1);
  const apart = most > 8 ? 4 : 1;
  const top = Math.ceil(most / apart) * apart;
  const bottom = logarithmic ? Math.max(Math.floor(Math.min(...places, top - 1)), top - 10) : 0;
  const count = (top - bottom) / apart + 1;
  const ticks = Array.from(
    { length: count },
    (_, n) => (logarithmic ? "1e" : "") + (top - n * apart),
  );
  return { ticks, share: (value) => Math.max(0, (place(value) - bottom) / (top - bottom)) };
}
