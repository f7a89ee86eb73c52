// 推敲: what a character is, and what could stand in its place.

import { ask, told } from "./api.js";
import { inChinese, learnEnglish } from "./subjects.js";
import { otherLines, putLines, redraw, replace, sheetOf, toggleLock } from "./actions.js";
import { $, button, el, onClick, trouble } from "./dom.js";
import { faultsAt, modelOf, notedIn, seen, verdict } from "./verdict.js";
import { pinyin } from "./glosses.js";
import { openOver, shutOver } from "./overlay.js";
import { glosses, readingOf, rhymeOf, sense, sourcesOf, wants, written } from "./poem.js";
import { shown } from "./settings.js";
import { BLANK, cellAt, charAt, COUPLET, isAt, keyOf, onlyHan } from "./shape.js";
import { focusPlace } from "./sheet.js";
import { changed, entry, state } from "./state.js";
import { t, verseLanguage } from "./words.js";

const SHOWN = 12; // characters to choose from
const OTHERS = 4; // wordings of a line

let drawn = ""; // the place and poem that are drawn, so that what is under the reader's hand stays
let asking = new AbortController();
let isAwaited = false; // whether the focus goes to what is offered

export function startInspector() {
  onClick({ close, lock: () => toggleLock(state.place), ...again });
  $("choose").addEventListener("keydown", walk);
  for (const id of ["sheet", "inspector"])
    $(id).addEventListener(
      "keydown",
      ({ key, isComposing }) => key === "Escape" && !isComposing && close(),
    );
  const isEmpty = (target) => target.matches("html, body, main, .stage, .scroll, .below, .foot");
  document.addEventListener("click", ({ target }) => isEmpty(target) && close());
  $("writing").addEventListener("submit", async (event) => {
    event.preventDefault();
    const [here, typed] = [state.place, $("own").value];
    if (/[a-z]/i.test(typed)) await learnEnglish();
    if (state.place !== here) return; // it was closed, or another one was chosen
    const { found, unknown } = inChinese(typed) ?? { found: onlyHan(typed), unknown: [] };
    const isDone = !found.some(Boolean) || place(found.join(""), true);
    if (isDone && unknown.length) trouble(t("english_unknown", unknown.join(", ")));
  });
}

const again = {
  "redraw-line": () => redraw(state.place.line),
  "other-lines": offerLines,
};

export function drawInspector() {
  const on = entry();
  const isOpen = Boolean(state.place) && state.view === "compose";
  const opens = isOpen && !$("inspector").classList.contains("open");
  if (!isOpen && $("inspector").classList.contains("open")) shutOver();
  $("inspector").classList.toggle("open", isOpen);
  if (!isOpen) return void (drawn = "");
  if (opens && isOver()) openOver(close);
  const { place } = state;
  const here = charAt(on.now.poem.lines, place);
  const character = here === BLANK ? "" : here;
  const key = JSON.stringify([
    on.now.poem,
    place,
    document.documentElement.lang,
    verseLanguage(),
    pinyin(character),
  ]);
  if (key !== drawn) {
    drawn = key;
    const large = el("span.large", { lang: verseLanguage() }, written(on.now.poem, character));
    const where = el("small", t("place", place.line, place.position));
    $("chosen").replaceChildren(large, glosses(character) ?? "", where);
    $("own").value = "";
    for (const id of ["lock", ...Object.keys(again)]) $(id).hidden = on.now.poem.form === COUPLET;
    weigh(on, character);
    if (isOver()) cellAt($("sheet"), place).scrollIntoView({ block: "nearest" });
  }
  $("facts").replaceChildren(...facts(on, place));
  const locked = on.now.locks.has(keyOf(place));
  $("lock").textContent = t(locked ? "unlock" : "lock");
  $("lock").ariaPressed = locked;
}

/** Whether the inspector lies over the page, as on a phone. */
const isOver = () => getComputedStyle($("inspector")).position === "fixed";

function close() {
  if (!$("inspector").classList.contains("open")) return;
  focusPlace();
  state.place = null;
  changed();
}

/** What a place wants: a tone where one is known, and a rhyme. */
const wanting = (tone, rhyme) => [
  tone ? t(`empty_${tone}`) : "",
  rhyme ? t("place_rhymes", rhymeOf(rhyme)) : "",
];

function facts(on, place) {
  const checked = verdict(on);
  const want = checked?.wants?.find(isAt(place));
  if (want) return wanting(want.tone, want.rhyme.length === 1 ? want.rhyme : "");
  const readings = checked?.readings?.[place.line - 1]?.[place.position - 1];
  if (!readings) return [checked?.problem ? "" : t("loading")];
  const tone = checked.explanation[place.line - 1]?.pattern?.[place.position - 1];
  const { rhymes, fault } = seen(checked, on.now.poem)(place);
  const isOneRhyme = rhymes && !checked.rhyme.includes("、");
  const said = (fault) =>
    el("span.clash", `${t(fault.rule)}：${wants(fault) || told(fault.definition)} `);
  const clashes = faultsAt(checked, place).map(said);
  const notes = notedIn(checked).filter(isAt(place));
  return [
    el(
      "span",
      { lang: verseLanguage() },
      readings.map(readingOf).join(t("comma")) || t("no_reading"),
    ),
    " ",
    ...(fault ? [] : wanting(tone, isOneRhyme ? checked.rhyme : "")),
    ...clashes,
    ...notes.map(({ note }) => el("span", `${told(note)} `)),
  ];
}

function place(characters, isOwn = false) {
  const isDone = replace(state.place, characters, isOwn);
  if (isDone) focusPlace();
  return isDone;
}

/** Offer what an act makes; the next offer calls it off. */
async function offer(act) {
  const box = $("alternatives");
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  box.replaceChildren(el("p.hint", t("loading")));
  const made = await act(signal).catch(({ message }) => [el("p.clash", message)]);
  if (signal.aborted) return;
  box.replaceChildren(...made);
  if (isAwaited) box.querySelector("button")?.focus();
  isAwaited = false;
}

/** Offer the characters that make the poem best. */
function weigh(on, here) {
  if (on.now.poem.form === COUPLET) return offerLines();
  const { line, position } = state.place;
  const body = { sheet: sheetOf(on), line, start: position, end: position, limit: SHOWN };
  offer(async (signal) => {
    const found = await ask("alternatives", { ...body, ...modelOf(on.now.poem) }, signal);
    const others = found.alternatives.map(({ text }) => text).filter((one) => one !== here);
    return others.map(choice);
  });
}

/** Offer other wordings of the line. */
function offerLines() {
  const on = entry();
  const { line } = state.place;
  const choices = (other) => {
    const text = other.lines[line - 1];
    const take = () => putLines(other, [line]) && focusPlace();
    const made = button(written(other, text), take, { class: "alternative line-choice" });
    return [made, el("small", shown(sourcesOf(other)[line - 1] ?? "")), el("small", sense(text))];
  };
  offer(async (signal) => (await otherLines(on, line, OTHERS, signal)).flatMap(choices));
}

function choice(character) {
  const label = [t("replace_by", shown(character)), pinyin(character)].join(" ").trim();
  const face = el("span.character", { lang: verseLanguage() }, shown(character));
  const made = button(face, () => place(character), { class: "alternative", "aria-label": label });
  made.append(glosses(character, true) ?? "");
  return made;
}

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
  const first = $("alternatives").querySelector("button");
  first?.focus();
  isAwaited = !first;
});
