// The page put together: it learns what the server can do, then draws itself at every change.

import { arrive, writeAddress } from "./address.js";
import { ask } from "./api.js";
import { checkNow, drawChecker, redrawChecker, startChecker } from "./checker.js";
import { chose, drawChoices, foldChoices, seeClashes, takeChoices } from "./request.js";
import { compose, go, turnTo } from "./actions.js";
import { $, attempt, fill, onClick } from "./dom.js";
import { drawInside } from "./inside.js";
import { drawInspector, startInspector } from "./inspector.js";
import { learnGlosses } from "./poem.js";
import { keep, learn, settings, shown } from "./settings.js";
import { drawCandidates, drawOriginality, drawSheet } from "./sheet.js";
import { drawShelf, startShelf } from "./shelf.js";
import { keepDesk } from "./shelf_storage.js";
import { changed, onChange, state } from "./state.js";
import { drawTools, startTools } from "./toolbar.js";
import { drawWelcome } from "./welcome.js";
import { t, translate } from "./words.js";

const SETTINGS = ["language", "script", "theme", "standard"];

function drawPage() {
  document.documentElement.dataset.theme = settings.theme;
  fill($("standard"), state.known?.standards.map(({ name, label }) => [name, shown(label)]) ?? []);
  for (const name of SETTINGS) $(name).value = settings[name];
  const about = `/page/about.${settings.language}.html`;
  $("about-page").href = about;
  $("help-page").href = `${about}#help`;
  $("source-page").href =
    document.querySelector("meta[name=repository]").content || `${about}#source`;
  document.body.dataset.view = state.view;
  for (const tab of document.querySelectorAll(".tab"))
    tab.ariaCurrent = tab.dataset.viewOf === state.view ? "page" : null;
  for (const part of document.querySelectorAll("[data-only]"))
    part.hidden = !part.dataset.only.split(" ").includes(state.view);
  $("go").textContent = t(state.working ? "stop" : "compose");
}

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
  seeClashes();
  checkNow();
}

/** Undo and redo by keyboard, but where a person writes. */
function undoKeys(event) {
  const writing = event.target.closest(
    "input[type=text], input[type=number], input[type=search], textarea",
  );
  const key = event.key.toLowerCase();
  if (
    writing ||
    !$("sheet").checkVisibility() ||
    !(event.ctrlKey || event.metaKey) ||
    !["z", "y"].includes(key)
  )
    return;
  event.preventDefault();
  go(key === "y" || event.shiftKey ? "redo" : "undo");
}

function listen() {
  $("choices").addEventListener("submit", (event) => {
    event.preventDefault();
    foldChoices();
    compose(takeChoices());
    $("sheet").scrollIntoView({ block: "nearest" });
  });
  // The second click of a double one would stop what the first began.
  $("go").addEventListener("click", (event) => event.detail > 1 && event.preventDefault());
  // Nor does a key that is held down start and stop.
  $("choices").addEventListener(
    "keydown",
    (event) => event.repeat && event.key === "Enter" && event.preventDefault(),
  );
  for (const type of ["input", "change", "compositionend"]) {
    $("choices").addEventListener(
      type,
      (event) => event.isComposing || event.target.closest("#plan") || chose(event),
    );
  }
  onClick({ fold: () => foldChoices(true), unfold: () => foldChoices() });
  $("more").addEventListener("toggle", seeClashes);
  for (const tab of document.querySelectorAll(".tab"))
    tab.addEventListener("click", () => turnTo(tab.dataset.viewOf));
  for (const name of SETTINGS)
    $(name).addEventListener("change", ({ target }) => set(name, target.value));
  document.addEventListener("keydown", undoKeys);
  // A tip is closed by a tap anywhere but on its question mark, which does so itself.
  document.addEventListener("click", ({ target }) => {
    const tip = target.closest(".tip summary") ? null : document.querySelector(".tip[open]");
    tip?.removeAttribute("open");
  });
}

async function start() {
  translate();
  onChange(drawPage);
  changed();
  await attempt(async () => {
    const [known, script] = await Promise.all([ask("forms"), ask("script")]);
    learn(script);
    state.known = known;
    await learnGlosses();
    translate();
    drawChoices();
    drawChecker();
    for (const begin of [startChecker, startInspector, startShelf, startTools]) begin();
    for (const draw of [drawWelcome, drawSheet, drawTools, drawInspector, drawCandidates])
      onChange(draw);
    for (const draw of [
      drawOriginality,
      drawInside,
      redrawChecker,
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
