// The checker of a person's own poems: their tones and rhymes, each fault and what would mend it.

import { ask, told } from "./api.js";
import { $, announce, attempt, button, el, fill } from "./dom.js";
import { seen } from "./judged.js";
import { book, wants } from "./poem.js";
import { keep, settings, shown, simple, traditionals, typedPairs } from "./settings.js";
import { tuneOf, widthsOf } from "./shape.js";
import { changesSaid, factsOf } from "./sheet.js";
import { newEntry, state } from "./state.js";
import { t, verseLanguage } from "./words.js";

const WAIT = 400; // milliseconds without a keystroke before the text is checked
const HAN = /\p{Script=Han}/u;
const OLD_STYLE = { 5: "五古", 7: "七古" };

let verdicts = null;
let checked = "";
let mended = null; // the text before it was mended, and what was changed
let revise = (_poem) => {};
let waiting = null;

/** Have the text checked as it is typed, and a poem that is checked taken to the desk by a function. */
export function startChecker(take) {
  revise = take;
  $("text").value = settings.text;
  $("checking").addEventListener("input", () => {
    keep({ text: $("text").value });
    verdicts = mended = null; // a verdict never stands beside another text
    drawChecker();
    clearTimeout(waiting);
    waiting = setTimeout(see, WAIT);
  });
  checkAgain();
}

/** Have the verdicts said, or said in another language. */
export const checkAgain = () => !mended && see();

/** Check a text as if a person had written it. */
export function checkText(text) {
  $("text").value = text;
  $("text").dispatchEvent(new Event("input", { bubbles: true }));
  clearTimeout(waiting);
  return see();
}

export function drawChecker() {
  if (!state.known) return;
  const forms = [...state.known.forms, ...state.known.tunes].map(({ name }) => [name, shown(name)]);
  fill($("check_form"), [["", t("found_form")], ...forms]);
  const levels = state.known.levels.map((level) => [level, t(level)]);
  fill($("check_level"), levels);
  const hint = el("p.empty", t(HAN.test($("text").value) ? "loading" : "check_empty"));
  $("verdicts").replaceChildren(...[mendedNews(), ...(verdicts ? verdicts.map(show) : [hint])].filter(Boolean));
}

async function see() {
  const text = $("text").value;
  if (!HAN.test(text)) return;
  await attempt(async () => {
    const form = $("check_form").value;
    const body = { text, level: $("check_level").value, standard: settings.standard, ...(form && { form }) };
    const found = await ask("check", body);
    if ($("text").value !== text) return;
    [verdicts, checked] = [found.verdicts, text];
    announce(verdicts.map(heading).join("; "));
    drawChecker();
  });
}

function heading(verdict) {
  const count = verdict.violations.length;
  const faults = verdict.form ? (count ? t("faults", count) : t("no_faults")) : t("no_form");
  const kinds = verdict.form ? verdict.remarks.map(({ name }) => shown(name ?? "")) : []; // 古絕, 折腰體
  return [verdict.form && factsOf(verdict, verdict.standard), ...kinds, faults].filter(Boolean).join(" · ");
}

function show(verdict) {
  return el(
    "article.verdict",
    el("h2", heading(verdict)),
    verdict.lines.length ? sheet(verdict) : null,
    el(
      "ul.faults",
      verdict.violations.map((fault) => faultRow(verdict, fault)),
    ),
    verdict.notes.map((note, at) => noteOf(note, verdict.remarks[at])),
    readingChips(verdict, (lines) => attempt(() => checkText(textWith(verdict, lines)))),
    verdict.form && verdict.violations.length ? mending(verdict) : null,
    formOf(verdict) ? button(t("revise_it"), () => revise(entryOf(verdict)), { class: "plain revise" }) : null,
  );
}

/** A note; one that names another form is a button that judges the poem as that. */
function noteOf(note, { form }) {
  const judge = () => (($("check_form").value = form), see());
  return form ? button(told(note), judge, { class: "plain as-form" }) : el("p.hint", told(note));
}

