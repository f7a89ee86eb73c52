// The page put together: it learns what the server can do, then draws itself at every change.

import { ask } from "./api.js";
import { drawCandidates } from "./candidates.js";
import { drawChecker, startChecker } from "./checker.js";
import { chose, drawChoices, readChoices, seeClashes, writeChoices } from "./choices.js";
import { compose, doAgain, takeBack } from "./desk.js";
import { $ } from "./dom.js";
import { drawInside } from "./inside.js";
import { drawInspector } from "./inspector.js";
import { entryOf, hashOf } from "./link.js";
import { drawOriginality } from "./originality.js";
import { attempt, trouble } from "./say.js";
import { learn } from "./script.js";
import { keep, settings } from "./settings.js";
import { drawSheet, focusPlace } from "./sheet.js";
import { changed, entry, onChange, state } from "./state.js";
import { drawTools } from "./tools.js";
import { t, translate } from "./words.js";

const THEMES = ["auto", "light", "dark"];

function drawTop() {
  document.documentElement.dataset.theme = settings.theme;
  $("language").textContent = t("to_language");
  $("language").lang = settings.language === "zh" ? "en" : "zh-Hant";
  const script = t(settings.script === "simplified" ? "to_traditional" : "to_simplified");
  $("script").textContent = script;
  $("theme").textContent = t(`to_${settings.theme}`);
  $("theme").setAttribute("aria-label", t("theme", t(`to_${settings.theme}`)));
}

function drawViews() {
  document.body.dataset.view = state.view;
  for (const tab of document.querySelectorAll(".tab")) {
    if (tab.dataset.viewOf === state.view) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  for (const part of document.querySelectorAll("[data-only]")) part.hidden = part.dataset.only !== state.view;
}

function drawGo() {
  $("go").textContent = t(state.working ? "stop" : "compose");
  const open = $("fold").getAttribute("aria-expanded") === "true";
  $("fold").textContent = t(open ? "choices_fold" : "choices_unfold");
}

/** The address follows the poem, so that it can be copied at any time. */
function writeHash() {
  const on = entry();
  if (on && !state.working) history.replaceState(null, "", `#${hashOf(on)}`);
}

function readHash() {
  try {
    const found = entryOf(location.hash);
    if (!found) return;
    Object.assign(state, { entries: [found], chosen: 0, place: null });
    writeChoices({ form: found.now.poem.form, ...found.ask });
    foldChoices();
    changed();
  } catch {
    trouble(t("not_a_link"));
  }
}

function setting(id, change) {
  $(id).addEventListener("click", () => {
    keep(change());
    translate();
    drawChoices();
    drawChecker();
    changed();
  });
}

function foldChoices(open = false) {
  $("fold").setAttribute("aria-expanded", String(open));
  $("fields").classList.toggle("folded", !open);
  drawGo();
}

/** Undo and redo by keyboard, but where a person writes. */
function undoKeys(event) {
  const writing = event.target.closest("input[type=text], input[type=number], textarea");
  const key = event.key.toLowerCase();
  if (writing || !(event.ctrlKey || event.metaKey) || !["z", "y"].includes(key)) return;
  event.preventDefault();
  if (key === "y" || event.shiftKey) doAgain();
  else takeBack();
}

function listen() {
  $("choices").addEventListener("submit", (event) => {
    event.preventDefault();
    foldChoices();
    compose(readChoices());
  });
  for (const type of ["input", "change"]) {
    $("choices").addEventListener(type, ({ target }) => target.closest("#plan") || chose());
  }
  $("fold").addEventListener("click", () => foldChoices($("fold").getAttribute("aria-expanded") !== "true"));
  for (const tab of document.querySelectorAll(".tab")) tab.addEventListener("click", () => go(tab.dataset.viewOf));
  setting("language", () => ({ language: settings.language === "zh" ? "en" : "zh" }));
  setting("script", () => ({ script: settings.script === "simplified" ? "traditional" : "simplified" }));
  setting("theme", () => ({ theme: THEMES[(THEMES.indexOf(settings.theme) + 1) % THEMES.length] }));
  document.addEventListener("keydown", undoKeys);
  window.addEventListener("hashchange", readHash);
}

function go(view) {
  state.view = view;
  trouble();
  changed();
}

function takeToDesk(on) {
  Object.assign(state, { entries: [on], chosen: 0, place: null });
  go("compose");
  focusPlace();
}

async function start() {
  translate();
  for (const draw of [drawTop, drawViews, drawGo, writeHash]) onChange(draw);
  changed();
  await attempt(async () => {
    const [known, { simplified }] = await Promise.all([ask("forms"), ask("script")]);
    learn(simplified);
    state.known = known;
    translate();
    drawChoices();
    drawChecker();
    startChecker(takeToDesk);
    for (const draw of [drawSheet, drawTools, drawInspector, drawCandidates, drawOriginality, drawInside, drawChecker]) onChange(draw);
    listen();
    changed();
    readHash();
    seeClashes();
    document.body.dataset.ready = "yes";
  });
}

start();
