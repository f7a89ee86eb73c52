// The checker of a person's own poems: their tones and rhymes, each fault and what would mend it; by one set of rules, or by
// two beside each other.

import { ask, told } from "./api.js";
import { takeUp, turnTo } from "./actions.js";
import { $, announce, attempt, button, el, fill } from "./dom.js";
import { factsOf, standardOf } from "./forms.js";
import { blamed, seen } from "./verdict.js";
import { book } from "./poem.js";
import { keep, settings, shown, simple, traditionals, typedPairs } from "./settings.js";
import { charAt, keyOf, rewrite, tuneOf, widthsOf } from "./shape.js";
import { changesSaid, faultRow, fit, focusPlace } from "./sheet.js";
import { replaceDesk } from "./shelf_storage.js";
import { newDesk, newEntry, state } from "./state.js";
import { t, verseLanguage } from "./words.js";

const WAIT = 400; // milliseconds without a keystroke before the text is checked
const HAN = /\p{Script=Han}/u;
const OLD_STYLE = { 5: "五古", 7: "七古" };

let sides = null; // the verdicts on the poems of the text, by each set of rules
let checked = "";
let mended = null; // the text before it was mended, and what was changed; null where another took its place
let waiting = null;
let asking = new AbortController();

/** Have the text checked as it is typed. */
export function startChecker() {
  $("text").value = settings.text;
  $("checking").addEventListener("input", () => {
    keep({ text: $("text").value });
    sides = mended = null; // a verdict never stands beside another text, or other rules
    asking.abort();
    drawChecker();
    clearTimeout(waiting);
    waiting = setTimeout(checkNow, WAIT);
  });
  checkNow();
}

/** Turn to the checker with a text, whose form it finds; what a person had written there can be had back. */
export async function check(text) {
  const before = $("text").value;
  turnTo("check");
  $("check_form").value = "";
  await checkText(text);
  if (!HAN.test(before) || before === text || $("text").value !== text) return;
  mended = { before, changes: null };
  drawChecker();
}

/** Check a text as if a person had written it. */
function checkText(text) {
  $("text").value = text;
  $("text").dispatchEvent(new Event("input", { bubbles: true }));
  clearTimeout(waiting);
  return checkNow();
}

/** Draw the checker again as the page changes, but not under the reader's hand. */
export const redrawChecker = () => $("verdicts").contains(document.activeElement) || drawChecker();

export function drawChecker() {
  if (!state.known) return;
  const forms = [...state.known.forms, ...state.known.tunes].map(({ name }) => [name, shown(name)]);
  const levels = state.known.levels.map((level) => [level, t(level)]);
  const standards = state.known.standards.map(({ name, label }) => [name, shown(label)]);
  fill($("check_form"), [["", t("found_form")], ...forms]);
  const isOther = ([name]) => ![$("check_level").value, settings.standard].includes(name);
  fill($("beside"), [["", t("beside_none")], ...[...levels, ...standards].filter(isOther)]);
  const text = $("text").value;
  const hint = el(
    "p.empty",
    t(HAN.test(text) ? "loading" : text.trim() ? "check_not_chinese" : "check_empty"),
  );
  const word = mended?.changes ? "take_mending_back" : "take_text_back";
  const back =
    mended && button(t(word), () => checkText(mended.before), { id: "take-mending-back" });
  const news = mended
    ? el("section.mended", mended.changes && changesSaid(mended.changes), back)
    : "";
  $("verdicts").replaceChildren(news, sides ? el("div.sides", sides.map(side)) : hint);
}

/** Have the text checked by what is chosen, in the reader's language; what was asked before is called off. */
export async function checkNow() {
  const text = $("text").value;
  if (!HAN.test(text)) return;
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  await attempt(async () => {
    const [form, other] = [$("check_form").value, $("beside").value];
    const rules = { level: $("check_level").value, standard: settings.standard };
    const isLevel = state.known.levels.includes(other);
    const both = [rules, ...(other ? [{ ...rules, [isLevel ? "level" : "standard"]: other }] : [])];
    const found = [];
    for (const by of both) {
      const as = form || (found[0]?.length === 1 && found[0][0].form); // the other side judges the same form
      found.push((await ask("check", { text, ...by, ...(as && { form: as }) }, signal)).verdicts);
    }
    [sides, checked] = [found, text];
    announce(sides.flat().map(heading).join("; "));
    drawChecker();
  });
}

/** The verdicts by one set of rules, which is named where there are two. */
function side(verdicts) {
  const [{ level, standard }] = verdicts;
  const by =
    sides.length > 1 ? el("p.by", [shown(standardOf(standard).label), t(level)].join(" · ")) : null;
  return el("div", by, verdicts.map(show));
}

