// 推敲: what a character is, and what could stand in its place.

import { ask, told } from "./api.js";
import { constraints, redraw, replace, toggleLock } from "./desk.js";
import { $, button, el } from "./dom.js";
import { bare, faults, verdict } from "./judged.js";
import { openOver, shutOver } from "./over.js";
import { glosses, pinyin, wants, written } from "./poem.js";
import { shown } from "./settings.js";
import { COUPLET, cellAt } from "./shape.js";
import { focusPlace } from "./sheet.js";
import { changed, entry, keyOf, state } from "./state.js";
import { t, verseLanguage } from "./words.js";

const SHOWN = 12;

let drawn = ""; // the place and poem that are drawn, so that what is under the reader's hand stays
let asking = new AbortController();

/** Hear of what is done to the chosen place. */
export function startInspector() {
  const acts = { close, lock: () => toggleLock(state.place.line, state.place.position), ...again };
  for (const [id, act] of Object.entries(acts)) $(id).addEventListener("click", act);
  $("choose").addEventListener("keydown", walk);
  for (const id of ["sheet", "inspector"]) $(id).addEventListener("keydown", ({ key }) => key === "Escape" && close());
  document.addEventListener("click", leave);
  $("writing").addEventListener("submit", (event) => {
    event.preventDefault();
    const characters = $("own").value.match(/\p{Script=Han}/gu);
    if (characters) place(characters.join(""), true);
  });
}

const again = { "redraw-one": () => redraw(state.place), "redraw-line": () => redraw({ line: state.place.line }) };

/** A click on the empty page closes it. */
const leave = ({ target }) => target.matches("html, body, main, .stage, .scroll") && close();

export function drawInspector() {
  const on = entry();
  const isOpen = Boolean(state.place) && state.view === "compose";
  const opens = isOpen && !$("inspector").classList.contains("open");
  if (!isOpen && $("inspector").classList.contains("open")) shutOver();
  $("inspector").classList.toggle("open", isOpen);
  if (!isOpen) drawn = "";
  if (!isOpen) return;
  if (opens && isOver()) openOver(close);
  const { line, position } = state.place;
  const character = [...on.now.poem.lines[line - 1]][position - 1];
  const key = JSON.stringify([on.now.poem, line, position, document.documentElement.lang, pinyin(character)]);
  if (key !== drawn) {
    drawn = key;
    $("chosen").replaceChildren(...head(on, character));
    $("own").value = "";
    for (const id of ["choose", ...Object.keys(again)]) $(id).hidden = on.now.poem.form === COUPLET;
    weigh(on, character);
    if (isOver()) cellAt($("sheet"), line, position).scrollIntoView({ block: "nearest" });
  }
  $("facts").replaceChildren(...facts(on, line, position));
  const locked = on.now.locks.has(keyOf(line, position));
  $("lock").textContent = t(locked ? "unlock" : "lock");
  $("lock").setAttribute("aria-pressed", String(locked));
}

/** Whether the inspector lies over the page, as on a phone. */
const isOver = () => getComputedStyle($("inspector")).position === "fixed";

const head = (on, character) => [
  el("span.large", { lang: verseLanguage() }, written(on.now.poem, character)),
  glosses(character) ?? "",
  el("small", t("place", state.place.line, state.place.position)),
];

function close() {
  if (!$("inspector").classList.contains("open")) return;
  focusPlace();
  state.place = null;
  changed();
}

/** How the character is read, and what it breaks. */
function facts(on, line, position) {
  const readings = verdict(on)?.readings?.[line - 1]?.[position - 1];
  if (!readings) return [verdict(on)?.problem ? "" : t("loading")];
  const broken = faults(on).filter((fault) => fault.line === line && fault.position === position);
  const said = broken.map((fault) =>
    el("span.clash", `${shown(fault.rule)}：${wants(fault) || told(fault.definition)} `),
  );
  return [el("span", { lang: verseLanguage() }, shown(readings.join("、")) || t("no_reading")), " ", ...said];
}

async function place(characters, isOwn = false) {
  await replace(state.place.line, state.place.position, characters, isOwn);
  focusPlace();
}

async function weigh(on, here) {
  asking.abort();
  asking = new AbortController();
  if (on.now.poem.form === COUPLET) return;
  const body = { poem: bare(on.now.poem), ...state.place, limit: SHOWN + 1, ...constraints(on) };
  const { signal } = asking;
  $("alternatives").replaceChildren(el("p.hint", t("loading")));
  try {
    const { alternatives } = await ask("alternatives", body, signal);
    list(alternatives.filter(({ character }) => character !== here).slice(0, SHOWN));
  } catch (error) {
    if (error.name !== "AbortError") $("alternatives").replaceChildren(el("p.clash", error.message));
  }
}

/** The characters that make the poem likeliest, the likeliest first. */
function list(others) {
  const box = $("alternatives");
  const focused = box.contains(document.activeElement) || box.dataset.awaited;
  delete box.dataset.awaited;
  others.sort((one, other) => other.log_probability - one.log_probability);
  box.replaceChildren(...others.map(({ character }) => choice(character)));
  if (focused) box.querySelector("button")?.focus();
}

function choice(character) {
  const label = [t("replace_by", shown(character)), pinyin(character)].join(" ").trim();
  const face = el("span.character", { lang: verseLanguage() }, shown(character));
  const made = button(face, () => place(character), { class: "alternative", "aria-label": label });
  made.append(glosses(character, true) ?? "");
  return made;
}

/** The arrow keys walk through the alternatives. */
function walk(event) {
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
