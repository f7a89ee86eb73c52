// Several poems side by side, as small columns; the chosen one stands on the sheet.

import { $, button, el } from "./dom.js";
import { shown } from "./script.js";
import { changed, state, touch } from "./state.js";
import { t, verseLanguage } from "./words.js";

export function drawCandidates() {
  const { entries } = state.desk;
  const missing = Math.max(0, state.expected - entries.length);
  const box = $("candidates");
  if (entries.length + missing < 2) {
    box.replaceChildren();
    return;
  }
  const focused = [...box.querySelectorAll("button")].indexOf(document.activeElement);
  const waiting = Array.from({ length: missing }, () =>
    el("li", {}, el("span", { class: "candidate waiting" }, t("waiting"))),
  );
  box.replaceChildren(el("h2", {}, t("candidates")), el("ol", { class: "candidates" }, entries.map(card), waiting));
  if (focused >= 0) box.querySelectorAll("button")[focused]?.focus();
}

function card({ now: { poem } }, at) {
  const choose = () => {
    state.desk.chosen = at;
    state.place = null;
    if (state.desk.when) touch();
    changed();
  };
  const chosen = String(at === state.desk.chosen);
  const name = t("candidate", at + 1, shown(poem.lines.join("，")));
  const face = button("", choose, { class: "candidate", "aria-pressed": chosen, "aria-label": name });
  face.append(smallPoem(poem));
  return el("li", {}, face);
}

/** A poem as small columns; what it says is said elsewhere. */
export function smallPoem({ lines }) {
  const columns = lines.map((line, n) => el("span", { class: "small-line" }, shown(line) + (n % 2 ? "。" : "，")));
  return el("span", { class: "small-poem", lang: verseLanguage(), "aria-hidden": "true" }, columns);
}
