// The page's address: it holds the poem on the sheet, and Back and Forward lead from desk to desk and from view to view.

import { restoreChoices } from "./request.js";
import { open } from "./actions.js";
import { trouble } from "./dom.js";
import { entryOf, hashOf } from "./link.js";
import { shutByBack, useSpare } from "./overlay.js";
import { titleOf, written } from "./poem.js";
import { desks, findDesk } from "./shelf_storage.js";
import { changed, entry, newDesk, state } from "./state.js";
import { welcome } from "./welcome.js";
import { t } from "./words.js";

/** The address follows the poem, so that it can be copied at any time; another desk or view is another step of the browser. */
export async function writeAddress() {
  const on = entry();
  const { now } = on;
  document.title = [written(now.poem, titleOf(now.poem) || now.poem.lines[0]), t("page")].join(
    " · ",
  );
  const here = { desk: state.desk.id, view: state.view };
  const isHere = () => history.state?.desk === here.desk && history.state.view === here.view;
  if (history.state && !isHere() && !useSpare()) history.pushState(here, "", location.pathname);
  else if (!isHere()) history.replaceState(here, "");
  const hash = await hashOf(on);
  if (entry()?.now === now && isHere()) history.replaceState(here, "", `#${hash}`);
}

/** What lies on the desk when the page opens: what lay there, or the linked poem, or the newest of the shelf. */
export async function arrive() {
  const found = remembered() ?? (await linked()) ?? findDesk(desks()[0]?.id);
  open(found ?? newDesk([await welcome()]));
  await restoreChoices(found ? entry() : { ask: {}, now: entry().now }, Boolean(history.state));
  state.view = history.state?.view ?? state.view;
  changed();
  window.addEventListener("popstate", travel);
}

async function travel() {
  if (shutByBack()) return;
  const found = remembered() ?? (await linked());
  if (found && found !== state.desk) {
    open(found);
    await restoreChoices(entry());
  }
  state.view = history.state?.view ?? "compose";
  changed();
}

const remembered = () => (history.state?.desk ? findDesk(history.state.desk) : null);

async function linked() {
  try {
    const found = await entryOf(location.hash);
    const desk = found && newDesk([found]);
    if (desk && history.state) history.replaceState({ ...history.state, desk: desk.id }, ""); // else Back would not pass it
    return desk;
  } catch {
    trouble(t("not_a_link"));
    return null;
  }
}
