// Several poems side by side, as small columns; the chosen one stands on the sheet.

import { $, button, el } from "./dom.js";
import { shown } from "./script.js";
import { changed, state } from "./state.js";
import { t, verseLanguage } from "./words.js";

export function drawCandidates() {
  const missing = state.working && state.expected > state.entries.length ? state.expected - state.entries.length : 0;
  const box = $("candidates");
  if (state.entries.length + missing < 2) {
    box.replaceChildren();
    return;
  }
  const focused = [...box.querySelectorAll("button")].indexOf(document.activeElement);
  const waiting = Array.from({ length: missing }, () => el("li", {}, el("span", { class: "candidate waiting" }, t("waiting"))));
  box.replaceChildren(
    el("h2", {}, t("candidates")),
    el("ol", { class: "candidates" }, state.entries.map(card), waiting),
  );
  if (focused >= 0) box.querySelectorAll("button")[focused]?.focus();
}

function card({ now: { poem } }, at) {
  const lines = poem.lines.map((line, n) => el("span", { class: "small-line" }, shown(line) + (n % 2 ? "。" : "，")));
  const choose = () => {
    Object.assign(state, { chosen: at, place: null });
    changed();
  };
  const chosen = String(at === state.chosen);
  const name = t("candidate", at + 1, shown(poem.lines.join("，")));
  const face = button("", choose, { class: "candidate", "aria-pressed": chosen, "aria-label": name });
  face.append(el("span", { class: "small-poem", lang: verseLanguage(), "aria-hidden": "true" }, lines));
  return el("li", {}, face);
}
