// The page put together: it learns what the server can do, then draws itself at every change.

import { arrive, writeAddress } from "./address.js";
import { ask } from "./api.js";
import { checkAgain, checkText, drawChecker, startChecker } from "./checker.js";
import { chose, drawChoices, drawFold, foldChoices, readChoices, seeClashes, writeChoices } from "./choices.js";
import { compose, doAgain, open, takeBack } from "./desk.js";
import { $, attempt, trouble } from "./dom.js";
import { drawInside } from "./inside.js";
import { drawInspector } from "./inspector.js";
import { drawOriginality } from "./originality.js";
import { keep, learn, settings } from "./settings.js";
import { drawCandidates, drawSheet, focusPlace } from "./sheet.js";
import { drawShelf } from "./shelf.js";
import { keepDesk, replaceDesk } from "./shelf_storage.js";
import { changed, newDesk, onChange, state, touch } from "./state.js";
import { drawTools } from "./tools.js";
import { drawTips, drawWelcome, startWelcome } from "./welcome.js";
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
  drawFold();
}

function setting(id, change) {
  $(id).addEventListener("click", () => {
    keep(change());
    translate();
    drawTips();
    drawChoices();
    drawChecker();
    changed();
  });
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
    $("sheet").scrollIntoView({ block: "nearest" });
    compose(readChoices());
  });
  for (const type of ["input", "change"]) {
    $("choices").addEventListener(type, ({ target }) => target.closest("#plan") || chose());
  }
  $("fold").addEventListener("click", () => foldChoices($("fold").getAttribute("aria-expanded") !== "true"));
  for (const tab of document.querySelectorAll(".tab")) tab.addEventListener("click", () => go(tab.dataset.viewOf));
  setting("language", () => ({ language: settings.language === "zh" ? "en" : "zh" }));
  $("language").addEventListener("click", () => (seeClashes(), checkAgain())); // the server's sentences
  setting("script", () => ({ script: settings.script === "simplified" ? "traditional" : "simplified" }));
  setting("theme", () => ({ theme: THEMES[(THEMES.indexOf(settings.theme) + 1) % THEMES.length] }));
  document.addEventListener("keydown", undoKeys);
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
  writeChoices(request);
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
    const [known, { simplified }] = await Promise.all([ask("forms"), ask("script")]);
    learn(simplified);
    state.known = known;
    translate();
    drawTips();
    drawChoices();
    drawChecker();
    startChecker(takeToDesk);
    startWelcome({ compose: composeAs, check: checkAs });
    for (const draw of [
      drawWelcome,
      drawSheet,
      drawTools,
      drawInspector,
      drawCandidates,
      drawOriginality,
      drawInside,
      drawChecker,
      drawShelf,
      keepDesk,
      writeAddress,
    ])
      onChange(draw);
    listen();
    await arrive();
    seeClashes();
    document.body.dataset.ready = "yes";
  });
}

start();