function heading(verdict) {
  const count = verdict.violations.length;
  const faults = verdict.form ? (count ? t("faults", count) : t("no_faults")) : t("no_form");
  const kinds = verdict.form ? verdict.remarks.map(({ name }) => shown(name ?? "")) : []; // 古絕, 折腰體
  return [verdict.form && factsOf(verdict, verdict.standard), ...kinds, faults]
    .filter(Boolean)
    .join(" · ");
}

function show(verdict) {
  const mend = (fault, one) =>
    attempt(async () => {
      await checkText(textWith(verdict, changedLines(verdict, [{ ...fault, new: one }])));
      $("verdicts").querySelector(".fit, button")?.focus();
    });
  const row = (fault) => faultRow(fault, (one) => mend(fault, one), faultId(verdict, fault));
  const revise = () => (
    takeUp({ ...newDesk([entryOf(verdict)]), when: Date.now() }, replaceDesk),
    focusPlace()
  );
  return el(
    "article.verdict",
    el("h2", heading(verdict)),
    verdict.lines.length ? sheet(verdict) : null,
    el("ul.faults", verdict.violations.map(row)),
    verdict.notes.map((note, at) => noteOf(note, verdict.remarks[at])),
    readingChips(verdict),
    formOf(verdict) === verdict.form && verdict.violations.length ? mending(verdict) : null,
    formOf(verdict) ? button(t("revise_it"), revise, { class: "plain revise" }) : null,
  );
}

/** A note; one that names a form other than the one judged is a button that judges the poem as that. */
function noteOf(note, { code, has, form, other = form }) {
  const looksSame = (pair) => /^(.)→\1$/u.test(told(pair)); // as 里→裡 to a reader of Simplified
  if (code === "chosen" && has.every(looksSame)) return null;
  const judge = () => (($("check_form").value = other), checkNow());
  return form ? button(told(note), judge, { class: "plain as-form" }) : el("p.hint", told(note));
}

/** The form in which a poem can lie on the desk: any of its shape, with faults or without. */
function formOf({ form, judged, lines }) {
  const [width, ...more] = new Set(widthsOf(lines));
  return (
    (judged !== "tones" && form) || (more.length || lines.length % 2 ? null : OLD_STYLE[width])
  );
}

function sheet(verdict) {
  const reading = el("span.told", { role: "status", lang: verseLanguage() });
  const tell = ({ line, position }) => {
    const said = shown(verdict.readings[line - 1][position - 1].join("、")) || t("no_reading");
    reading.textContent = t("readings", shown(charAt(verdict.lines, { line, position })), said); // 看：平寒、仄翰
  };
  const act = (event, place) => {
    if (event.type !== "click" && event.key !== "Enter") return;
    tell(place);
    $(faultId(verdict, place))?.focus();
  };
  const body = book(verdict, { label: t("own_poem"), look: seen(verdict, verdict), act });
  body.addEventListener("mouseover", ({ target }) => {
    const place = target.closest("[role=gridcell]")?.dataset;
    if (place) tell(place);
  });
  body.querySelector(".seal").remove();
  return el(
    "div.sheet",
    body,
    el("p.caption", reading, settings.marks ? el("span.legend", t("legend")) : null),
  );
}

const faultId = (verdict, place) => `fault-${sides.flat().indexOf(verdict)}-${keyOf(place)}`;

function mending(verdict) {
  const keep = el("input", {
    type: "text",
    id: `keep-${sides.flat().indexOf(verdict)}`,
    lang: "zh-Hant",
  });
  const submit = (event) => (event.preventDefault(), mendAll(verdict, keep.value));
  const go = el("button", { type: "submit", class: "plain mend" }, t("mend"));
  return el(
    "form.mending",
    { on: { submit } },
    go,
    el("label", { for: keep.id }, t("mend_keep")),
    keep,
  );
}

/** Have the poem mended; its characters change in the text, which stays as it is laid out. */
async function mendAll(verdict, keep) {
  await attempt(async () => {
    const before = checked;
    const { form, level, standard, lines } = verdict;
    const [{ changes }] = (
      await ask("mend", { text: lines.join("，"), keep, form, level, standard })
    ).mended;
    if (!sides?.flat().includes(verdict)) return; // another text is there by now, and is not written over
    const after = textWith(verdict, changedLines(verdict, changes));
    await checkText(after);
    if ($("text").value !== after) return;
    mended = { before, changes: blamed(changes, verdict) };
    announce(t("mended", changes.length));
    drawChecker();
  });
}

