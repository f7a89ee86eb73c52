// The sheet: the poem on the desk, set as a poem is set; what is at fault in it, what it owes to old poems, and the others
// that were composed with it.

import { told } from "./api.js";
import { mendAround, redraw, replace, toggleLock } from "./actions.js";
import { $, button, el } from "./dom.js";
import { factsOf } from "./forms.js";
import { bare, recall, seen, verdict } from "./verdict.js";
import {
  book,
  caption,
  learnGlosses,
  named,
  quoteList,
  sense,
  titleOf,
  wants,
  wordByWord,
  written,
} from "./poem.js";
import { settings, shown } from "./settings.js";
import { cellAt, COUPLET, keyOf, markAfter, MOST_COLUMNS, tiersOf } from "./shape.js";
import { changed, entry, state, touch } from "./state.js";
import { t, verseLanguage } from "./words.js";

let drawn = ""; // the text that was drawn last: another one appears as ink does

/** Draw the sheet; the focus stays at its place. */
export function drawSheet() {
  learnGlosses().then((learned) => learned && changed());
  const sheet = $("sheet");
  /** @type {any} */
  const active = document.activeElement;
  const focused = sheet.contains(active) ? { ...active.dataset } : null;
  const on = entry();
  if (!on) return;
  sheet.setAttribute("aria-busy", String(state.working));
  const { poem } = on.now;
  const scroll = sheet.querySelector(".scroll")?.scrollLeft;
  const { problem } = verdict(on) ?? {};
  const trouble = problem ? el("span.clash", { role: "status" }, problem) : null;
  const facts = factsOf(poem, on.ask.standard);
  sheet.replaceChildren(
    scroller(poem, on),
    wordByWord(poem, seen(verdict(on), poem)) ?? "",
    quoteList(poem),
    caption(facts, settings.marks, trouble),
  );
  sheet.querySelector(".book").classList.toggle("fresh", drawn !== poem.lines.join());
  drawn = poem.lines.join();
  if (scroll) sheet.querySelector(".scroll").scrollLeft = scroll;
  if (focused?.line) cellAt(sheet, focused)?.focus({ preventScroll: true });
  drawFaults(on);
}

/** Put the focus on the chosen place of the sheet. */
export const focusPlace = () =>
  cellAt($("sheet"), state.place ?? { line: 1, position: 1 })?.focus();

function scroller(poem, on) {
  const look = seen(verdict(on), poem);
  const isNew = (place) => on.now.changes?.some((one) => keyOf(one) === keyOf(place));
  const ofPoem = (place) => ({
    ...look(place),
    locked: on.now.locks.has(keyOf(place)),
    changed: isNew(place),
  });
  const label = [t("poem"), titleOf(poem), shown(poem.form)].filter(Boolean).join(" · ");
  const edit = () => $("entitle")?.click();
  const grid = book(poem, { look: ofPoem, act, label, chosen: state.place, edit });
  grid.querySelector("[role=grid]").setAttribute("aria-describedby", "grid-help");
  grid.append(el("p", { id: "grid-help", class: "unseen" }, t("grid_help")));
  return grid;
}

function act(event, place) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const done = {
    click: () => choose(place),
    Enter: () => choose(place, true),
    " ": () => choose(place, true),
    l: () => toggleLock(place),
    r: () => redraw({ line: place.line }),
  }[
    event.type === "click" ? "click" : event.key.length === 1 ? event.key.toLowerCase() : event.key
  ];
  if (!done) return;
  event.preventDefault();
  done();
}

/** Open a place; from the keyboard the focus goes on to what could stand there. */
function choose(place, onward = false) {
  state.place = place;
  changed();
  if (onward) document.dispatchEvent(new CustomEvent("weigh"));
  else focusPlace();
}

function drawFaults(on) {
  const row = (fault) =>
    faultRow(fault, (character) => replace(fault, character).then((done) => done && focusPlace()));
  const found = verdict(on)?.violations ?? [];
  const changes = on.now.changes ? [changesSaid(on.now.changes)] : [];
  const mend = button(t("mend_around"), mendAround, { id: "mend-around" });
  $("faults").replaceChildren(
    ...changes,
    ...(found.length ? [el("ul.faults", found.map(row)), mend] : []),
  );
}

