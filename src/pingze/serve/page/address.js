// The page's address: it holds the poem on the sheet, and Back and Forward lead from desk to desk.

import { restoreChoices } from "./choices.js";
import { open } from "./desk.js";
import { entryOf, hashOf } from "./link.js";
import { trouble } from "./say.js";
import { shown } from "./script.js";
import { desks, findDesk } from "./shelf_storage.js";
import { changed, entry, newDesk, state } from "./state.js";
import { welcome } from "./welcome.js";
import { t } from "./words.js";

/** The address follows the poem, so that it can be copied at any time; another desk is another step of the browser. */
export function writeAddress() {
  const on = entry();
  if (!on) return;
  document.title = [shown(on.now.poem.title ?? on.now.poem.lines[0]), t("page")].join(" · ");
  const here = { desk: state.desk.id };
  const hash = state.desk.when || location.hash ? hashOf(on) : "";
  const linked = hash === null && !state.desk.when; // a link of the older kind may hold what this one cannot
  const address = hash ? `#${hash}` : location.pathname + (linked ? location.hash : "");
  if (history.state && history.state.desk !== here.desk) history.pushState(here, "", address);
  else history.replaceState(here, "", address);
}

/** What lies on the desk when the page opens: what lay there, or the linked poem, or the newest of the shelf. */
export function arrive() {
  const again = remembered();
  const found = again ?? linked() ?? findDesk(desks()[0]?.id);
  if (found) show(found, Boolean(again));
  else open(newDesk([welcome()]));
  changed();
  window.addEventListener("popstate", travel);
}

function travel() {
  const found = remembered() ?? linked();
  if (!found) return;
  show(found);
  changed();
}

function show(desk, again = false) {
  open(desk);
  restoreChoices(entry(), again);
}

const remembered = () => (history.state?.desk ? findDesk(history.state.desk) : null);

function linked() {
  try {
    const found = entryOf(location.hash);
    return found && newDesk([found]);
  } catch {
    trouble(t("not_a_link"));
    return null;
  }
}
