// What each line of the poem shares with the poets of old, where this server has the corpus.

import { $, el } from "./dom.js";
import { bare, recall } from "./judged.js";
import { named } from "./poem.js";
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
  $("nearness").textContent = found?.lines ? verdictOf(found.lines) : "";
  $("shared").replaceChildren(...(found?.lines?.map(row) ?? [el("li.hint", found?.problem ?? t("loading"))]));
}

/** How near the poem comes to old ones, in a sentence. */
function verdictOf(lines) {
  const size = (text) => [...text].length;
  const old = lines.filter(({ text, same }) => same === size(text)).length;
  if (old) return t("originality_old", old, lines.length);
  const { nearest, same, text } = lines.reduce((one, other) => (other.same > one.same ? other : one));
  return nearest ? t("originality_new", same, size(text), from(nearest)) : t("shares_nothing");
}

const from = ({ author, title }) => `${named(author)}《${shown(title)}》`;

function row({ text, run, run_in, same, nearest }) {
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
