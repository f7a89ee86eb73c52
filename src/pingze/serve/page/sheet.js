// The sheet: the poem on the desk, set as a poem is set.

import { redraw, toggleLock } from "./desk.js";
import { $, button, el } from "./dom.js";
import { cellAt, grid } from "./poem.js";
import { isFoot, reasonAt, reasons } from "./reasons.js";
import { settings, shown } from "./settings.js";
import { changed, entry, keyOf, state, touch } from "./state.js";
import { t, verseLanguage } from "./words.js";

let written = ""; // the text that was drawn last: another one appears as ink does

/** Draw the sheet; the focus stays at its place. */
export function drawSheet() {
  const sheet = $("sheet");
  /** @type {any} */
  const active = document.activeElement;
  const focused = sheet.contains(active) ? { ...active.dataset } : null;
  const on = entry();
  sheet.classList.toggle("working", state.working);
  sheet.setAttribute("aria-busy", String(state.working));
  if (!on) {
    sheet.replaceChildren(state.working ? waiting() : empty());
    return;
  }
  const { poem } = on.now;
  const scroll = sheet.querySelector(".scroll")?.scrollLeft;
  sheet.replaceChildren(scroller(poem, on), caption(poem, on));
  sheet.querySelector(".book").classList.toggle("fresh", written !== poem.lines.join());
  written = poem.lines.join();
  if (scroll) sheet.querySelector(".scroll").scrollLeft = scroll;
  if (focused?.line) cellAt(sheet, focused.line, focused.position)?.focus({ preventScroll: true });
}

/** Put the focus on the chosen place of the sheet. */
export function focusPlace() {
  const { line, position } = state.place ?? { line: 1, position: 1 };
  cellAt($("sheet"), line, position)?.focus();
}

function scroller(poem, on) {
  const body = grid(poem.lines, { label: label(poem), look: look(on), chosen: state.place, act });
  body.setAttribute("aria-describedby", "grid-help");
  const book = el(
    "div",
    { class: "book" },
    heading(poem),
    body,
    el("span", { class: "seal", "aria-hidden": "true", lang: "zh-Hant" }, "平仄"),
  );
  book.style.setProperty("--columns", poem.lines.length + (poem.title || poem.poet ? 1 : 0));
  return el("div", { class: scrollClasses() }, book, el("p", { id: "grid-help", class: "unseen" }, t("grid_help")));
}

/** What a sheet shows beside its characters. */
export const scrollClasses = () =>
  ["scroll", settings.tones && "with-tones", settings.rhyme && "with-rhyme"].filter(Boolean).join(" ");

function heading({ title, poet }) {
  if (!title && !poet) return null;
  return el(
    "div",
    { class: "heading", lang: verseLanguage() },
    title ? el("h2", {}, shown(title)) : null,
    poet ? el("p", {}, t("by_manner", shown(poet))) : null,
  );
}

function label({ title, form }) {
  return [t("poem"), title && shown(title), shown(form)].filter(Boolean).join(" · ");
}

/** What the grid shows of each place. */
const look = (on) => (line, position) => ({
  tone: reasonAt(on, line, position) && (reasonAt(on, line, position).tone || "中"),
  rhymes: isFoot(on.now.poem, line, position, reasonAt(on, line, position)?.rhyme_group),
  locked: on.now.locks.has(keyOf(line, position)),
});

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

function caption({ form, template, rhyme }, on) {
  const found = reasons(on);
  const facts = [form, template, rhyme && `${rhyme}韻`].filter(Boolean).map(shown).join(" · ");
  return el(
    "p",
    { class: "caption" },
    el("span", { lang: verseLanguage() }, facts),
    settings.language === "en" ? el("span", { class: "how-to-read" }, t("how_to_read")) : null,
    settings.tones || settings.rhyme ? el("span", { class: "legend" }, t("legend")) : null,
    found?.problem ? el("span", { class: "clash", role: "status" }, found.problem) : null,
  );
}

const waiting = () => el("p", { class: "empty brush" }, t("composing"));

const empty = () =>
  el("div", { class: "empty" }, el("p", { class: "large" }, t("empty")), el("p", {}, t("empty_more")));

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
  const waiting = Array.from({ length: missing }, () =>
    el("li", {}, el("span", { class: "candidate waiting" }, t("waiting"))),
  );
  box.replaceChildren(el("h2", {}, t("candidates")), el("ol", { class: "candidates" }, entries.map(card), waiting));
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
  const face = button("", choose, { class: "candidate", "aria-pressed": chosen, "aria-label": name });
  face.append(smallPoem(poem));
  return el("li", {}, face);
}

/** A poem as small columns; what it says is said elsewhere. */
export function smallPoem({ lines }) {
  const columns = lines.map((line, n) => el("span", { class: "small-line" }, shown(line) + (n % 2 ? "。" : "，")));
  return el("span", { class: "small-poem", lang: verseLanguage(), "aria-hidden": "true" }, columns);
}
