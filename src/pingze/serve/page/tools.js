// The quiet row under the poem: undo, redraw, marks, copy, link, cards.

import { makeCard } from "./card.js";
import { textOf } from "./poem.js";
import { canDoAgain, canTakeBack, doAgain, redraw, takeBack } from "./desk.js";
import { $, announce, attempt, button, el } from "./dom.js";
import { hashOf } from "./link.js";
import { keep, settings } from "./settings.js";
import { changed, entry, state } from "./state.js";
import { t } from "./words.js";

export function drawTools() {
  const on = entry();
  const box = $("tools");
  const focused = [...box.querySelectorAll("button")].indexOf(document.activeElement);
  box.hidden = !on;
  if (!on) return;
  box.replaceChildren(
    group(
      tool("undo", takeBack, { id: "undo", disabled: !canTakeBack() }),
      tool("redo", doAgain, { id: "redo", disabled: !canDoAgain() }),
      tool("redraw_all", () => redraw(), { id: "redraw", disabled: state.working }),
    ),
    group(toggle("tones", "tones"), toggle("rhyme", "rhyme_marks")),
    group(
      tool("copy", () => copy(textOf(on.now.poem), "copied"), { id: "copy" }),
      tool("link", () => copyLink(on), { id: "link" }),
      tool("card", () => makeCard({ save, say }), { id: "make-card" }),
    ),
  );
  if (focused >= 0) box.querySelectorAll("button")[focused]?.focus();
}

const group = (...buttons) => el("div", { class: "group" }, buttons);
const tool = (name, click, attributes) => button(t(name), click, attributes);

function toggle(setting, name) {
  const click = () => {
    keep({ [setting]: !settings[setting] });
    changed();
  };
  return button(t(name), click, { id: `show-${setting}`, "aria-pressed": String(settings[setting]) });
}

async function copy(text, done) {
  await attempt(async () => {
    if (!(await written(text))) throw new Error(t("no_copy"));
    say(t(done));
  });
}

async function copyLink(on) {
  await copy(`${location.origin}${location.pathname}#${await hashOf(on)}`, "linked");
}

/** Whether the clipboard took the text; where the page is not secure, the old way. */
async function written(text) {
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

function save(blob, kind) {
  const name = `${entry().now.poem.title || entry().now.poem.lines[0]}.${kind}`.replace(/[\\/:*?"<>|]/g, "");
  const href = URL.createObjectURL(blob);
  el("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10000);
  say(t("saved", name));
}

/** Said to everyone, for the eye a moment long. */
function say(text) {
  announce(text);
  const note = el("p", { class: "note", "aria-hidden": "true" }, text);
  ($("card") ?? $("tools")).append(note);
  setTimeout(() => note.remove(), 2500);
}
