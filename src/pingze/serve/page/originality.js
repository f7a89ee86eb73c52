// What each line of the poem shares with the poets of old, where this server has the corpus.

import { $, el } from "./dom.js";
import { bare, recall } from "./judged.js";
import { shown } from "./settings.js";
import { COUPLET } from "./shape.js";
import { entry, state } from "./state.js";
import { t, verseLanguage } from "./words.js";

export function drawOriginality() {
  const on = entry();
  $("originality").hidden = !on || !state.known?.corpus || on.now.poem.form === COUPLET;
  $("originality").ontoggle = drawOriginality;
  if ($("originality").hidden || !$("originality").open) return;
  const found = recall("originality", { poem: bare(on.now.poem) });
  $("shared").replaceChildren(...(found?.lines?.map(row) ?? [el("li.hint", found?.problem ?? t("loading"))]));
}

function row({ text, run, run_in, same, nearest }) {
  const from = (hit) => shown(`${hit.author}《${hit.title}》`);
  const facts = [
    run_in ? `${t("shares", shown(run))} ${from(run_in)}` : t("shares_nothing"),
    nearest ? t("nearest", shown(nearest.line), from(nearest), same) : "",
  ];
  return el(
    "li",
    el("span.verse", { lang: verseLanguage() }, shown(text)),
    facts.filter(Boolean).map((fact) => el("small", fact)),
  );
}
