// The quiet row under the poem: undo, redraw, marks, heading and seal, copy, link, cards.

import { makeCard } from "./card.js";
import { check } from "./checker.js";
import { canGo, compose, entitle, go, redraw } from "./actions.js";
import { $, announce, attempt, el, onClick } from "./dom.js";
import { isPublic, linkOf } from "./link.js";
import { sentText, textOf, titleOf } from "./poem.js";
import { keep, settings, shown } from "./settings.js";
import { COUPLET } from "./shape.js";
import { changed, entry, state } from "./state.js";
import { seen, verdict } from "./verdict.js";
import { t } from "./words.js";

export const startTools = () =>
  onClick({
    undo: () => go("undo"),
    redo: () => go("redo"),
    redraw: () => redraw(),
    like: () => another(entry(), "like"),
    unlike: () => another(entry(), "unlike"),
    marks: () => (keep({ marks: !settings.marks }), changed()),
    check: () => check(textOf({ ...entry().now.poem, sources: null })),
    entitle: () => askTitle(entry()),
    copy: () => copy(textToSend(entry()), "copied"),
    link: async () => copy(await linkOf(entry()), isPublic() ? "linked" : "linked_here"),
    "make-card": () => makeCard({ save, say }),
  });

const textToSend = (on) => sentText(on.now.poem, seen(verdict(on), on.now.poem));

export function drawTools() {
  const on = entry();
  if (!on) return;
  const isCouplet = on.now.poem.form === COUPLET;
  for (const way of ["undo", "redo"]) $(way).disabled = !canGo(way);
  for (const id of ["redraw", "like", "unlike", "check"]) {
    $(id).disabled = state.working;
    $(id).hidden = isCouplet || (id === "redraw" && !on.now.locks.size);
  }
  $("link").textContent = t(isPublic() ? "link" : "link_here");
  $("marks").setAttribute("aria-pressed", String(settings.marks));
}

const another = ({ ask: asked, now: { poem } }, way) =>
  compose({ ...asked, form: poem.form, [way]: poem.lines.join(""), count: 1 });

/** Ask for the poem's heading and what stands in its seal, which later poems have too. */
function askTitle(on) {
  const { poem } = on.now;
  $("heading").value = poem.heading || poem.title || "";
  $("seal").value = poem.seal || settings.seal;
  $("entitling").returnValue = "";
  $("entitling").onclose = () => {
    if (!$("entitling").returnValue) return;
    const seal = $("seal").value.trim();
    if (seal !== (poem.seal || settings.seal)) keep({ seal }); // that of a linked poem is its poet's
    attempt(async () => entitle(on, $("heading").value.trim(), seal));
  };
  $("entitling").showModal();
}

async function copy(text, done) {
  await attempt(async () => {
    if (!(await taken(text))) throw new Error(t("no_copy"));
    say(t(done));
  });
}

/** Whether the clipboard took the text; where the page is not secure, the old way. */
async function taken(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = el("textarea", { class: "unseen" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** Save a file, by default under the poem's name. */
export function save(
  blob,
  kind,
  name = shown(titleOf(entry().now.poem) || entry().now.poem.lines[0]),
) {
  const file = `${name}.${kind}`.replace(/[\\/:*?"<>|]/g, "");
  const href = URL.createObjectURL(blob);
  el("a", { href, download: file }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10000);
  say(t("saved", file));
}

/** Said to everyone, for the eye a moment long. */
function say(text) {
  announce(text);
  const note = el("p.note", { "aria-hidden": "true" }, text);
  ($("card").open ? $("card") : $("tools")).append(note);
  setTimeout(() => note.remove(), 3500);
}
