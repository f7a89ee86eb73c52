// The sheet: the poem on the desk, set as a poem is set, and what is at fault in it.

import { told } from "./api.js";
import { mendAround, redraw, toggleLock } from "./desk.js";
import { $, button, el } from "./dom.js";
import { formInEnglish, standardOf, templateIn } from "./forms.js";
import { faults, seen, verdict } from "./judged.js";
import { FREE } from "./plan.js";
import { book, learnGlosses, quotes, rhymeOf, titleOf, wants, written } from "./poem.js";
import { settings, shown } from "./settings.js";
import { cellAt, markAfter, stanzasOf } from "./shape.js";
import { changed, entry, keyOf, state, touch } from "./state.js";
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
  const poem = state.draft ? unfinished(state.asked, state.draft) : on.now.poem;
  const scroll = sheet.querySelector(".scroll")?.scrollLeft;
  sheet.replaceChildren(scroller(poem, on), quotes(poem), caption(poem, on));
  sheet.querySelector(".book").classList.toggle("fresh", poem === on.now.poem && drawn !== poem.lines.join());
  drawn = poem.lines.join();
  if (scroll) sheet.querySelector(".scroll").scrollLeft = scroll;
  if (focused?.line) cellAt(sheet, focused.line, focused.position)?.focus({ preventScroll: true });
  drawFaults(on);
}

/** The poem that is being written, with a dot for each character that is left to come. */
const unfinished = ({ form, title, heading, poet }, { lines }) => ({
  ...{ form, title, heading, poet },
  lines: lines.map((line) => line.replaceAll(FREE, "・")),
});

/** Put the focus on the chosen place of the sheet. */
export function focusPlace() {
  const { line, position } = state.place ?? { line: 1, position: 1 };
  cellAt($("sheet"), line, position)?.focus();
}

function scroller(poem, on) {
  const isThere = poem === on.now.poem;
  const isSettled = (line, position) => [...state.draft.settled[line - 1]][position - 1] !== FREE;
  const look = isThere ? seen(verdict(on), poem) : (...place) => ({ pale: !isSettled(...place) });
  const placed = (line, position) => ({
    ...look(line, position),
    locked: isThere && on.now.locks.has(keyOf(line, position)),
    changed: isThere && on.now.changes?.some((one) => one.line === line && one.position === position),
  });
  const label = [t("poem"), titleOf(poem), shown(poem.form)].filter(Boolean).join(" · ");
  const grid = book(poem, { label, look: placed, chosen: state.place, act, edit: () => $("entitle")?.click() });
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
    l: () => toggleLock(place.line, place.position),
    r: () => redraw({ line: place.line }),
  }[event.type === "click" ? "click" : event.key.length === 1 ? event.key.toLowerCase() : event.key];
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

/** What a poem is, in the reader's language. */
export function factsOf({ form, template, rhyme }, standard = "pingshui") {
  const group = rhyme && rhymeOf(rhyme);
  const by = standard !== "pingshui" && shown(standardOf(standard).label);
  const named = [shown(form), formInEnglish(form)].filter(Boolean).join(" ");
  return [named, template && templateIn(template), group, by].filter(Boolean).join(" · ");
}

function caption(poem, on) {
  const problem = verdict(on)?.problem;
  return el(
    "p.caption",
    el("span", { lang: verseLanguage() }, factsOf(poem, on.ask.standard)),
    settings.language === "en" ? el("span.how-to-read", t("how_to_read")) : null,
    settings.marks ? el("span.legend", t("legend")) : null,
    problem ? el("span.clash", { role: "status" }, problem) : null,
  );
}

/** What is at fault, as the checker says it, with what mends it. */
function drawFaults(on) {
  const found = faults(on);
  const row = (fault) => {
    const { rule, line, position } = fault;
    const char = shown(fault.char || "□");
    const name = el("strong", t("fault_at", shown(rule), line, position, char));
    const away = button(t("replace_it", char), () => redraw({ line, position }), { class: "plain away" });
    return el("li", name, ` ${wants(fault) || told(fault.definition)} `, fault.char ? away : null);
  };
  const changes = on.now.changes ? [changesSaid(on.now.changes)] : [];
  const mend = button(t("mend_around"), mendAround, { id: "mend-around" });
  $("faults").replaceChildren(...changes, ...(found.length ? [el("ul.faults", found.map(row)), mend] : []));
}

/** What was mended, character by character, and why. */
export function changesSaid(changes) {
  const row = ({ line, position, old, new: character, rules }) =>
    el("li", t("change", line, position, shown(old), shown(character), rules.map(shown).join("、")));
  return el("div", el("p", t("mended", changes.length)), el("ul", changes.map(row)));
}

// -- candidates --------------------------------------------------
// Several poems side by side, as small columns; the chosen one stands on the sheet.

export function drawCandidates() {
  const { entries } = state.desk;
  const missing = Math.max(0, state.expected - entries.length);
  const box = $("candidates");
  if (entries.length + missing < 2) {
    box.replaceChildren();
    return;
  }
  const focused = [...box.querySelectorAll("button")].indexOf(document.activeElement);
  const waiting = Array.from({ length: missing }, () => el("li", el("span.candidate.waiting", t("waiting"))));
  box.replaceChildren(el("h2", t("candidates")), el("ol.candidates", entries.map(card), waiting));
  if (focused >= 0) box.querySelectorAll("button")[focused]?.focus();
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
  return el("li", face(poem, choose, { "aria-pressed": chosen, "aria-label": name }));
}

/** A button that shows a poem as small columns; what it says is said elsewhere. */
export function face(poem, act, attributes) {
  const column = (line) => el("span.small-line", written(poem, poem.lines[line - 1]) + markAfter(poem, line));
  const stanzas = stanzasOf(poem).map((lines) => el("span.small-stanza", lines.map(column)));
  const small = el("span.small-poem", { lang: verseLanguage(), "aria-hidden": "true" }, stanzas);
  return button(small, act, { class: "candidate", ...attributes });
}
