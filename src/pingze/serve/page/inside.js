// A look inside: how surprised the model was, what may come next at each temperature, what its units do and which of them
// know something, how far back a gradient reaches. What is drawn is of this poem and place, or a word that it is coming.

import { bars, heat } from "./charts.js";
import { $, button, el } from "./dom.js";
import { bare, modelOf, recall, sizeOf } from "./verdict.js";
import { shown } from "./settings.js";
import { cellAt, charAt, COUPLET, isFull, placesOf, widthsOf } from "./shape.js";
import { changed, entry, state } from "./state.js";
import { t, verseLanguage } from "./words.js";

const GATES = ["i", "f", "o", "candidate"];
const view = { layer: 1, unit: null }; // no unit: the one that knows most

/** Draw the look inside; what is seen of it stays where it is. */
export function drawInside() {
  const on = entry();
  if (state.view !== "inside") return;
  const box = $("inside");
  const focused = box.contains(document.activeElement) ? document.activeElement.id : "";
  const { scrollX, scrollY } = window;
  const across = box.querySelector(".picture")?.scrollLeft ?? 0;
  const { form, lines } = on.now.poem;
  const isWhole = form && form !== COUPLET && isFull(lines);
  box.replaceChildren(isWhole ? content(on) : el("p.hint", t("inside_not")));
  for (const picture of box.querySelectorAll(".picture")) picture.scrollLeft = across;
  window.scrollTo(scrollX, scrollY);
  if (focused) $(focused)?.focus({ preventScroll: true });
}

function change(changes) {
  Object.assign(view, changes);
  changed();
}

function content({ now: { poem } }) {
  const place = state.place ?? { line: 1, position: 1 };
  const about = { poem: bare(poem), ...modelOf(poem) };
  const units = recall("units", { ...about, layer: view.layer }, true);
  const next = recall("next", { ...about, ...place }, true);
  const reached = recall("reach", { ...about, layer: view.layer, ...place }, true);
  const here = charAt(poem.lines, place);
  const figures = [
    ready(next, (found) => nextFigure(found, here)),
    ready(units, surprise),
    ready(units, (found) => unitFigure(found, sizeOf(poem))),
    ready(reached && units && (units.problem ? units : reached), (found) =>
      reach(units.tokens, found, here),
    ),
  ];
  const toggle = ({ target }) => $("inside").classList.toggle("numbered", target.checked);
  const isNumbered = $("inside").classList.contains("numbered");
  const numbers = el("input", {
    id: "numbers",
    type: "checkbox",
    checked: isNumbered,
    on: { change: toggle },
  });
  const on = {
    mouseover: (event) => mark(tokenAt(event) ?? null),
    mouseleave: () => mark(null),
    click: choose,
  };
  return el(
    "div.insides",
    { on },
    el("h2.unseen", t("inside")),
    el("p.hint", t("inside_how")),
    el("label.pair", numbers, t("as_numbers")),
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
  const widths = widthsOf(entry().now.poem.lines);
  const place = placesOf(widths.map((width) => width + 1))[token];
  return place?.position <= widths[place?.line - 1] ? place : null;
}

const tokenAt = ({ target }) => target.closest("[data-token]")?.dataset.token;

function mark(token) {
  for (const node of document.querySelectorAll("#inside .here, #sheet .here"))
    node.classList.remove("here");
  if (token === null) return;
  for (const node of document.querySelectorAll(`#inside [data-token="${token}"]`))
    node.classList.add("here");
  const place = placeOf(Number(token));
  if (place) cellAt($("sheet"), place)?.classList.add("here");
}

function choose(event) {
  const place = tokenAt(event) && placeOf(Number(tokenAt(event)));
  if (!place) return;
  state.place = place;
  changed();
}

function follow({ target }) {
  for (const picture of document.querySelectorAll("#inside .picture"))
    picture.scrollLeft = target.scrollLeft;
}

const name = (token) => (token === "<eos>" ? t("end_token") : shown(token));

function surprise({ tokens, surprise: nats }) {
  const names = tokens.map(name);
  const mean = nats.reduce((sum, one) => sum + one, 0) / nats.length;
  const greatest = nats.indexOf(Math.max(...nats));
  const says = el(
    "p.summary",
    t("surprise_summary", names[greatest], nats[greatest].toFixed(1), mean.toFixed(1)),
  );
  return figure(
    "surprise",
    t("surprise_how"),
    picture("surprise", bars(names, t("nats"), nats)),
    says,
  );
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
  return figure(
    "gates",
    t("gates_how"),
    known(found, unit),
    which(size, unit),
    picture("gates", heat(names, rows)),
  );
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

function known({ known: found }, unit) {
  if (!found.length) return null;
  const choice = ({ unit: each, knows, share }) =>
    button(t(`knows_${knows}`, each, share.toFixed(2)), () => change({ unit: each }), {
      id: `unit-${knows}-${each}`,
      "aria-pressed": String(each === unit),
    });
  return el("div.known", el("p.hint", t("known_how")), el("div.group", found.map(choice)));
}

function which({ layers, units }, unit) {
  const number = (id, value, most, changes) => {
    const given = (text) => Math.min(most, Math.max(1, Math.round(Number(text)) || 1));
    const on = { change: ({ target }) => change(changes(given(target.value))) };
    const input = el("input", { id, type: "number", min: 1, max: most, value, on });
    return el("span.pair", el("label", { for: id }, t(id)), input);
  };
  const layer =
    layers > 1
      ? number("layer", view.layer, layers, (each) => ({ layer: each, unit: null }))
      : null;
  const one = number("unit", unit, units, (each) => ({ unit: each }));
  return el("div.which", layer, one);
}

function reach(tokens, { reach: norms }, here) {
  const says = state.place ? null : el("p.summary", t("reach_choose"));
  const drawn = bars(tokens.slice(0, norms.length).map(name), t("norm"), norms, true);
  return figure("reach", t("reach_how", shown(here)), picture("reach", drawn), says);
}

const figure = (title, how, ...content) =>
  el(
    "section.figure",
    { id: `inside-${title}` },
    el("h3", t(title)),
    el("p.hint", how),
    ...content,
  );

/** A table in a frame, which is moved where the page is narrower. */
const picture = (title, table) =>
  el(
    "div.picture",
    { tabindex: 0, role: "region", "aria-label": t(title), on: { scroll: follow } },
    table,
  );

// What may come next at a place, and how temperature reshapes it: p = exp(ln p / T - ln Σ exp(ln p / T)), drawn as one drags.

let temperature = 0.8; // where the slider was left

/** The figure of a place where a character stands. */
function nextFigure(found, here) {
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
  const pair = el(
    "span.pair",
    el("label", { for: "next-temperature" }, t("temperature")),
    slider,
    output,
  );
  return figure("next", t("next_how", shown(here)), pair, list, says);
}

const at = ({ temperatures }) =>
  temperatures.findIndex((one) => Math.abs(one - temperature) < 0.01);

function choices(found) {
  const count = found.choices[at(found)];
  return count < 10 ? count.toFixed(1) : String(Math.round(count));
}

function rows(found, here) {
  return found.characters.map(({ character, log_probability: ln }) => {
    const p = Math.exp(ln / temperature - found.log_sums[at(found)]);
    const bar = el("meter", { min: 0, max: 1, value: p, "aria-hidden": "true" });
    const said = [
      el("span.character", shown(character)),
      bar,
      el("small", `${(100 * p).toFixed(1)} %`),
    ];
    return el(character === here ? "li.stands" : "li", said);
  });
}
