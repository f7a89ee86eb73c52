// 推敲: the tone, rhyme and probability of a character, and what could stand in its place.

import { ask } from "./api.js";
import { constraints, redraw, replace, toggleLock } from "./desk.js";
import { $, button, el } from "./dom.js";
import { cellAt, pinyin } from "./poem.js";
import { bare, reasonAt } from "./reasons.js";
import { shown } from "./settings.js";
import { focusPlace } from "./sheet.js";
import { changed, entry, keyOf, state } from "./state.js";
import { t, verseLanguage } from "./words.js";

const SHOWN = 12;
const MARGIN = 12; // pixels between a place and what lies over the page
const NAMES = { 平: "level_tone", 仄: "oblique_tone" };

let drawn = ""; // the place and poem that are drawn, so that what is under the reader's hand stays
let asking = new AbortController();

export function drawInspector() {
  const on = entry();
  $("inspector").classList.toggle("open", Boolean(on && state.place));
  if (!on || !state.place) {
    drawn = "";
    $("inspector").replaceChildren(el("p", { class: "hint" }, on ? t("choose_place") : ""));
    return;
  }
  const { line, position } = state.place;
  const character = [...on.now.poem.lines[line - 1]][position - 1];
  const key = JSON.stringify([on.now.poem, line, position, document.documentElement.lang]);
  if (key !== drawn) {
    drawn = key;
    $("inspector").replaceChildren(head(character, line, position), el("div", { id: "facts" }), deeds(), choices());
    weigh(on, line, position, character);
    keepInSight(line, position);
  }
  $("facts").replaceChildren(facts(reasonAt(on, line, position)));
  const locked = on.now.locks.has(keyOf(line, position));
  $("lock").textContent = t(locked ? "unlock" : "lock");
  $("lock").setAttribute("aria-pressed", String(locked));
}

function head(character, line, position) {
  return el(
    "h2",
    { class: "chosen" },
    el("span", { class: "large", lang: verseLanguage() }, shown(character)),
    el("small", {}, [pinyin(character), t("place", line, position)].filter(Boolean).join(" · ")),
    button("×", close, { class: "plain close", "aria-label": t("close") }),
  );
}

function close() {
  focusPlace();
  state.place = null;
  changed();
}

/** Where the inspector lies over the page, as on a phone, move the page so far that the place is seen above it. */
function keepInSight(line, position) {
  if (getComputedStyle($("inspector")).position !== "fixed") return;
  const below =
    cellAt($("sheet"), line, position).getBoundingClientRect().bottom - $("inspector").getBoundingClientRect().top;
  if (below > -MARGIN) window.scrollBy(0, below + MARGIN);
}

function facts(reason) {
  if (!reason) return el("p", { class: "hint" }, t("loading"));
  const rows = [
    ["tone", t(NAMES[reason.tone] ?? "either_tone")],
    ["rhyme_group", shown(reason.rhyme_group.replaceAll(" ", "、")) || "—"],
    ["probability", reason.probability.toPrecision(2)],
    ["rank", String(reason.rank)],
  ];
  return el(
    "dl",
    { class: "facts" },
    rows.map(([name, value]) => el("div", {}, el("dt", {}, t(name)), el("dd", {}, value))),
  );
}

function deeds() {
  const { line, position } = state.place;
  return el(
    "div",
    { class: "deeds" },
    button("", () => toggleLock(line, position), { id: "lock" }),
    button(t("redraw_one"), () => redraw({ line, position })),
    button(t("redraw_line"), () => redraw({ line })),
  );
}

function choices() {
  return el(
    "section",
    { on: { keydown: walk } },
    el("h3", {}, t("alternatives")),
    el(
      "div",
      { id: "alternatives", class: "alternatives", role: "group", "aria-label": t("alternatives") },
      el("p", { class: "hint" }, t("loading")),
    ),
    el("p", { class: "hint" }, t("alternatives_hint")),
    own(),
  );
}

function own() {
  const input = el("input", { type: "text", id: "own", lang: "zh-Hant" });
  const { line, position } = state.place;
  const put = async (event) => {
    event.preventDefault();
    const characters = input.value.match(/\p{Script=Han}/gu);
    if (characters) await place(line, position, characters.join(""));
  };
  return el(
    "form",
    { class: "field", on: { submit: put } },
    el("label", { for: "own" }, t("own")),
    el("span", { class: "pair" }, input, el("button", { class: "plain", type: "submit" }, t("put"))),
  );
}

async function place(line, position, character) {
  await replace(line, position, character);
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
    if (error.name !== "AbortError") box.replaceChildren(el("p", { class: "clash" }, error.message));
  }
}

function list(box, alternatives, here, line, position) {
  const now =
    alternatives.find(({ character }) => character === here)?.log_probability ?? entry().now.poem.log_probability;
  const others = alternatives.filter(({ character }) => character !== here).slice(0, SHOWN);
  const focused = box.contains(document.activeElement) || box.dataset.awaited;
  delete box.dataset.awaited;
  box.replaceChildren(...others.map((other) => choice(other, now, line, position)));
  if (focused) box.querySelector("button")?.focus();
}

function choice({ character, log_probability }, now, line, position) {
  const gain = now === null ? "" : signed(log_probability - now);
  return el(
    "button",
    {
      type: "button",
      class: "alternative",
      "aria-label": t("replace_by", shown(character), gain),
      on: { click: () => place(line, position, character) },
    },
    el("span", { class: "character", lang: verseLanguage() }, shown(character)),
    el("small", {}, gain),
  );
}

const signed = (number) => (number > 0 ? "+" : "−") + Math.abs(number).toFixed(1);

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