/** The form in which a poem can lie on the desk: any of its shape, with faults or without. */
function formOf({ form, lines }) {
  const widths = new Set(widthsOf(lines));
  return form ?? (widths.size === 1 && lines.length % 2 === 0 ? OLD_STYLE[[...widths][0]] : null);
}

function sheet(verdict) {
  const { lines, readings } = verdict;
  const reading = el("span.told", { role: "status", lang: verseLanguage() });
  const tell = ({ line, position }) =>
    (reading.textContent = readingText([...lines[line - 1]][position - 1], readings[line - 1][position - 1]));
  const act = (event, place) => {
    if (event.type !== "click" && event.key !== "Enter") return;
    tell(place);
    document.getElementById(faultId(verdict, place.line, place.position))?.focus();
  };
  const body = book(verdict, { label: t("own_poem"), look: seen(verdict, verdict), act });
  body.addEventListener("mouseover", ({ target }) => {
    const place = target.closest("[role=gridcell]")?.dataset;
    if (place) tell(place);
  });
  body.querySelector(".seal").remove();
  return el("div.sheet", body, el("p.caption", reading, settings.marks ? el("span.legend", t("legend")) : null));
}

/** 看：平寒、仄翰 */
function readingText(character, readings) {
  return t("readings", shown(character), shown(readings.join("、")) || t("no_reading"));
}

const faultId = (verdict, line, position) => `fault-${verdicts.indexOf(verdict)}-${line}-${position}`;

function faultRow(verdict, fault) {
  const { rule, line, position, char, fitting } = fault;
  const choice = (character) =>
    fit(shown(character), t("fit", shown(character)), () => mend(verdict, fault, character));
  return el(
    "li",
    { id: faultId(verdict, line, position), tabindex: -1 },
    el("strong", t("fault_at", rule, line, position, shown(char || "□"))),
    el("span", wants(fault)),
    el("span.hint", told(fault.definition)),
    fitting.length ? el("p.fits", t("fits"), fitting.map(choice)) : el("p.hint", t("no_fit")),
  );
}

/** A character that could stand in a place, as a button. */
const fit = (face, label, act, more = {}) =>
  button(face, act, { class: "plain fit", "aria-label": label, lang: verseLanguage(), ...more });

/** A button that has the poem mended, and the words of it that stay. */
function mending(verdict) {
  const keep = el("input", { type: "text", id: `keep-${verdicts.indexOf(verdict)}`, lang: "zh-Hant" });
  const act = (event) => {
    event.preventDefault();
    return mendAll(verdict, keep.value);
  };
  return el(
    "form.mending",
    { on: { submit: act } },
    el("button", { type: "submit", class: "plain mend" }, t("mend")),
    el("label", { for: keep.id }, t("mend_keep")),
    keep,
  );
}

/** Have the poem mended; its characters change in the text, which stays as it is laid out. */
async function mendAll(verdict, keep) {
  await attempt(async () => {
    const before = checked;
    const { form, level, standard, lines } = verdict;
    const { changes } = await ask("mend", { text: lines.join("，"), keep, form, level, standard });
    if (!verdicts?.includes(verdict)) return; // another text is there by now, and is not written over
    const after = textWith(verdict, changedLines(verdict, changes));
    await checkText(after);
    if ($("text").value !== after) return;
    mended = { before, changes };
    announce(t("mended", changes.length));
    drawChecker();
  });
}

/** What was changed and why, with a button that takes it back. */
function mendedNews() {
  if (!mended) return null;
  const back = button(t("take_mending_back"), () => checkText(mended.before), { id: "take-mending-back" });
  return el("section.mended", changesSaid(mended.changes), back);
}

/** Put a character that fits into the text, and check again. */
async function mend(verdict, { line, position }, character) {
  await attempt(async () => {
    await checkText(textWith(verdict, changedLines(verdict, [{ line, position, new: character }])));
    $("verdicts").querySelector(".fit, button")?.focus();
  });
}

