// A look inside: how surprised the model was, what may come next at each temperature, what its units do and which of them
// know something, how far back a gradient reaches. What is drawn is of this poem and place, or a word that it is coming.

import { PATIENCE, ask } from "./api.js";
import { bars, heat } from "./charts.js";
import { $, button, el } from "./dom.js";
import { cellAt } from "./poem.js";
import { bare, modelOf, sizeOf } from "./judged.js";
import { shown } from "./settings.js";
import { changed, entry, state } from "./state.js";
import { t, verseLanguage } from "./words.js";

const GATES = ["i", "f", "o", "candidate"];
const view = { layer: 1, unit: null }; // no unit: the one that knows most
const parts = {}; // of each route what was asked last, and its answer

/** Draw the look inside; what is seen of it stays where it is. */
export function drawInside() {
  const on = entry();
  if (!on || state.view !== "inside") return;
  const box = $("inside");
  const focused = box.contains(document.activeElement) ? document.activeElement.id : "";
  const { scrollX, scrollY } = window;
  const across = box.querySelector(".picture")?.scrollLeft ?? 0;
  box.replaceChildren(content(on));
  for (const picture of box.querySelectorAll(".picture")) picture.scrollLeft = across;
  window.scrollTo(scrollX, scrollY);
  if (focused) $(focused)?.focus({ preventScroll: true });
}

function change(changes) {
  Object.assign(view, changes);
  changed();
}

/** The answer of a route to a body, or null while it is on its way; what was asked of it before is called off. */
function part(path, body) {
  const key = JSON.stringify(body);
  if (parts[path]?.key !== key) fetchPart(path, body, key);
  return parts[path].found;
}

async function fetchPart(path, body, key) {
  parts[path]?.calling.abort();
  const asked = { key, found: null, calling: new AbortController() };
  parts[path] = asked;
  asked.found = await ask(path, body, asked.calling.signal).catch((error) => {
    setTimeout(() => (asked.key = ""), PATIENCE);
    return { problem: error.message };
  });
  if (parts[path] === asked) changed();
}

function content(on) {
  const place = state.place ?? { line: 1, position: 1 };
  const about = { poem: bare(on.now.poem), ...modelOf(on.now.poem) };
  const units = part("units", { ...about, layer: view.layer });
  const next = part("next", { ...about, ...place });
  const reached = part("reach", { ...about, layer: view.layer, ...place });
  const here = [...on.now.poem.lines[place.line - 1]][place.position - 1];
  const figures = [
    ready(next, (found) => nextFigure(found, here)),
    ready(units, surprise),
    ready(units, (found) => unitFigure(found, sizeOf(on.now.poem))),
    ready(reached && units && (units.problem ? units : reached), (found) => reach(units.tokens, found, here)),
  ];
  return el(
    "div.insides",
    { on: { mouseover: point, mouseleave: () => mark(null), click: choose, scroll: follow } },
    el("h2.unseen", t("inside")),
    el("p.hint", t("inside_how")),
    figures,
  );
}

/** A part of the look inside: drawn, or what went wrong, or that it is coming. */
function ready(found, draw) {
  if (found?.problem) return el("p.clash", { role: "status" }, found.problem);
  return found ? draw(found) : el("p.hint.coming", t("loading"));
}

/** The place of a token, null for a mark between lines and for the end. */
function placeOf(token) {
  const width = [...entry().now.poem.lines[0]].length;
  const [line, position] = [1 + Math.floor(token / (width + 1)), 1 + (token % (width + 1))];
  return position <= width && line <= entry().now.poem.lines.length ? { line, position } : null;
}

const tokenAt = ({ target }) => target.closest("[data-token]")?.dataset.token;

const point = (event) => mark(tokenAt(event) ?? null);

/** Show a character in every picture and in the poem. */
function mark(token) {
  for (const node of document.querySelectorAll("#inside .here, #sheet .here")) node.classList.remove("here");
  if (token === null) return;
  for (const node of document.querySelectorAll(`#inside [data-token="${token}"]`)) node.classList.add("here");
  const place = placeOf(Number(token));
  if (place) cellAt($("sheet"), place.line, place.position)?.classList.add("here");
}

/** A click chooses the character for all of the page. */
function choose(event) {
  const place = tokenAt(event) && placeOf(Number(tokenAt(event)));
  if (!place) return;
  state.place = place;
  changed();
}

/** Pictures are moved together. */
function follow({ target }) {
  for (const picture of document.querySelectorAll("#inside .axis")) picture.scrollLeft = target.scrollLeft;
}

const name = (token) => (token === "<eos>" ? t("end_token") : shown(token));

function surprise({ tokens, surprise: nats }) {
  const names = tokens.map(name);
  const mean = nats.reduce((sum, one) => sum + one, 0) / nats.length;
  const greatest = nats.indexOf(Math.max(...nats));
  return figure("surprise", {
    how: t("surprise_how"),
    summary: t("surprise_summary", names[greatest], nats[greatest].toFixed(1), mean.toFixed(1)),
    picture: bars(names, nats, { unit: t("nats") }),
    numbers: table(names, [[t("nats"), nats]]),
  });
}

function unitFigure(found, size) {
  const unit = Math.min(view.unit ?? found.known[0]?.unit ?? 1, found.units);
  const names = found.tokens.map(name);
  const of = (which) => valuesOf(found, which, unit);
  const rows = [
    ...GATES.map((gate) => [t(`gate_${gate}`), of(gate), gate === "candidate"]),
    [t("cell_row"), of("cell"), true],
    [t("hidden_row"), of("hidden"), true],
  ];
  const part = figure("gates", { how: t("gates_how"), picture: heat(names, rows), numbers: table(names, rows) });
  part.querySelector("h3").after(known(found, unit), which(size, unit));
  return part;
}

