// The quiet row under the poem: undo, redraw, marks, heading and seal, copy, link, cards.

import { makeCard } from "./card.js";
import { canDoAgain, canTakeBack, compose, doAgain, entitle, redraw, takeBack } from "./desk.js";
import { $, announce, attempt, button, el } from "./dom.js";
import { linkOf } from "./link.js";
import { textOf, titleOf } from "./poem.js";
import { keep, settings } from "./settings.js";
import { changed, entry, state } from "./state.js";
import { t } from "./words.js";

export function drawTools() {
  const on = entry();
  if (!on) return;
  const box = $("tools");
  const focused = [...box.querySelectorAll("button")].indexOf(document.activeElement);
  const all = on.now.locks.size ? tool("redraw_all", () => redraw(), { id: "redraw", disabled: state.working }) : "";
  box.replaceChildren(
    group(
      tool("undo", takeBack, { id: "undo", disabled: !canTakeBack() }),
      tool("redo", doAgain, { id: "redo", disabled: !canDoAgain() }),
      all,
    ),
    group(
      tool("like", () => another(on, "like"), { id: "like", disabled: state.working }),
      tool("unlike", () => another(on, "unlike"), { id: "unlike", disabled: state.working }),
    ),
    group(tool("marks", mark, { id: "marks", "aria-pressed": String(settings.marks) })),
    group(
      tool("entitle", () => askTitle(on.now.poem), { id: "entitle" }),
      tool("copy", () => copy(textOf(on.now.poem), "copied"), { id: "copy" }),
      tool("link", () => copyLink(on), { id: "link" }),
      tool("card", () => makeCard({ save, say }), { id: "make-card" }),
    ),
  );
  if (focused >= 0) box.querySelectorAll("button")[focused]?.focus();
}

const group = (...buttons) => el("div.group", buttons);
const tool = (name, click, attributes) => button(t(name), click, attributes);

/** Compose another poem as this one was asked for, like it or unlike it. */
const another = ({ ask: asked, now: { poem } }, way) =>
  compose({ ...asked, form: poem.form, [way]: poem.lines.join(""), count: 1 });

function mark() {
  keep({ marks: !settings.marks });
  changed();
}

/** Ask for the poem's heading and what stands in its seal, which later poems have too. */
function askTitle(poem) {
  $("heading").value = titleOf(poem);
  $("seal").value = poem.seal || settings.seal;
  $("entitling").returnValue = "";
  $("entitling").onclose = () => {
    if (!$("entitling").returnValue) return;
    keep({ seal: $("seal").value.trim() });
    entitle($("heading").value.trim(), settings.seal);
  };
  $("entitling").showModal();
}

async function copy(text, done) {
  await attempt(async () => {
    if (!(await taken(text))) throw new Error(t("no_copy"));
    say(t(done));
  });
}

async function copyLink(on) {
  const { link, isPublic } = await linkOf(on);
  await copy(link, isPublic ? "linked" : "linked_here");
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
export function save(blob, kind, name = titleOf(entry().now.poem) || entry().now.poem.lines[0]) {
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
