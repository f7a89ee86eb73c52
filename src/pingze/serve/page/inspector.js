// 推敲: what a character is, and what could stand in its place.

import { ask, told } from "./api.js";
import { constraints, redraw, replace, toggleLock } from "./desk.js";
import { $, button, el } from "./dom.js";
import { bare, faults, verdict } from "./judged.js";
import { openOver, shutOver } from "./over.js";
import { cellAt, glosses, pinyin, written } from "./poem.js";
import { shown } from "./settings.js";
import { focusPlace } from "./sheet.js";
import { changed, entry, keyOf, state } from "./state.js";
import { t, verseLanguage } from "./words.js";

const SHOWN = 12;
const MARGIN = 12; // pixels between a place and what lies over the page

let drawn = ""; // the place and poem that are drawn, so that what is under the reader's hand stays
let asking = new AbortController();

export function drawInspector() {
  const on = entry();
  const isOpen = Boolean(state.place) && state.view === "compose";
  const opens = isOpen && !$("inspector").classList.contains("open");
  if (!isOpen && $("inspector").classList.contains("open")) shutOver();
  $("inspector").classList.toggle("open", isOpen);
  if (!isOpen) {
    drawn = "";
    $("inspector").replaceChildren();
    return;
  }
  if (opens && isOver()) openOver(close);
  const { line, position } = state.place;
  const character = [...on.now.poem.lines[line - 1]][position - 1];
  const key = JSON.stringify([on.now.poem, line, position, document.documentElement.lang, pinyin(character)]);
  if (key !== drawn) {
    drawn = key;
    $("inspector").replaceChildren(head(on, character), el("p", { id: "facts", class: "hint" }), deeds(), choices());
    weigh(on, line, position, character);
    keepInSight(line, position);
  }
  $("facts").replaceChildren(...facts(on, line, position));
  const locked = on.now.locks.has(keyOf(line, position));
  $("lock").textContent = t(locked ? "unlock" : "lock");
  $("lock").setAttribute("aria-pressed", String(locked));
}

/** Whether the inspector lies over the page, as on a phone. */
const isOver = () => getComputedStyle($("inspector")).position === "fixed";

function head(on, character) {
  const { line, position } = state.place;
  return el(
    "h2.chosen",
    el("span.large", { lang: verseLanguage() }, written(on.now.poem, character)),
    glosses(character),
    el("small", t("place", line, position)),
    button("×", close, { class: "plain close", "aria-label": t("close") }),
  );
}

function close() {
  focusPlace();
  state.place = null;
  changed();
}

/** Where the inspector lies over the page, move the page so far that the place is seen above it. */
function keepInSight(line, position) {
  if (!isOver()) return;
  const below =
    cellAt($("sheet"), line, position).getBoundingClientRect().bottom - $("inspector").getBoundingClientRect().top;
  if (below > -MARGIN) window.scrollBy(0, below + MARGIN);
}

/** How the character is read, and what it breaks. */
function facts(on, line, position) {
  const readings = verdict(on)?.readings?.[line - 1]?.[position - 1];
  if (!readings) return [verdict(on)?.problem ? "" : t("loading")];
  const broken = faults(on).filter((fault) => fault.line === line && fault.position === position);
  const said = broken.map(({ rule, definition }) => el("span.clash", `${shown(rule)}：${told(definition)} `));
  return [el("span", { lang: verseLanguage() }, shown(readings.join("、")) || t("no_reading")), " ", ...said];
}

function deeds() {
  const { line, position } = state.place;
  return el(
    "div.deeds",
    button("", () => toggleLock(line, position), { id: "lock" }),
    button(t("redraw_one"), () => redraw({ line, position })),
    button(t("redraw_line"), () => redraw({ line })),
  );
}

function choices() {
  const loading = el("p.hint", t("loading"));
  const attributes = { id: "alternatives", class: "alternatives", role: "group", "aria-label": t("alternatives") };
  return el("section", { on: { keydown: walk } }, el("h3", t("alternatives")), el("div", attributes, loading), own());
}

function own() {
  const input = el("input", { type: "text", id: "own", lang: "zh-Hant" });
  const { line, position } = state.place;
  const put = async (event) => {
    event.preventDefault();
    const characters = input.value.match(/\p{Script=Han}/gu);
    if (characters) await place(line, position, characters.join(""), true);
  };
  return el(
    "form.field",
    { on: { submit: put } },
    el("label", { for: "own" }, t("own")),
    el("span.pair", input, el("button", { type: "submit", class: "plain" }, t("put"))),
  );
}

async function place(line, position, characters, isOwn = false) {
  await replace(line, position, characters, isOwn);
  focusPlace();
}

async function weigh(on, line, position, here) {
  asking.abort();
  asking = new AbortController();
  const body = { poem: bare(on.now.poem), line, position, limit: SHOWN + 1, ...constraints(on) };
  const box = $("alternatives");
  try {
    const { alternatives } = await ask("alternatives", body, asking.signal);
    list(box, alternatives, here, line, position);
  } catch (error) {
    if (error.name !== "AbortError") box.replaceChildren(el("p.clash", error.message));
  }
}

/** The characters that make the poem likeliest, the likeliest first. */
function list(box, alternatives, here, line, position) {
  const others = alternatives.filter(({ character }) => character !== here).slice(0, SHOWN);
  const focused = box.contains(document.activeElement) || box.dataset.awaited;
  delete box.dataset.awaited;
  others.sort((one, other) => other.log_probability - one.log_probability);
  box.replaceChildren(...others.map(({ character }) => choice(character, line, position)));
  if (focused) box.querySelector("button")?.focus();
}

function choice(character, line, position) {
  return el(
    "button",
    {
      type: "button",
      class: "alternative",
      "aria-label": [t("replace_by", shown(character)), pinyin(character)].join(" ").trim(),
      on: { click: () => place(line, position, character) },
    },
    el("span.character", { lang: verseLanguage() }, shown(character)),
    glosses(character, true),
  );
}

/** The arrow keys walk through the alternatives, Escape goes back to the poem. */
function walk(event) {
  if (event.key === "Escape") {
    focusPlace();
    return;
  }
  const all = [...event.currentTarget.querySelectorAll(".alternative")];
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const at = all.indexOf(document.activeElement);
  if (!step || at < 0) return;
  event.preventDefault();
  all.at((at + step) % all.length).focus();
}

/** Enter in the poem goes on to the alternatives, as soon as they are there. */
document.addEventListener("weigh", () => {
  const first = $("alternatives")?.querySelector("button");
  if (first) first.focus();
  else if ($("alternatives")) $("alternatives").dataset.awaited = "yes";
});