/** What a unit did over the tokens, from the packed numbers of all units, which are unpacked once. */
function valuesOf({ tokens, units, ...packed }, which, unit) {
  const of = packed[which];
  of.values ??= new Int16Array(bytes(of.numbers).buffer);
  return tokens.map((_, at) => of.scale * of.values[at * units + unit - 1]);
}

/** The bytes of a base64 text. A loop takes a tenth of the time of an iteration over a long text's characters. */
function bytes(base64) {
  const text = atob(base64);
  const found = new Uint8Array(text.length);
  for (let at = 0; at < found.length; at++) found[at] = text.charCodeAt(at);
  return found;
}

/** The units that were found to know something, in words. */
function known({ known: found }, unit) {
  if (!found.length) return null;
  const choice = ({ unit: each, knows, share }) =>
    button(t(`knows_${knows}`, each, share.toFixed(2)), () => change({ unit: each }), {
      id: `unit-${knows}-${each}`,
      "aria-pressed": String(each === unit),
    });
  return el("div.known", el("p.hint", t("known_how")), el("div.group", found.map(choice)));
}

/** Which unit of which layer is shown. */
function which({ layers, units }, unit) {
  const number = (id, value, most, changes) => {
    const given = (text) => Math.min(most, Math.max(1, Math.round(Number(text)) || 1));
    const on = { change: ({ target }) => change(changes(given(target.value))) };
    const input = el("input", { id, type: "number", min: 1, max: most, value, on });
    return el("span.pair", el("label", { for: id }, t(id)), input);
  };
  const layer = layers > 1 ? number("layer", view.layer, layers, (each) => ({ layer: each, unit: null })) : null;
  return el(
    "div.which",
    layer,
    number("unit", unit, units, (each) => ({ unit: each })),
  );
}

function reach(tokens, { reach: norms }, here) {
  const names = tokens.slice(0, norms.length).map(name);
  return figure("reach", {
    how: t("reach_how", shown(here)),
    summary: state.place ? "" : t("reach_choose"),
    picture: bars(names, norms, { unit: t("norm"), logarithmic: true }),
    numbers: table(names, [[t("norm"), norms]]),
  });
}

/** A picture with its title, how to read it, what it says, and its numbers as a table. */
function figure(title, { how, summary = "", picture, numbers }) {
  const scrolled = (label, more) => ({ class: `picture ${more}`, tabindex: 0, role: "region", "aria-label": label });
  return el(
    "section.figure",
    { id: `inside-${title}` },
    el("h3", t(title)),
    el("p.hint", how),
    el("div", { ...scrolled(t(title), "axis"), on: { scroll: follow } }, picture),
    summary ? el("p.summary", summary) : null,
    el("details", el("summary", t("as_table")), el("div", scrolled(`${t(title)} · ${t("as_table")}`, ""), numbers)),
  );
}

/** Numbers by name: a row for each name, a column for each [label, values]. */
function table(names, rows) {
  const head = (scope, text) => el("th", { scope }, text);
  const labels = rows.map(([label]) => head("col", label));
  const cells = (at) => rows.map(([, values]) => el("td", format(values[at])));
  const numbers = names.map((name, at) => el("tr", head("row", name), cells(at)));
  return el("table", el("thead", el("tr", head("col", t("character")), labels)), el("tbody", numbers));
}

const format = (value) => (Math.abs(value) < 0.001 && value ? value.toExponential(1) : value.toFixed(3));

// -- next --------------------------------------------------------
// What may come next at a place, and how temperature reshapes it: p = exp(ln p / T - ln Σ exp(ln p / T)), drawn as one drags.

let temperature = 0.8; // where the slider was left

/** The figure of a place where a character stands. */
export function nextFigure(found, here) {
  const steps = found.temperatures;
  const output = el("output", { for: "next-temperature" });
  const list = el("ol.next", { lang: verseLanguage() });
  const says = el("p.summary", { id: "next-says" });
  const draw = () => {
    output.textContent = temperature.toFixed(1);
    list.replaceChildren(...rows(found, here));
    says.textContent = t("next_says", choices(found));
  };
  const on = { input: ({ target }) => ((temperature = Number(target.value)), draw()) };
  const range = { type: "range", min: steps[0], max: steps.at(-1), step: 0.1, value: temperature };
  const slider = el("input", { id: "next-temperature", ...range, on });
  draw();
  return el(
    "section.figure",
    { id: "inside-next" },
    el("h3", t("next")),
    el("p.hint", t("next_how", shown(here))),
    el("span.pair", el("label", { for: "next-temperature" }, t("temperature")), slider, output),
    list,
    says,
  );
}

const at = ({ temperatures }) => temperatures.findIndex((one) => Math.abs(one - temperature) < 0.01);

function choices(found) {
  const count = found.choices[at(found)];
  return count < 10 ? count.toFixed(1) : String(Math.round(count));
}

function rows(found, here) {
  return found.characters.map(({ character, log_probability: ln }) => {
    const p = Math.exp(ln / temperature - found.log_sums[at(found)]);
    const bar = el("meter", { min: 0, max: 1, value: p, "aria-hidden": "true" });
    const said = [el("span.character", shown(character)), bar, el("small", `${(100 * p).toFixed(1)} %`)];
    return el(character === here ? "li.stands" : "li", said);
  });
}
