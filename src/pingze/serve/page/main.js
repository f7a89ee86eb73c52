// The page put together: it learns what the server can do, then draws itself at every change.

import { arrive, writeAddress } from "./address.js";
import { ask } from "./api.js";
import { checkAgain, checkText, drawChecker, startChecker } from "./checker.js";
import { chose, drawChoices, foldChoices, readChoices, seeClashes, writeChoices } from "./choices.js";
import { compose, go as goStep, open } from "./desk.js";
import { $, attempt, fill, trouble } from "./dom.js";
import { drawInside } from "./inside.js";
import { drawInspector, startInspector } from "./inspector.js";
import { drawOriginality } from "./originality.js";
import { learnGlosses } from "./poem.js";
import { keep, keepDraft, learn, settings, shown } from "./settings.js";
import { drawCandidates, drawSheet, focusPlace } from "./sheet.js";
import { drawShelf, startShelf } from "./shelf.js";
import { keepDesk, replaceDesk } from "./shelf_storage.js";
import { changed, newDesk, onChange, state, touch } from "./state.js";
import { drawTools, startTools } from "./tools.js";
import { drawWelcome, startWelcome } from "./welcome.js";
import { t, translate } from "./words.js";

const SETTINGS = ["language", "script", "theme", "standard"];

function drawTop() {
  document.documentElement.dataset.theme = settings.theme;
  fill($("standard"), state.known?.standards.map(({ name, label }) => [name, shown(label)]) ?? []);
  for (const name of SETTINGS) $(name).value = settings[name];
  const about = `/page/about.${settings.language}.html`;
  $("about-page").href = about;
  $("help-page").href = `${about}#help`;
  $("source-page").href = document.querySelector("meta[name=repository]").content || `${about}#source`;
}

function drawViews() {
  document.body.dataset.view = state.view;
  for (const tab of document.querySelectorAll(".tab")) {
    if (tab.dataset.viewOf === state.view) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  for (const part of document.querySelectorAll("[data-only]"))
    part.hidden = !part.dataset.only.split(" ").includes(state.view);
}

const drawGo = () => ($("go").textContent = t(state.working ? "stop" : "compose"));

/** A setting was chosen: all is said and drawn again, the server's sentences too. */
async function set(name, value) {
  keep({ [name]: value });
  await learnGlosses();
  translate();
  drawChoices();
  drawChecker();
  changed();
  if (!["language", "standard"].includes(name)) return;
  chose();
  trouble();
  seeClashes();
  checkAgain();
}

/** Undo and redo by keyboard, but where a person writes. */
function undoKeys(event) {
  const writing = event.target.closest("input[type=text], input[type=number], textarea");
  const key = event.key.toLowerCase();
  if (writing || !(event.ctrlKey || event.metaKey) || !["z", "y"].includes(key)) return;
  event.preventDefault();
  goStep(key === "y" || event.shiftKey ? "redo" : "undo");
}

function listen() {
  $("choices").addEventListener("submit", (event) => {
    event.preventDefault();
    foldChoices();
    compose(readChoices());
    $("sheet").scrollIntoView({ block: "nearest" });
  });
  // The second click of a double one would stop what the first began.
  $("go").addEventListener("click", (event) => event.detail > 1 && event.preventDefault());
  // Nor does a key that is held down start and stop.
  $("choices").addEventListener("keydown", (event) => event.repeat && event.key === "Enter" && event.preventDefault());
  for (const type of ["input", "change"]) {
    $("choices").addEventListener(type, (event) => event.target.closest("#plan") || chose(event));
  }
  for (const id of ["fold", "unfold"]) $(id).addEventListener("click", () => foldChoices(id === "fold"));
  $("more").addEventListener("toggle", () => seeClashes());
  for (const tab of document.querySelectorAll(".tab")) tab.addEventListener("click", () => go(tab.dataset.viewOf));
  for (const name of SETTINGS) $(name).addEventListener("change", ({ target }) => set(name, target.value));
  document.addEventListener("keydown", undoKeys);
  // A tip is closed by a tap anywhere but on its question mark, which does so itself.
  document.addEventListener("click", ({ target }) => {
    const tip = target.closest(".tip summary") ? null : document.querySelector(".tip[open]");
    tip?.removeAttribute("open");
  });
  document.addEventListener("draft", drawSheet);
}

function go(view) {
  state.view = view;
  trouble();
  changed();
}

function takeToDesk(on) {
  open(newDesk([on]), replaceDesk);
  touch();
  go("compose");
  focusPlace();
}

function composeAs(request) {
  writeChoices(request, true);
  keepDraft("choices", readChoices());
  $("choices").requestSubmit();
}

function checkAs(text) {
  go("check");
  checkText(text);
}

async function start() {
  translate();
  for (const draw of [drawTop, drawViews, drawGo]) onChange(draw);
  changed();
  await attempt(async () => {
    const [known, script] = await Promise.all([ask("forms"), ask("script")]);
    learn(script);
    state.known = known;
    await learnGlosses();
    translate();
    drawChoices();
    drawChecker();
    startChecker(takeToDesk);
    for (const begin of [startInspector, startShelf, startTools]) begin();
    startWelcome({ compose: composeAs, check: checkAs });
    for (const draw of [drawWelcome, drawSheet, drawTools, drawInspector, drawCandidates]) onChange(draw);
    for (const draw of [drawOriginality, drawInside, drawChecker, drawShelf, keepDesk, writeAddress]) onChange(draw);
    listen();
    await arrive();
    seeClashes();
    document.body.dataset.ready = "yes";
  });
}

start();
