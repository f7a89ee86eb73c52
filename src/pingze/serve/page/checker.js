// The verdict on the poem of the sheet: each fault with what would mend it, and what else the checker notes; by the sheet's own
// rules and by another set beside them.

import { told } from "./api.js";
import { judgeAs, mend, rereadAs } from "./actions.js";
import { $, button, el, fill, redrawn } from "./dom.js";
import { chooseForm, factsOf, standardOf } from "./forms.js";
import { notedIn, verdict, verdictBy } from "./verdict.js";
import { wants } from "./poem.js";
import { settings, shown, traditionals } from "./settings.js";
import { COUPLET, isFull } from "./shape.js";
import { choose } from "./sheet.js";
import { entry, state } from "./state.js";
import { t } from "./words.js";

export const drawVerdict = () => redrawn($("verdict"), draw);

function draw() {
  const on = entry();
  const box = $("faults");
  const checked = verdict(on);
  const found = checked?.violations ?? [];
  const changes = on.now.changes ? changesSaid(on.now.changes) : null;
  const { form, lines } = on.now.poem;
  const canMend = isFull(lines) && form !== COUPLET;
  const mending = button(t("mend"), mend, { id: "mend" });
  box.replaceChildren(
    ...[changes, faultList(found), found.length && canMend ? mending : null].filter(Boolean),
  );
  $("whole-verdict").hidden = !settings.verdict;
  const isOther = ([name]) => ![checked?.level, checked?.standard].includes(name);
  const levels = state.known.levels.map((level) => [level, t(level)]);
  const standards = state.known.standards.map(({ name, label }) => [name, shown(label)]);
  fill($("beside"), [["", t("beside_none")], ...[...levels, ...standards].filter(isOther)]);
  const notes = checked?.notes?.map((note, at) => noteOf(note, checked.remarks[at])) ?? [];
  const isOffer = (note) => note?.matches("button"); // another form
  box.append(...notes.filter(isOffer));
  const rest = [...notes, matchSaid(checked), readingChips(on), beside(on)].filter(
    (note) => note && !isOffer(note),
  );
  const isSound = checked?.form && isFull(lines) && !found.length;
  const holds = isSound ? t(rest.length ? "all_hold_noted" : "all_hold", shown(checked.form)) : "";
  $("notes").replaceChildren(holds && el("p", holds), ...rest);
}

const faultList = (found) => (found.length ? el("ul.faults", found.map(faultRow)) : null);

/** What a poem is, and how many faults it has. */
export function heading(checked) {
  const count = checked.violations.length;
  const { form } = checked;
  const isWhole = !checked.lines.join("").includes("□");
  const faults = form ? (count ? t("faults", count) : isWhole && t("no_faults")) : t("no_form");
  const kinds = checked.form ? checked.remarks.map(({ name }) => shown(name ?? "")) : []; // 古絕, 折腰體
  const noted = new Set(notedIn(checked).map(({ rule }) => t(rule)));
  const notes = noted.size ? t("noted", [...noted].join(t("comma"))) : "";
  return [checked.form && factsOf(checked, checked.standard), ...kinds, faults, notes]
    .filter(Boolean)
    .join(" · ");
}

/** The verdict by the second set of rules; null where none is chosen. */
function beside(on) {
  const other = $("beside").value;
  if (!other) return null;
  const by = state.known.levels.includes(other) ? { level: other } : { standard: other };
  const checked = verdictBy(on, by);
  if (!checked?.lines) return el("p.hint", checked?.problem ?? t("loading"));
  const { level, standard } = checked;
  const named = [shown(standardOf(standard).label), t(level)].join(" · ");
  return el(
    "section.beside",
    el("h3", named),
    el("p", heading(checked)),
    faultList(checked.violations),
  );
}

/** That a couplet's lines match, where no note says otherwise. */
function matchSaid(checked) {
  const isDoubted = ({ code }) => ["weak_antithesis", "fine"].includes(code);
  const matches = checked?.judged === "tones" && !checked.remarks.some(isDoubted);
  return matches ? el("p.hint", t("matches")) : null;
}

/** A note; one that names a form other than the one judged is a button that judges the poem as that. */
function noteOf(note, { code, has, form, other = form }) {
  const looksSame = (pair) => /^(.)→\1$/u.test(told(pair)); // as 里→裡 to a reader of Simplified
  if (code === "chosen" && has.every(looksSame)) return null;
  const judge = () => {
    chooseForm(other);
    judgeAs(other);
  };
  return form ? button(told(note), judge, { class: "plain as-form" }) : el("p.hint", told(note));
}

/** A fault: what is wrong at its character, its rule at one more click, and a button that opens what could stand there. */
function faultRow(fault) {
  const { rule, line, position, char } = fault;
  const what = t("fault_at", t(rule), line, position, shown(char || "□"));
  const definition = told(fault.definition);
  const here = wants(fault);
  const asked = el("summary", { "aria-label": t("what") }, "?");
  const tip = here ? el("details.tip", asked, el("p.tip-text", definition)) : null;
  const open = button(t("fits"), () => choose(fault, true), { class: "plain open-place" });
  return el("li", el("div.named", el("strong", what), tip), el("span", here || definition), open);
}

/** What was mended, character by character: what was at fault, and what was changed to fit. */
function changesSaid(changes) {
  const why = (rules) =>
    t(rules.length ? "was_at_fault" : "to_fit", rules.map((rule) => t(rule)).join("、"));
  const row = ({ line, position, old, new: character, rules }) =>
    el("li", t("change", line, position, shown(old), shown(character), why(rules)));
  return el("div", el("p", t("mended", changes.length)), el("ul", changes.map(row)));
}

// A Simplified text: what each character that stands for several words was read as, with the others to choose from.

function readingChips(on) {
  const row = (pair) => {
    const [written, read] = pair.split("→"); // 云→雲; a character may be read in two ways
    const choice = (word) => {
      return button(word, () => rereadAs(pair, word), {
        class: "plain fit",
        "aria-label": t("read_it_as", written, word),
        "aria-pressed": String(word === read),
        lang: "zh-Hant",
      });
    };
    const words = [...new Set([...traditionals(written), written])];
    return el("li.fits", el("span", t("read_as", written)), words.map(choice));
  };
  const rows = (on.now.chosen ?? []).map(row);
  return rows.length ? el("ul.readings", { "aria-label": shown(t("chosen_words")) }, rows) : null;
}