/** A poem's lines with some characters changed, in Simplified ones where its own are so. */
function changedLines({ lines, read }, changes) {
  const text = lines.join("");
  const isOurs = settings.script === "simplified" || read.join("") !== text;
  const write = simple(text) === text && isOurs ? simple : String;
  const changed = lines.map((line) => [...line]);
  for (const { line, position, new: character } of changes) changed[line - 1][position - 1] = write(character);
  return changed.map((line) => line.join(""));
}

/** The text that was checked, with other characters in the places of a poem's. Throws where it is not found there. */
function textWith(verdict, lines) {
  const poems = verdicts.map((each) => each.lines);
  const places = placesOf(checked, poems)[verdicts.indexOf(verdict)];
  if (!places) throw new Error(t("not_found"));
  const text = [...checked];
  // All of them, for a 々 says again what stands before it.
  [...lines.join("")].forEach((character, n) => (text[places[n]] = character));
  return text.join("");
}

/** A checked poem for the desk, under the title and poet that stand above it; as it was typed in Simplified, it is shown. */
function entryOf(verdict) {
  const { template, rhyme, level, standard, lines, read } = verdict;
  const at = verdicts.indexOf(verdict);
  const poems = verdicts.map((each) => each.lines);
  const places = placesOf(checked, poems);
  const above = [...checked].slice(at ? (places[at - 1]?.at(-1) ?? 0) + 1 : 0, places[at]?.[0] ?? 0).join("");
  const heading = above.match(/[\p{Script=Han}\w·]+/gu)?.join("　") ?? "";
  const poem = {
    form: formOf(verdict),
    template,
    rhyme: rhyme?.length === 1 || tuneOf(formOf(verdict)) ? rhyme : null,
    heading,
    typed: typedPairs(read.join(""), lines.join("")).flat().join(""),
    seed: 0,
    model: "",
    lines: read,
    log_probability: null,
  };
  return newEntry(poem, { form: poem.form, level, standard });
}

// -- readings ----------------------------------------------------
// A Simplified text: what each character that stands for several words was read as, with the others to choose from.

/** What was read as what in a verdict: the note has it as "云→雲". A character may be read in two ways. */
const chosenIn = ({ remarks }) =>
  remarks.filter(({ code }) => code === "chosen").flatMap(({ has }) => has.map((one) => one.split("→")));

/** The lines of a verdict as they were read, but for one character: where it was read as one word, another stands. */
function otherwise({ lines, read }, written, wrong, word) {
  const other = (was, character) => (was === written && character === wrong ? word : character);
  return read.map((line, at) => [...line].map((character, n) => other([...lines[at]][n], character)).join(""));
}

/** A row for each such reading; `correct(lines)` hears of another choice. Null where nothing was chosen. */
export function readingChips(verdict, correct) {
  const rows = chosenIn(verdict).map(([written, read]) =>
    el(
      "li.fits",
      el("span", t("read_as", written)),
      [...new Set([...traditionals(written), written])].map((word) => {
        const as = { "aria-pressed": String(word === read), lang: "zh-Hant" };
        return fit(word, t("read_it_as", written, word), () => correct(otherwise(verdict, written, read, word)), as);
      }),
    ),
  );
  return rows.length ? el("ul.readings", { "aria-label": shown(t("chosen_words")) }, rows) : null;
}

// -- text --------------------------------------------------------
// A poem as a person writes it down, and where it stands in a text.

const REMARK = /\([^()\n]*\)|（[^（）\n]*）|\[[^[\]\n]*\]|〔[^〔〕\n]*〕|［[^［］\n]*］/g; // the server leaves it out

/**
 * For each poem, given as its lines, where its characters stand among those of the text; null where it is not found.
 * They follow one another with at most marks and remarks between, so that no title is taken for the line it begins like.
 */
export function placesOf(text, poems) {
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
    const stands = (_, at) => at >= end && poem.every((character, n) => written[at + n]?.character === character);
    const start = written.findIndex(stands);
    if (start < 0) return null;
    end = start + poem.length;
    return written.slice(start, end).map(({ place }) => place);
  });
}
