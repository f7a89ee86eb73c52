// A Simplified text: what each character that stands for several words was read as, with the others to choose from.

import { button, el } from "./dom.js";
import { shown, traditionals } from "./script.js";
import { t } from "./words.js";

/** What was read as what in a verdict: the note says it as "云 as 雲". */
const chosenIn = ({ remarks }) =>
  new Map(remarks.filter(({ code }) => code === "chosen").flatMap(({ has }) => has.map((one) => one.split(" as "))));

/** A text with the characters that were read in place of those that are written; a few may be chosen otherwise. */
export function asRead(text, verdict, otherwise = new Map()) {
  const chosen = new Map([...chosenIn(verdict), ...otherwise]);
  return [...text].map((c) => chosen.get(c) ?? (traditionals(c).length === 1 ? traditionals(c)[0] : c)).join("");
}

/** A row for each such character; `correct(written, word)` hears of another choice. Null where nothing was chosen. */
export function readingChips(verdict, correct) {
  const rows = [...chosenIn(verdict)].map(([written, read]) =>
    el(
      "li",
      { class: "fits" },
      el("span", {}, t("read_as", written)),
      [...new Set([...traditionals(written), written])].map((word) =>
        button(word, () => correct(written, word), {
          class: "plain fit",
          "aria-pressed": String(word === read),
          lang: "zh-Hant",
          "aria-label": t("read_it_as", written, word),
        }),
      ),
    ),
  );
  return rows.length ? el("ul", { class: "readings", "aria-label": shown(t("chosen_words")) }, rows) : null;
}
