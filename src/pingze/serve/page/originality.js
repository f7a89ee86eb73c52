// What each line of the poem shares with the poets of old, where this server has the corpus.

import { ask } from "./api.js";
import { $, attempt, el } from "./dom.js";
import { bare } from "./judged.js";
import { shown } from "./settings.js";
import { changed, entry, state } from "./state.js";
import { t, verseLanguage } from "./words.js";

const known = new Map();

export function drawOriginality() {
  const on = entry();
  $("originality").hidden = !on || !state.known?.corpus;
  $("originality").ontoggle = drawOriginality;
  if ($("originality").hidden || !$("originality").open) return;
  const key = on.now.poem.lines.join();
  if (!known.has(key)) fetchFor(on, key);
  $("shared").replaceChildren(...(known.get(key)?.map(row) ?? [el("li.hint", t("loading"))]));
}

async function fetchFor(on, key) {
  known.set(key, null);
  const done = await attempt(async () => known.set(key, (await ask("originality", { poem: bare(on.now.poem) })).lines));
  if (!done) $("originality").open = false;
  if (!done) known.delete(key);
  changed();
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