/** A fault, with the characters that would mend it; `put` hears of the one that is chosen. */
export function faultRow(fault, put, id = null) {
  const { rule, line, position, char, fitting } = fault;
  const choice = (one) =>
    fit([shown(one), el("small", sense(one))], t("fit", shown(one)), () => put(one));
  const what = t("fault_at", t(rule), line, position, shown(char || "□"));
  const said = [
    el("strong", what),
    el("span", wants(fault)),
    el("span.hint", told(fault.definition)),
  ];
  const fits = fitting.length
    ? el("p.fits", t("fits"), fitting.map(choice))
    : el("p.hint", t("no_fit"));
  return el("li", { id, tabindex: -1 }, said, fits);
}

/** A character that could stand in a place, as a button. */
export const fit = (face, label, act, more = {}) =>
  button(face, act, { class: "plain fit", "aria-label": label, lang: verseLanguage(), ...more });

/** What was mended, character by character: what was at fault, and what was changed to fit the rest. */
export function changesSaid(changes) {
  const why = (rules) =>
    t(rules.length ? "was_at_fault" : "to_fit", rules.map((rule) => t(rule)).join("、"));
  const row = ({ line, position, old, new: character, rules }) =>
    el("li", t("change", line, position, shown(old), shown(character), why(rules)));
  return el("div", el("p", t("mended", changes.length)), el("ul", changes.map(row)));
}

// -- originality -------------------------------------------------
// What each line shares with the poets of old, where this server has the corpus.

export function drawOriginality() {
  const on = entry();
  $("originality").hidden = !on || !state.known?.corpus || on.now.poem.form === COUPLET;
  $("originality").ontoggle = drawOriginality;
  if ($("originality").hidden || !$("originality").open) return;
  const found = recall("originality", { poem: bare(on.now.poem) });
  $("nearness").textContent = found?.lines ? verdictOf(found.lines) : "";
  $("shared").replaceChildren(
    ...(found?.lines?.map(row) ?? [el("li.hint", found?.problem ?? t("loading"))]),
  );
}

/** How near the poem comes to old ones, in a sentence. */
function verdictOf(lines) {
  const size = (text) => [...text].length;
  const old = lines.filter(({ text, same }) => same === size(text)).length;
  if (old) return t("originality_old", old, lines.length);
  const { nearest, same, text } = lines.reduce((one, other) =>
    other.same > one.same ? other : one,
  );
  return nearest ? t("originality_new", same, size(text), from(nearest)) : t("shares_nothing");
}

const from = ({ author, title }) => `${named(author)}《${shown(title)}》`;

function row({ text, run, run_in, same, nearest }) {
  const shared = run_in ? `${t("shares", shown(run))} ${from(run_in)}` : t("shares_nothing");
  const near = nearest ? t("nearest", shown(nearest.line), from(nearest), same) : null;
  const facts = [shared, near].map((fact) => fact && el("small", fact));
  return el("li", el("span.verse", { lang: verseLanguage() }, shown(text)), facts);
}

// -- candidates --------------------------------------------------
// Several poems side by side, as small columns; the chosen one stands on the sheet.

export function drawCandidates() {
  const { entries } = state.desk;
  const missing = Math.max(0, state.expected - entries.length);
  const box = $("candidates");
  if (entries.length + missing < 2) return box.replaceChildren();
  const focused = [...box.querySelectorAll("button")].indexOf(document.activeElement);
  const waiting = Array.from({ length: missing }, () =>
    el("li", el("span.candidate.waiting", t("waiting"))),
  );
  box.replaceChildren(el("h2", t("candidates")), el("ol.candidates", entries.map(card), waiting));
  box.querySelectorAll("button")[focused]?.focus();
}

function card({ now: { poem } }, at) {
  const choose = () => {
    state.desk.chosen = at;
    state.place = null;
    if (state.desk.when) touch();
    changed();
  };
  const chosen = String(at === state.desk.chosen);
  const name = t("candidate", at + 1, shown(poem.lines.join("，")));
  const title = poem.lines.map(sense).join("\n").trim();
  return el("li", face(poem, choose, { "aria-pressed": chosen, "aria-label": name, title }));
}

/** A button that shows a poem as small columns; what it says is said elsewhere. */
export function face(poem, act, attributes) {
  const column = (line) =>
    el(
      "span.small-line",
      line < 0 ? "" : written(poem, poem.lines[line - 1]) + markAfter(poem, line),
    );
  const tiers = tiersOf(poem, MOST_COLUMNS).map((lines) =>
    el("span.small-tier", lines.map(column)),
  );
  const small = el("span.small-poem", { lang: verseLanguage(), "aria-hidden": "true" }, tiers);
  return button(small, act, { class: "candidate", ...attributes });
}
