// The quiet row under the poem: undo, redraw, marks, heading and seal, copy, link, cards.

import { makeCard } from "./card.js";
import { canGo, entitle, freeAll, go, layEmpty } from "./actions.js";
import { $, announce, attempt, el, onClick } from "./dom.js";
import { isPublic, linkOf } from "./link.js";
import { sentText, titleOf } from "./poem.js";
import { chose } from "./request.js";
import { keep, settings, shown } from "./settings.js";
import { COUPLET, widthsOf } from "./shape.js";
import { changed, entry, state } from "./state.js";
import { seen, verdict } from "./verdict.js";
import { t } from "./words.js";

export const startTools = () =>
  onClick({
    undo: () => go("undo"),
    redo: () => go("redo"),
    redraw: () => $("choices").requestSubmit(),
    free: freeAll,
    bring: () => $("bringing").showModal(),
    "new-sheet": () => {
      layEmpty(entry().now.poem.form, widthsOf(entry().now.poem.lines));
      chose(); // the title that is chosen stands over it
    },
    marks: () => toggle("marks"),
    "see-verdict": () => toggle("verdict"),
    "see-originality": () => {
      toggle("sources");
      $("originality").scrollIntoView();
    },
    share: () => share(entry()),
    entitle: () => askTitle(entry()),
    copy: () => copy(textToSend(entry()), t("copied")),
    link: async () =>
      copy(await linkOf(entry()), t("linked") + (isPublic() ? "" : ` ${t("only_here")}`)),
    "make-card": () => makeCard({ save, say, entitle: askTitle }),
  });

const textToSend = (on) => sentText(on.now.poem, seen(verdict(on), on.now.poem));

export function drawTools() {
  const on = entry();
  for (const way of ["undo", "redo"]) $(way).disabled = !canGo(way);
  $("redraw").disabled = state.working;
  for (const name of ["redraw", "free"])
    $(name).hidden = on.now.poem.form === COUPLET || !on.now.locks.size;
  $("only-here").hidden = isPublic();
  $("marks").ariaPressed = settings.marks;
  $("see-verdict").ariaExpanded = settings.verdict;
  $("see-originality").ariaExpanded = settings.sources;
  $("see-originality").hidden = !state.known.corpus || on.now.poem.form === COUPLET;
  $("share").hidden = !navigator.share;
  $("progress").hidden = !state.working;
}

function toggle(name) {
  keep({ [name]: !settings[name] });
  changed();
}

/** Hand the poem to the device's own way of sharing, with its link where others can open that. */
async function share(on) {
  const url = isPublic() ? { url: await linkOf(on) } : {};
  await attempt(() => navigator.share({ text: textToSend(on), ...url }));
}

/** Ask for the poem's heading and what stands in its seal, which later poems have too; `then` follows where they were given. */
function askTitle(on, then = () => {}) {
  const { poem } = on.now;
  $("heading").value = shown(poem.heading || poem.title || "");
  $("seal").value = poem.seal || settings.seal;
  $("entitling").returnValue = "";
  $("entitling").onclose = () => {
    if (!$("entitling").returnValue) return;
    const seal = $("seal").value.trim();
    if (seal !== (poem.seal || settings.seal)) keep({ seal }); // that of a linked poem is its poet's
    attempt(async () => {
      entitle(on, $("heading").value.trim(), seal);
      then();
    });
  };
  $("entitling").showModal();
}

async function copy(text, said) {
  await attempt(async () => {
    if (!(await taken(text))) throw new Error(t("no_copy"));
    say(said);
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
  $("sending").hidePopover();
  setTimeout(() => note.remove(), 3500);
}
