// The verdict on the poem of the sheet: each fault with what would mend it, and what else the checker notes; by the sheet's own
// rules and by another set beside them.

import { told } from "./api.js";
import { judgeAs, mend, mendedSaid, rereadAs } from "./actions.js";
import { $, button, el, fill, redrawn } from "./dom.js";
import { chooseForm, factsOf, standardOf } from "./forms.js";
import { notedIn, UNREAD, verdict, verdictBy } from "./verdict.js";
import { taken } from "./pattern.js";
import { wants } from "./poem.js";
import { settings, shown, simple, traditionals } from "./settings.js";
import { BLANK, charAt, COUPLET, isFull, keyOf, placesOf, widthsOf } from "./shape.js";
import { choose } from "./sheet.js";
import { entry, state } from "./state.js";
import { t } from "./words.js";

export const drawVerdict = () => redrawn($("verdict"), draw);

function draw() {
  const on = entry();
  const box = $("faults");
  const checked = verdict(on);
  const found = checked?.violations ?? [];
  const changes = on.now.mended ? changesSaid(on.now.mended) : null;
  const { form, lines } = on.now.poem;
  const canMend = isFull(lines) && form !== COUPLET;
  const isMended = found.length && canMend && !found.every(ofCouplet); // else its row mends it
  const mending = isMended ? button(t("mend"), mend, { id: "mend" }) : null;
  const parts = [changes, faultList(found, canMend), mending, acrosticSaid(on)];
  box.replaceChildren(...parts.filter(Boolean));
  $("whole-verdict").hidden = !settings.verdict;
  const isOther = ([name]) => ![checked?.level, checked?.standard].includes(name);
  const levels = state.known.levels.map((level) => [level, t(level)]);
  const standards = state.known.standards.map(({ name, label }) => [name, shown(label)]);
  fill($("beside"), [["", t("beside_none")], ...[...levels, ...standards].filter(isOther)]);
  const notes = checked?.notes?.map((note, at) => noteOf(note, checked.remarks[at])) ?? [];
  const isOffer = (note) => note?.matches("button"); // another form
  box.append(...notes.filter(isOffer));
  const remarks = notes.filter((note) => note && !isOffer(note));
  const isSound = checked?.form && isFull(lines) && !found.length;
  const sound = t(remarks.length ? "all_hold_noted" : "all_hold", shown(checked?.form ?? ""));
  const below = [isSound && el("p", sound), ...remarks, readingChips(on), beside(on)];
  $("notes").replaceChildren(...below.filter(Boolean));
  if (isFull(lines)) $("notes").append(matchSaid(checked) ?? "");
}

function faultList(found, canMend = false) {
  const rows = found.map((fault) => faultRow(fault, canMend && ofCouplet(fault)));
  return rows.length ? el("ul.faults", rows) : null;
}

/** Whether a fault is of its whole couplet: no other character there would mend it. */
const ofCouplet = ({ rule, fitting }) => rule === "失黏" && !fitting.length;

/** That an acrostic was asked for which does not stand any more; null where it does. */
function acrosticSaid({ ask, now: { poem } }) {
  const wanted = taken({ ...ask, start: "" }, poem.lines);
  const places = placesOf(widthsOf(poem.lines)).filter((place) => wanted.has(keyOf(place)));
  const asked = places.map((place) => wanted.get(keyOf(place)));
  const has = places.map((place) => charAt(poem.lines, place));
  const differs = (one, at) => one !== BLANK && simple(one) !== simple(asked[at]);
  if (!has.some(differs)) return null;
  const label = t(`acrostic_${ask.acrostic_at ?? "head"}`);
  return el("p", t("acrostic_differs", label, shown(asked.join("")), shown(has.join(""))));
}

/** What a poem is, and how many faults it has. */
export function heading(checked) {
  const count = checked.violations.length;
  const { form } = checked;
  const isWhole = isFull(checked.lines) && !checked.lines.join("").includes(UNREAD);
  const none = t(isWhole ? "no_faults" : "no_faults_yet");
  const faults = form ? (count ? t("faults", count) : none) : t("no_form");
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

/** How far lines that should match were looked at, where no note doubts that they do. */
function matchSaid(checked) {
  const form = state.known.forms.find(({ name }) => name === checked?.form);
  const isDoubted = ({ code, rule }) => code === "weak_antithesis" || rule === "合掌";
  const isSeen = checked?.judged === "tones" || form?.antithetical; // a couplet alone has no form
  const matches = isSeen && !checked.remarks.some(isDoubted);
  return matches ? el("p.hint", t("matches")) : null;
}

/** A note; one that names a form other than the one judged is a button that judges the poem as that. */
function noteOf(note, { code, rule, has, form, other = form }) {
  if (code === "fine" && rule !== "合掌") return null; // the remarks of later manuals
  const looksSame = (pair) => /^(.)→\1$/u.test(told(pair)); // as 里→裡 to a reader of Simplified
  if (code === "chosen" && has.every(looksSame)) return null;
  const judge = () => {
    chooseForm(other);
    judgeAs(other);
  };
  return form ? button(told(note), judge, { class: "plain as-form" }) : el("p.hint", told(note));
}

/**
 * A fault: what is wrong at its character, its rule at one more click, and a button that opens what could stand there, or of a
 * whole couplet mends it.
 */
function faultRow(fault, isWhole) {
  const { rule, line, position, char } = fault;
  const what = t("fault_at", t(rule), line, position, shown(char || UNREAD));
  const definition = told(fault.definition);
  const here = isWhole ? t("whole_couplet", line, line + 1) : wants(fault);
  const asked = el("summary", { "aria-label": t("what") }, "?");
  const tip = here ? el("details.tip", asked, el("p.tip-text", definition)) : null;
  const act = isWhole ? mend : () => choose(fault, true);
  const open = button(t(isWhole ? "mend" : "fits"), act, { class: "plain open-place" });
  return el("li", el("div.named", el("strong", what), tip), el("span", here || definition), open);
}

/** What was mended: what changed places, then each changed character, with the rules that it broke. */
function changesSaid(mended) {
  const why = (rules) => rules.map((rule) => t(rule)).join("、");
  const swap = ({ line, other_line: to, text, other, rules }) =>
    line === to
      ? t("swap_words", line, shown(text), shown(other), why(rules))
      : t("swap_couplets", line, line + 1, to, to + 1, why(rules));
  const change = ({ line, position, old, new: character, rules }) =>
    t("change", line, position, shown(old), shown(character), why(rules));
  const said = [...mended.swaps.map(swap), ...mended.changes.map(change)];
  const rows = said.map((one) => el("li", one));
  return el("div", el("p", mendedSaid(mended)), el("ul", rows));
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
