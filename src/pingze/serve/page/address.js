// The page's address: it holds the poem on the sheet, and Back and Forward lead from desk to desk.

import { restoreChoices } from "./choices.js";
import { open } from "./desk.js";
import { trouble } from "./dom.js";
import { entryOf, hashOf } from "./link.js";
import { shown } from "./settings.js";
import { desks, findDesk } from "./shelf_storage.js";
import { changed, entry, newDesk, state } from "./state.js";
import { welcome } from "./welcome.js";
import { t } from "./words.js";

/** The address follows the poem, so that it can be copied at any time; another desk is another step of the browser. */
export async function writeAddress() {
  const on = entry();
  if (!on) return;
  document.title = [shown(on.now.poem.title ?? on.now.poem.lines[0]), t("page")].join(" · ");
  const here = { desk: state.desk.id };
  if (history.state && history.state.desk !== here.desk) history.pushState(here, "", location.pathname);
  else history.replaceState(here, "");
  if (!state.desk.when && !location.hash) return;
  const { now } = on;
  const hash = await hashOf(on);
  if (entry()?.now === now && history.state?.desk === here.desk) history.replaceState(here, "", `#${hash}`);
}

/** What lies on the desk when the page opens: what lay there, or the linked poem, or the newest of the shelf. */
export async function arrive() {
  const again = remembered();
  const found = again ?? (await linked()) ?? findDesk(desks()[0]?.id);
  if (found) show(found, Boolean(again));
  else open(newDesk([welcome()]));
  changed();
  window.addEventListener("popstate", travel);
}

async function travel() {
  const found = remembered() ?? (await linked());
  if (!found) return;
  show(found);
  changed();
}

function show(desk, again = false) {
  open(desk);
  restoreChoices(entry(), again);
}

const remembered = () => (history.state?.desk ? findDesk(history.state.desk) : null);

async function linked() {
  try {
    const found = await entryOf(location.hash);
    return found && newDesk([found]);
  } catch {
    trouble(t("not_a_link"));
    return null;
  }
}
