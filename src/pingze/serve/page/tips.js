// What a word means, beside it: shown while the mouse is over its question mark, and at a tap until the next one.

import { el } from "./dom.js";
import { t } from "./words.js";

/** Write each tip in the reader's language. */
export function drawTips() {
  for (const mark of document.querySelectorAll(".tip")) {
    const note = mark.nextElementSibling ?? startTip(mark);
    note.textContent = t(mark.dataset.tip);
    mark.setAttribute("aria-label", t("what", mark.previousElementSibling.textContent));
  }
}

function startTip(mark) {
  const note = el("span", { class: "tip-text", role: "note" });
  mark.after(note);
  mark.setAttribute("aria-expanded", "false");
  mark.addEventListener("click", () => openOnly(mark.getAttribute("aria-expanded") === "true" ? null : mark));
  mark.addEventListener("keydown", ({ key }) => key === "Escape" && openOnly(null));
  return note;
}

document.addEventListener("click", ({ target }) => target.closest(".tip") || openOnly(null));

function openOnly(wanted) {
  for (const mark of document.querySelectorAll(".tip")) mark.setAttribute("aria-expanded", String(mark === wanted));
}
