// What each line of the poem shares with the poets of old, where this server has the corpus.

import { ask } from "./api.js";
import { $, attempt, button, el } from "./dom.js";
import { bare } from "./judged.js";
import { shown } from "./settings.js";
import { changed, entry, state } from "./state.js";
import { t, verseLanguage } from "./words.js";

const known = new Map();
let open = false;

export function drawOriginality() {
  const on = entry();
  const box = $("originality");
  box.hidden = !on || !state.known?.corpus;
  if (box.hidden) return;
  const toggle = button(t("originality_see"), () => show(!open), {
    "aria-expanded": String(open),
    id: "see-originality",
  });
  const focused = document.activeElement?.id === toggle.id;
  box.replaceChildren(el("h2", {}, toggle));
  if (open) box.append(el("p", { class: "hint" }, t("originality_hint")), found(on));
  if (focused) toggle.focus();
}

function show(wanted) {
  open = wanted;
  changed();
}

function found(on) {
  const key = on.now.poem.lines.join();
  if (!known.has(key)) fetchFor(on, key);
  const rows = known.get(key);
  return rows ? el("ol", { class: "shared" }, rows.map(row)) : el("p", { class: "hint" }, t("loading"));
}

async function fetchFor(on, key) {
  known.set(key, null);
  const done = await attempt(async () => known.set(key, (await ask("originality", { poem: bare(on.now.poem) })).lines));
  if (!done) open = false;
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
    {},
    el("span", { class: "verse", lang: verseLanguage() }, shown(text)),
    facts.filter(Boolean).map((fact) => el("small", {}, fact)),
  );
}
