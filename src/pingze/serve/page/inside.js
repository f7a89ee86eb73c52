// A look inside: how surprised the model was, what a unit's gates did, how far back a gradient reaches.

import { ask } from "./api.js";
import { bars, heat } from "./charts.js";
import { $, button, el } from "./dom.js";
import { bare, modelOf, sizeOf } from "./reasons.js";
import { shown } from "./script.js";
import { changed, entry, state } from "./state.js";
import { t } from "./words.js";

const view = { open: false, layer: 1, unit: 1 };
const GATES = ["i", "f", "o", "candidate"];
let answer = { key: "", found: null };

export function drawInside() {
  const on = entry();
  const box = $("inside");
  box.hidden = !on;
  if (!on) return;
  const toggle = button(t("inside_see"), () => change({ open: !view.open }), { "aria-expanded": String(view.open), id: "see-inside" });
  const focused = box.contains(document.activeElement) ? document.activeElement.id : "";
  const { scrollX, scrollY } = window;
  box.replaceChildren(el("h2", {}, toggle));
  if (view.open) box.append(content(on));
  if (focused) $(focused)?.focus({ preventScroll: true });
  window.scrollTo(scrollX, scrollY);
}

function change(changes) {
  Object.assign(view, changes);
  changed();
}

function content(on) {
  const place = state.place ?? { line: on.now.poem.lines.length, position: [...on.now.poem.lines.at(-1)].length };
  const body = { poem: bare(on.now.poem), layer: view.layer, unit: view.unit, ...place, ...modelOf(on.now.poem) };
  const key = JSON.stringify(body);
  if (key !== answer.key) fetchFor(body, key);
  const { found } = answer;
  if (found?.problem) return el("p", { class: "clash", role: "status" }, found.problem);
  if (!found) return el("p", { class: "hint" }, t("loading"));
  return el("div", { class: "insides" }, surprise(found), units(found, sizeOf(on.now.poem)), reach(found, on, place));
}

/** Ask; what is drawn stays until the new answer is here. */
async function fetchFor(body, key) {
  answer = { key, found: answer.found?.problem ? null : answer.found };
  const found = await ask("inside", body).catch((error) => ({ problem: error.message }));
  if (answer.key !== key) return;
  answer = { key, found };
  changed();
}

const name = (token) => (token === "<eos>" ? t("end_token") : shown(token));

function surprise({ tokens, surprise: nats }) {
  const names = tokens.map(name);
  const mean = nats.reduce((sum, one) => sum + one, 0) / nats.length;
  const greatest = nats.indexOf(Math.max(...nats));
  return figure(
    "surprise",
    t("surprise_how"),
    t("surprise_summary", names[greatest], nats[greatest].toFixed(1), mean.toFixed(1)),
    bars(names, nats, { unit: t("nats") }),
    table(names, [[t("nats"), nats]]),
  );
}

function units(found, size) {
  const names = found.tokens.map(name);
  const rows = [
    ...GATES.map((gate) => [t(`gate_${gate}`), found.gates[gate], gate === "candidate"]),
    [t("cell_row"), found.cell, true],
    [t("hidden_row"), found.hidden, true],
  ];
  const part = figure("gates", t("gates_how"), "", heat(names, rows), table(names, rows));
  part.querySelector("h3").after(which(size));
  return part;
}

/** Which unit of which layer is shown. */
function which({ layers, units }) {
  const number = (id, most) =>
    el("span", { class: "pair" },
      el("label", { for: id }, t(id)),
      el("input", {
        id, type: "number", min: 1, max: most, value: view[id],
        on: { change: ({ target }) => change({ [id]: Math.min(most, Math.max(1, Math.round(Number(target.value)) || 1)) }) },
      }));
  const other = () => change({ unit: 1 + Math.floor(Math.random() * units) });
  return el("div", { class: "which" }, layers > 1 ? number("layer", layers) : null, number("unit", units), button(t("another_unit"), other, { id: "another-unit" }));
}

function reach({ tokens, reach: norms }, on, { line, position }) {
  const names = tokens.slice(0, norms.length).map(name);
  const here = shown([...on.now.poem.lines[line - 1]][position - 1]);
  const hint = state.place ? "" : t("reach_choose");
  return figure(
    "reach",
    t("reach_how", here),
    hint,
    bars(names, norms, { unit: t("norm"), logarithmic: true }),
    table(names, [[t("norm"), norms]]),
  );
}

function figure(title, how, summary, picture, numbers) {
  return el(
    "section",
    { class: "figure", id: `inside-${title}` },
    el("h3", {}, t(title)),
    el("p", { class: "hint" }, how),
    el("div", { class: "picture", tabindex: 0, role: "region", "aria-label": t(title) }, picture),
    summary ? el("p", { class: "summary" }, summary) : null,
    el("details", {}, el("summary", {}, t("as_table")), el("div", { class: "picture", tabindex: 0, role: "region", "aria-label": `${t(title)} · ${t("as_table")}` }, numbers)),
  );
}

function table(names, rows) {
  const cells = (at) => rows.map(([, values]) => el("td", {}, format(values[at])));
  return el(
    "table",
    {},
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, t("character")), rows.map(([label]) => el("th", { scope: "col" }, label)))),
    el("tbody", {}, names.map((label, at) => el("tr", {}, el("th", { scope: "row" }, label), cells(at)))),
  );
}

const format = (value) => (Math.abs(value) < 0.001 && value ? value.toExponential(1) : value.toFixed(3));
