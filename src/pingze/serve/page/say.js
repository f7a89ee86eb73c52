// What happened is read out; trouble is shown as the one line that it is.

import { $ } from "./dom.js";

/** Have a screen reader say it. */
export function announce(text) {
  $("news").textContent = text;
}

/** Show trouble, or with nothing take it away. */
export function trouble(text = "") {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

/** Do what may fail. What was called off is no trouble. Whether it was done. */
export async function attempt(act) {
  trouble();
  try {
    await act();
    return true;
  } catch (error) {
    if (error.name !== "AbortError") trouble(error.message);
    return false;
  }
}