/** A poem's lines with some characters changed, in Simplified ones where its own are so. */
function changedLines({ lines, read }, changes) {
  const text = lines.join("");
  const isOurs = settings.script === "simplified" || read.join("") !== text;
  const write = simple(text) === text && isOurs ? simple : String;
  const put = new Map(changes.map((change) => [keyOf(change), write(change.new)]));
  return rewrite(lines, (one, place) => put.get(keyOf(place)) ?? one);
}

/** The places in the checked text of each poem that was found there, and the number of a verdict's poem. */
function placesIn(verdict) {
  const verdicts = sides.find((all) => all.includes(verdict));
  const poems = verdicts.map(({ lines }) => lines);
  return { at: verdicts.indexOf(verdict), places: placesOf(checked, poems) };
}

/** The text that was checked, with other characters in the places of a poem's. Throws where it is not found there. */
function textWith(verdict, lines) {
  const { at, places } = placesIn(verdict);
  if (!places[at]) throw new Error(t("not_found"));
  const text = [...checked];
  // All of them, for a 々 says again what stands before it.
  [...lines.join("")].forEach((character, n) => (text[places[at][n]] = character));
  return text.join("");
}

/** A checked poem for the desk, under the title and poet that stand above it; as it was typed in Simplified, it is shown. */
function entryOf(verdict) {
  const { template, rhyme, level, standard, lines, read } = verdict;
  const { at, places } = placesIn(verdict);
  const above = [...checked]
    .slice(at ? (places[at - 1]?.at(-1) ?? 0) + 1 : 0, places[at]?.[0] ?? 0)
    .join("");
  const heading = above.match(/[\p{Script=Han}\w·]+/gu)?.join("　") ?? "";
  const form = formOf(verdict);
  const typed = typedPairs(read.join(""), lines.join("")).flat().join("");
  const own = rhyme?.length === 1 || tuneOf(form) ? rhyme : null;
  const poem = {
    form,
    template,
    rhyme: own,
    heading,
    typed,
    seed: 0,
    model: "",
    lines: read,
    log_probability: null,
  };
  return newEntry(poem, { form, level, standard });
}

// -- readings ----------------------------------------------------
// A Simplified text: what each character that stands for several words was read as, with the others to choose from.

/** The lines of a verdict as they were read, but for one character: where it was read as one word, another stands. */
function otherwise({ lines, read }, written, wrong, word) {
  return rewrite(read, (one, place) =>
    one === wrong && charAt(lines, place) === written ? word : one,
  );
}

/** A row for each such reading, in which another one is chosen. Null where nothing was chosen. */
function readingChips(verdict) {
  const row = ([written, read]) => {
    const choice = (word) => {
      const correct = () =>
        attempt(() => checkText(textWith(verdict, otherwise(verdict, written, read, word))));
      const as = { "aria-pressed": String(word === read), lang: "zh-Hant" };
      return fit(word, t("read_it_as", written, word), correct, as);
    };
    const words = [...new Set([...traditionals(written), written])];
    return el("li.fits", el("span", t("read_as", written)), words.map(choice));
  };
  const chosen = verdict.remarks.filter(({ code }) => code === "chosen").flatMap(({ has }) => has);
  const rows = chosen.map((one) => row(one.split("→"))); // 云→雲; a character may be read in two ways
  return rows.length ? el("ul.readings", { "aria-label": shown(t("chosen_words")) }, rows) : null;
}

// -- text --------------------------------------------------------
// A poem as a person writes it down, and where it stands in a text.

const REMARK = /\([^()\n]*\)|（[^（）\n]*）|\[[^[\]\n]*\]|〔[^〔〕\n]*〕|［[^［］\n]*］/g; // the server leaves it out

/**
 * For each poem, given as its lines, where its characters stand among those of the text; null where it is not found.
 * They follow one another with at most marks and remarks between, so that no title is taken for the line it begins like.
 */
function placesOf(text, poems) {
  const blanked = text.replace(REMARK, (remark) => " ".repeat([...remark].length));
  const written = [...blanked]
    .map((character, place) => ({ character: character.normalize(), place }))
    .filter(({ character }) => /[\p{Script=Han}□]/u.test(character));
  written.forEach((one, at) => {
    if (at && "々〻".includes(one.character)) one.character = written[at - 1].character;
  });
  let end = 0;
  return poems.map((lines) => {
    const poem = [...lines.join("")];
    const stands = (_, at) =>
      at >= end && poem.every((character, n) => written[at + n]?.character === character);
    const start = written.findIndex(stands);
    if (start < 0) return null;
    end = start + poem.length;
    return written.slice(start, end).map(({ place }) => place);
  });
}
