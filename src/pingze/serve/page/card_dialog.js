// Where a card is made: its paper, its marks, a look at it, and the files to take away.

import { PAPERS, pngFile, svgFile } from "./card.js";
import { $, button, el } from "./dom.js";
import { attempt } from "./say.js";
import { keep, settings } from "./settings.js";
import { entry } from "./state.js";
import { t } from "./words.js";

let preview = null; // the address of the card that is looked at

/** Open the dialog. `save(blob, kind)` takes a file away; `say(text)` tells what was done. */
export function makeCard({ save, say }) {
  const on = entry();
  const look = () => [on, settings.paper, settings.card_marks];
  const file = (kind, make) =>
    button(t(kind), () => attempt(async () => save(await make(...look()), kind)), { id: kind });
  const dialog = el(
    "dialog",
    { id: "card", class: "card-maker", "aria-label": t("card") },
    el("div", { id: "card-preview", class: "card-preview" }),
    papers(() => show(...look())),
    el(
      "div",
      { class: "pair" },
      file("png", pngFile),
      file("svg", svgFile),
      copyButton(look, say),
      button(t("close"), () => dialog.close(), { id: "close-card" }),
    ),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    $("make-card")?.focus();
  });
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  show(...look());
}

function papers(changed) {
  const choose = (changes) => {
    keep(changes);
    changed();
  };
  const paper = (name) =>
    el(
      "label",
      { class: "chip" },
      el("input", {
        type: "radio",
        name: "paper",
        value: name,
        class: "unseen",
        checked: settings.paper === name,
        on: { change: () => choose({ paper: name }) },
      }),
      el("span", {}, t(`paper_${name}`)),
    );
  const marks = el("input", {
    type: "checkbox",
    id: "card_marks",
    checked: settings.card_marks,
    on: { change: ({ target }) => choose({ card_marks: target.checked }) },
  });
  return el(
    "div",
    { class: "papers" },
    el("div", { class: "chips", role: "radiogroup", "aria-label": t("paper") }, Object.keys(PAPERS).map(paper)),
    el("span", { class: "pair" }, marks, el("label", { for: "card_marks" }, t("card_marks"))),
  );
}

/** Where the browser can, the picture goes onto the clipboard. */
function copyButton(look, say) {
  if (!window.ClipboardItem) return null;
  const copy = () =>
    attempt(async () => {
      await navigator.clipboard.write([new ClipboardItem({ "image/png": await pngFile(...look()) })]);
      say(t("copied"));
    });
  return button(t("copy_picture"), copy, { id: "copy-picture" });
}

async function show(...look) {
  await attempt(async () => {
    const blob = await svgFile(...look);
    if (preview) URL.revokeObjectURL(preview);
    preview = URL.createObjectURL(blob);
    $("card-preview")?.replaceChildren(el("img", { src: preview, alt: look[0].now.poem.lines.join("，") }));
  });
}
