// The shelf as the reader sees it: what was written in this browser, to be found, starred, taken up, or cleared away.

import { takeUp } from "./actions.js";
import { $, announce, attempt, button, el, onClick } from "./dom.js";
import { titleOf } from "./poem.js";
import { settings, shown } from "./settings.js";
import { face, focusPlace } from "./sheet.js";
import {
  bringBack,
  cleared,
  desks,
  discard,
  findDesk,
  packed,
  unpack,
  write,
} from "./shelf_storage.js";
import { changed, state } from "./state.js";
import { save } from "./toolbar.js";
import { t } from "./words.js";

export function startShelf() {
  $("search").addEventListener("input", drawShelf);
  $("import").addEventListener("change", async () => {
    if (await attempt(async () => unpack(await $("import").files[0].text())))
      finish("shelf_restored");
  });
  onClick({
    "take-file": () => (($("import").value = ""), $("import").click()), // the same file again, too
    export: () => save(new Blob([packed()], { type: "application/json" }), "json", "pingze"),
    "clear-shelf": () => clear(desks()),
    "restore-shelf": () => (bringBack(), finish("shelf_restored")),
  });
}

export function drawShelf() {
  if (state.view !== "shelf") return;
  const all = desks();
  const wanted = all.length < 2 ? "" : $("search").value.trim(); // then the field is hidden
  const isFound = (desk) => desk.entries.some(({ now: { poem } }) => textIn(poem).includes(wanted));
  const found = all.filter(isFound).sort((one, other) => Number(other.star) - Number(one.star));
  $("shelf-hint").textContent = t(all.length ? "shelf_hint" : "shelf_empty");
  Object.assign($("search"), { hidden: all.length < 2, placeholder: t("search") });
  $("shelved").replaceChildren(...found.map(row));
  for (const id of ["export", "clear-shelf"]) $(id).hidden = !all.length;
  $("restore-shelf").hidden = !cleared().length;
}

/** All that a poem can be found by, in both scripts. */
const textIn = (poem) =>
  [titleOf(poem), poem.poet, poem.form, ...poem.lines]
    .flatMap((text) => [text, shown(text ?? "")])
    .join(" ");

function row(desk) {
  const { poem } = desk.entries[desk.chosen].now;
  const name = titleOf(poem) || poem.lines[0];
  const up = face(poem, () => (takeUp(findDesk(desk.id)), focusPlace()), {
    "aria-label": t("take_up", shown(name)),
  });
  const language =
    navigator.languages.find((one) => one.startsWith(settings.language)) ?? settings.language;
  const when = new Date(desk.when).toLocaleString(language, {
    dateStyle: "medium",
    timeStyle: "short",
  });
  const facts = [
    shown(name),
    shown(poem.form),
    desk.entries.length > 1 ? t("of_count", desk.entries.length) : "",
  ];
  const star = {
    class: "plain star",
    "aria-pressed": String(desk.star),
    "aria-label": t("star", shown(name)),
    id: `star-${desk.id}`,
  };
  const away = button("×", () => clear([desk]), {
    class: "plain",
    "aria-label": t("discard", shown(name)),
  });
  const mark = button(desk.star ? "★" : "☆", () => toggleStar(desk), star);
  const said = [facts.filter(Boolean).join(" · "), when].map((fact) => el("small", fact));
  return el("li", up, said, el("span.group", mark, away));
}

function toggleStar({ id }) {
  const here = findDesk(id);
  const there = desks().find((desk) => desk.id === id); // another tab may have gone on with it, or cleared it away
  if (there) write({ ...there, star: (here.star = !here.star) });
  drawShelf();
  $(`star-${id}`)?.focus();
}

/** Clear some away. That on the desk still lies there, but is kept only when it changes again. */
function clear(some) {
  some.forEach(({ id }) => discard(id));
  if (some.some(({ id }) => id === state.desk.id))
    Object.assign(state.desk, { when: 0, before: null, after: null });
  finish("shelf_cleared");
}

function finish(word) {
  changed();
  announce(t(word));
  $("shelf").querySelector("button")?.focus();
}
