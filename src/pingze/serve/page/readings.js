// A Simplified text: what each character that stands for several words was read as, with the others to choose from.

import { button, el } from "./dom.js";
import { shown, traditionals } from "./script.js";
import { t } from "./words.js";

/** What was read as what in a verdict: the note says it as "云 as 雲". A character may be read in two ways. */
const chosenIn = ({ remarks }) =>
  remarks.filter(({ code }) => code === "chosen").flatMap(({ has }) => has.map((one) => one.split(" as ")));

/** The lines of a verdict as they were read, but for one character: where it was read as one word, another stands. */
function otherwise({ lines, read }, written, wrong, word) {
  const other = (was, character) => (was === written && character === wrong ? word : character);
  return read.map((line, at) => [...line].map((character, n) => other([...lines[at]][n], character)).join(""));
}

/** A row for each such reading; `correct(lines)` hears of another choice. Null where nothing was chosen. */
export function readingChips(verdict, correct) {
  const rows = chosenIn(verdict).map(([written, read]) =>
    el(
      "li",
      { class: "fits" },
      el("span", {}, t("read_as", written)),
      [...new Set([...traditionals(written), written])].map((word) =>
        button(word, () => correct(otherwise(verdict, written, read, word)), {
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
