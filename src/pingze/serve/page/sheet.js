// The sheet: the poem on the desk, what it owes to old poems, and the others that were composed with it.

import { erase, keepLines, putLines, redraw, replace, toggleLock } from "./actions.js";
import { $, button, el, redrawn, trouble } from "./dom.js";
import { heading } from "./checker.js";
import { factsOf } from "./forms.js";
import { learnReadings, meansOf } from "./glosses.js";
import { bare, recall, seen, verdict } from "./verdict.js";
import { book, caption, markedLine, named, quoteList, titleOf, wordByWord } from "./poem.js";
import { settings, shown } from "./settings.js";
import {
  BLANK,
  cellAt,
  charAt,
  COUPLET,
  coupletsOf,
  isEmpty,
  isAt,
  isFull,
  keyOf,
  MOST_COLUMNS,
  onlyHan,
  placesOf,
  tiersOf,
  widthsOf,
} from "./shape.js";
import { changed, entry, state, touch } from "./state.js";
import { t, verseLanguage } from "./words.js";

let drawn = ""; // the text that was drawn last: another one appears as ink does

/** Draw the sheet; the focus stays at its place. */
export function drawSheet() {
  learnReadings().then((learned) => learned && changed());
  const sheet = $("sheet");
  /** @type {any} */
  const active = document.activeElement;
  const focused = sheet.contains(active) ? { ...active.dataset } : null;
  const on = entry();
  if (sheet.querySelector(".composing")) return; // the input method is at work there
  sheet.ariaBusy = state.working;
  const { poem } = on.now;
  const scroll = sheet.querySelector(".scroll")?.scrollLeft;
  const checked = verdict(on);
  const problem = checked?.problem ? el("span.clash", { role: "status" }, checked.problem) : null;
  const facts =
    checked?.lines && !isEmpty(poem.lines) ? heading(checked) : factsOf(poem, on.ask.standard);
  const legend = isFull(poem.lines) ? settings.marks && "legend" : "legend_empty";
  const locked = on.now.locks.size ? el("span", t("legend_locked")) : null;
  const hint = settings.used || isEmpty(poem.lines) ? null : el("span.hint", t("tap_hint"));
  sheet.replaceChildren(
    scroller(poem, on),
    isEmpty(poem.lines) ? "" : (wordByWord(poem, seen(checked, poem)) ?? ""),
    quoteList(poem),
    caption(facts, legend, locked, hint, problem),
  );
  sheet.querySelector(".book").classList.toggle("fresh", drawn !== poem.lines.join());
  drawn = poem.lines.join();
  if (scroll) sheet.querySelector(".scroll").scrollLeft = scroll;
  if (focused?.line) cellAt(sheet, focused)?.focus({ preventScroll: true });
}

/** Put the focus on a place of the sheet, by default the chosen one. */
export const focusPlace = (place = state.place) =>
  cellAt($("sheet"), place ?? { line: 1, position: 1 })?.focus();

function scroller(poem, on) {
  const look = seen(verdict(on), poem);
  const isNew = (place) => on.now.mended?.changes.some(isAt(place));
  const ofPoem = (place) => ({
    ...look(place),
    fault: state.clashes.some(isAt(place)) ? "clash" : look(place).fault,
    locked: on.now.locks.has(keyOf(place)),
    changed: isNew(place),
  });
  const label = [t("poem"), titleOf(poem), shown(poem.form)].filter(Boolean).join(" · ");
  const edit = () => $("entitle")?.click();
  const grid = book(poem, { look: ofPoem, act, label, chosen: state.place, edit, type });
  grid.querySelector("[role=grid]").setAttribute("aria-describedby", "grid-help");
  grid.append(el("p", { id: "grid-help", class: "unseen" }, t("grid_help")));
  return grid;
}

function act(event, place, isFoot) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const done = {
    click: () => (isFoot ? openLine(place) : choose(place)),
    Enter: () => choose(place, true),
    " ": () => choose(place, true),
    l: () => toggleLock(place),
    r: () => redraw(place.line),
    Backspace: () => empty(place, -1),
    Delete: () => empty(place, 0),
  }[
    event.type === "click" ? "click" : event.key.length === 1 ? event.key.toLowerCase() : event.key
  ];
  if (!done) return;
  event.preventDefault();
  done();
}

function openLine(place) {
  choose(place);
  $("other-lines").click();
}

