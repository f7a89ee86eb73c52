// The shelf as the reader sees it: what was written in this browser, to be taken up again or cleared away.

import { restoreChoices } from "./choices.js";
import { open } from "./desk.js";
import { $, announce, button, el } from "./dom.js";
import { settings, shown } from "./settings.js";
import { focusPlace, smallPoem } from "./sheet.js";
import { desks, findDesk, forget, write } from "./shelf_storage.js";
import { changed, entry, state } from "./state.js";
import { t } from "./words.js";

let gone = []; // what was cleared away since the page was opened

export function drawShelf() {
  if (state.view !== "shelf") return;
  const all = desks();
  $("shelf").replaceChildren(
    el("p", { class: "hint" }, t(all.length ? "shelf_hint" : "shelf_empty")),
    el("ol", { class: "shelf" }, all.map(row)),
    el(
      "div",
      { class: "pair" },
      all.length ? button(t("clear_shelf"), clear, { id: "clear-shelf" }) : null,
      gone.length ? button(t("restore_shelf"), restore, { id: "restore-shelf" }) : null,
    ),
  );
}

function row(desk) {
  const { poem } = desk.entries[desk.chosen].now;
  const name = poem.title || poem.lines[0];
  const face = button("", () => takeUp(desk.id), { class: "candidate", "aria-label": t("take_up", shown(name)) });
  face.append(smallPoem(poem));
  const when = new Date(desk.when).toLocaleString(settings.language === "zh" ? "zh-TW" : "en", {
    dateStyle: "medium",
    timeStyle: "short",
  });
  const facts = [shown(name), shown(poem.form), desk.entries.length > 1 ? t("of_count", desk.entries.length) : ""];
  return el("li", {}, face, el("small", {}, facts.filter(Boolean).join(" · ")), el("small", {}, when));
}

function takeUp(id) {
  open(findDesk(id));
  state.view = "compose";
  restoreChoices(entry());
  changed();
  focusPlace();
}

/** Clear all away. The poem on the desk still lies there, but is kept only when it changes again. */
function clear() {
  const all = desks();
  gone = [...gone, ...all];
  all.forEach(({ id }) => forget(id));
  Object.assign(state.desk, { when: 0, before: null, after: null });
  finish("shelf_cleared");
}

/** Put back all that was cleared away, but over no work that was done since. */
function restore() {
  const since = new Map(desks().map(({ id, when }) => [id, when]));
  gone.filter(({ id, when }) => !(since.get(id) > when)).forEach(write);
  gone = [];
  finish("shelf_restored");
}

function finish(word) {
  changed();
  announce(t(word));
  $("shelf").querySelector("button")?.focus();
}
