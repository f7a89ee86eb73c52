// The page's tables, each a JSON file beside it; and what the page says, which is one of them: words.json has each sentence
// in Chinese, in Traditional characters, then in English.

import { isEnglish, settings, shown } from "./settings.js";

const fetched = {};

/** A table by name, fetched once; empty where it cannot be had. The page without a server brings tables along. */
export const table = (name) => (fetched[name] ??= load(name));

async function load(name) {
  // @ts-ignore
  return (
    globalThis.pingzeTables?.[name] ??
    fetch(`/page/${name}.json`).then((found) => found.json(), Object)
  );
}

const words = await table("words");

/** The string of a name in the reader's language, with $1, $2, … put in. */
export function t(name, ...parts) {
  const text = words[name][isEnglish() ? 1 : 0];
  const filled = text.replace(/\$(\d)/g, (_, number) => parts[number - 1]);
  return isEnglish() ? filled : shown(filled);
}

/** Write every string that stands in the page's own markup. */
export function translate() {
  document.documentElement.lang = isEnglish() ? "en" : verseLanguage();
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-hint]"))
    node.placeholder = shown(node.dataset.hint);
  for (const node of document.querySelectorAll("[data-label]"))
    node.ariaLabel = t(node.dataset.label);
}

/** The language that verse is marked with, so that its glyphs are of the right region. */
export const verseLanguage = () => (settings.script === "simplified" ? "zh-Hans" : "zh-Hant");