/** Write characters from a place on, and go on to the place after them. */
export function type(place, characters) {
  const put = onlyHan(characters);
  state.place = null;
  if (put.length && replace(place, put, true)) focusFrom(place, put.length);
  else changed();
}

/** Empty a place, or where it is empty the one `before` it. */
function empty(place, before) {
  const isBlank = charAt(entry().now.poem.lines, place) === BLANK;
  const here = isBlank ? placeFrom(place, before) : place;
  state.place = null;
  erase(here);
  focusFrom(here, 0);
}

function placeFrom(place, steps) {
  const places = placesOf(widthsOf(entry().now.poem.lines));
  const at = places.findIndex(isAt(place)) + steps;
  return places[Math.min(places.length - 1, Math.max(0, at))];
}

const focusFrom = (place, steps) => cellAt($("sheet"), placeFrom(place, steps))?.focus();

/** Open a place; from the keyboard the focus goes on to what could stand there. */
export function choose({ line, position }, onward = false) {
  state.place = { line, position };
  changed();
  if (onward) document.dispatchEvent(new CustomEvent("weigh"));
  else focusPlace();
}

// What each line shares with the poets of old, where this server has the corpus.

export function drawOriginality() {
  const { poem } = entry().now;
  const isOpen = settings.sources && state.known.corpus && poem.form !== COUPLET;
  $("originality").hidden = !isOpen || !isFull(poem.lines);
  if ($("originality").hidden) return;
  const found = recall("originality", { poem: bare(poem) });
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

// The drafts that were written together, their lines below each other; the chosen one stands on the sheet.

export function drawCandidates() {
  const { entries, when } = state.desk;
  const box = $("candidates");
  // A single draft is of use where it is the reader's own.
  const isOwn = when && coupletsOf(entries[0].now.poem).length > 1;
  if (entries.length < 2 && !(isOwn && isFull(entries[0].now.poem.lines)))
    return box.replaceChildren();
  const how = t(entries.length > 1 ? "drafts_how" : "keep_how");
  const drafts = el("ol.drafts", entries.map(draft));
  redrawn(box, () => box.replaceChildren(el("h2", t("candidates")), el("p.hint", how), drafts));
}

function draft(of, at) {
  const { poem } = of.now;
  const choose = () => {
    state.desk.chosen = at;
    state.place = null;
    trouble();
    if (state.desk.when) touch();
    changed();
    if ($("sheet").getBoundingClientRect().bottom < innerHeight / 2) $("told-of").scrollIntoView();
  };
  const isChosen = at === state.desk.chosen;
  const here = entry().now.poem;
  const isSame =
    poem.form === here.form && poem.form !== COUPLET && poem.lines.length === here.lines.length;
  /** A couplet, over its meaning; a click on it takes the draft. Beside it the buttons that keep it or put it on the sheet. */
  const couplet = (numbers) => {
    const said = numbers.map((line) => markedLine(poem, line));
    const means = numbers.map((line) => meansOf(poem.lines[line - 1]));
    const below = (text) => (text ? el("small.draft-means", { lang: "en" }, text) : null);
    const rows = said.map((text, n) => el("span", text, below(means[n])));
    const all = said.join("");
    const act = (kind, name, does) =>
      button(t(kind), does, { class: `plain ${kind}`, "aria-label": name, title: name });
    const keep = act("keep_couplet", t("keep_couplet_lines", all), () => keepLines(of, numbers));
    const put = act("put_couplet", t("put_couplet_lines", all), () => putLines(poem, numbers));
    const acts = isSame ? [keep, isChosen ? null : put] : [];
    const verse = el("div.verse", { lang: verseLanguage(), on: { click: choose } }, rows);
    return el("div.couplet-of", verse, acts);
  };
  const name = t("candidate", at + 1);
  const attributes = { class: "plain candidate", "aria-pressed": String(isChosen) };
  const couplets = el("div.couplets", coupletsOf(poem).map(couplet));
  return el(isChosen ? "li.draft.chosen" : "li.draft", button(name, choose, attributes), couplets);
}

/** A button that shows a poem as small columns; what it says is said elsewhere. */
export function face(poem, act, attributes) {
  const column = (line) => el("span.small-line", line < 0 ? "" : markedLine(poem, line));
  const tiers = tiersOf(poem, MOST_COLUMNS).map((lines) =>
    el("span.small-tier", lines.map(column)),
  );
  const small = el("span.small-poem", { lang: verseLanguage(), "aria-hidden": "true" }, tiers);
  return button(small, act, { class: "candidate", ...attributes });
}
