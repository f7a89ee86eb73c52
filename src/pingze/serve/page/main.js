// The page put together: it learns what the server can do, then draws itself at every change.

import { arrive, writeAddress } from "./address.js";
import { PATIENCE, ask } from "./api.js";
import { drawVerdict } from "./checker.js";
import {
  chose,
  drawChoices,
  foldChoices,
  seeClashes,
  takeChoices,
  watchClashes,
} from "./request.js";
import { compose, go, settle, turnTo } from "./actions.js";
import { $, attempt, fill, onClick, trouble } from "./dom.js";
import { learnReadings } from "./glosses.js";
import { drawInside } from "./inside.js";
import { drawInspector, startInspector } from "./inspector.js";
import { startReading } from "./paste.js";
import { keep, learn, settings, shown } from "./settings.js";
import { drawCandidates, drawOriginality, drawSheet } from "./sheet.js";
import { drawShelf, startShelf } from "./shelf.js";
import { hearOfTab, keepDesk } from "./shelf_storage.js";
import { changed, onChange, state } from "./state.js";
import { isUnread } from "./subjects.js";
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
  await learnReadings();
  translate();
  drawChoices();
  changed();
  if (!["language", "standard"].includes(name)) return;
  chose();
  seeClashes();
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
    const asked = takeChoices();
    if (!state.working && isUnread(asked)) return trouble(t("english_none", asked.heading));
    compose(asked);
    if ($("sheet").getBoundingClientRect().top < 0) $("told-of").scrollIntoView();
  });
  // The second click of a double one would stop what the first began.
  $("go").addEventListener("click", (event) => event.detail > 1 && event.preventDefault());
  // Nor does a key that is held down start and stop; and Enter in a search only ends the search.
  const isChoice = ({ target }) => target.form === $("choices");
  document.addEventListener("keydown", (event) => {
    const isVain = isChoice(event) && (event.repeat || event.target === $("tune_search"));
    if (isVain && event.key === "Enter") event.preventDefault();
  });
  for (const type of ["input", "change", "compositionend"]) {
    document.addEventListener(type, (/** @type {any} */ event) => {
      if (isChoice(event) && !event.isComposing) chose(event);
    });
  }
  const isFolded = () => !$("fields").classList.contains("open");
  onClick({ fold: () => foldChoices(isFolded()), unfold: () => foldChoices() });
  $("more").addEventListener("toggle", seeClashes);
  for (const tab of document.querySelectorAll(".tab"))
    tab.addEventListener("click", () => turnTo(tab.dataset.viewOf));
  for (const name of SETTINGS)
    $(name).addEventListener("change", ({ target }) => set(name, target.value));
  document.addEventListener("keydown", undoKeys);
  $("beside").addEventListener("change", changed);
  window.addEventListener("storage", (event) => hearOfTab(event) && changed());
  matchMedia("(max-width: 44rem)").addEventListener("change", changed);
  // A tip is closed by a tap anywhere but on its question mark, which does so itself.
  document.addEventListener("click", ({ target }) => {
    const tip = target.closest(".tip summary") ? null : document.querySelector(".tip[open]");
    tip?.removeAttribute("open");
  });
}

/** What the page needs of the server, however long it takes to answer. */
async function learned() {
  for (;;) {
    const found = await Promise.all([ask("forms"), ask("script")]).catch((error) => {
      trouble(error.message);
      return null;
    });
    if (found) return found;
    await new Promise((done) => setTimeout(done, PATIENCE));
  }
}

async function start() {
  translate();
  onChange(drawPage);
  changed();
  await attempt(async () => {
    const [known, script] = await learned();
    trouble();
    learn(script);
    state.known = known;
    await learnReadings();
    translate();
    drawChoices();
    for (const begin of [startReading, startInspector, startShelf, startTools]) begin();
    for (const draw of [
      settle,
      drawWelcome,
      drawSheet,
      drawVerdict,
      drawTools,
      drawInspector,
      drawCandidates,
    ])
      onChange(draw);
    for (const draw of [
      drawOriginality,
      drawInside,
      drawShelf,
      keepDesk,
      writeAddress,
      watchClashes,
    ])
      onChange(draw);
    listen();
    await arrive();
    document.querySelector("main").inert = false;
    document.body.dataset.ready = "yes";
  });
}

start();
