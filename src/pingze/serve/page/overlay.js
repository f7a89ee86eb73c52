// What lies over the page, as on a phone: the browser's Back closes it, and nothing else.

let shut = null; // closes what is open
let spare = false; // whether the browser's step that opened it was left behind, because it was closed by other means

/** Something was opened over the page; `close` closes it. */
export function openOver(close) {
  if (!shut && !useSpare()) history.pushState({ ...history.state }, "", location.href);
  shut = close;
}

/** It was closed by other means. */
export function shutOver() {
  if (shut) spare = true;
  shut = null;
}

/** Whether a step of the browser is left behind, which the next may use. */
export function useSpare() {
  const was = spare;
  spare = false;
  return was;
}

/** Whether a step back only closed what lay over the page, or left such a step behind. */
export function shutByBack() {
  const close = shut;
  shut = null;
  close?.();
  if (close) return true;
  if (!useSpare()) return false;
  history.back();
  return true;
}
