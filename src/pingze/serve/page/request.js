// The choices: controls for what the server can be asked for, what is chosen as a request, and what binds the poem to come.

import { entitleSheet, erase, judgeAs, layEmpty, request } from "./actions.js";
import { ask, told } from "./api.js";
import { $, button, el, fill, setInvalid, trouble } from "./dom.js";
import { chooseForm, chosenForm, drawForms, suitForm, suitQuoting } from "./forms.js";
import { modelFor } from "./verdict.js";
import { openOver, shutOver } from "./overlay.js";
import { meansOf } from "./glosses.js";
import { nameOf, named } from "./poem.js";
import { remedies } from "./remedies.js";
import { keepChoices, keptChoices, settings, shown } from "./settings.js";
import { COUPLET, isEmpty, isFull, keyOf, widthsAsked, widthsOf } from "./shape.js";
import { changed, entry, state } from "./state.js";
import {
  atOccasion,
  inChinese,
  isLearnt,
  isUnread,
  learnEnglish,
  withoutOccasion,
} from "./subjects.js";
import { t } from "./words.js";

const TEXTS = ["title", "line", "about", "start", "acrostic", "include", "exclude"]; // in which English words are read
const OF_COUPLETS = ["collect", "title", "line", "length"];
const COUNT = 3; // poems at a time
const WAIT = 250; // milliseconds without a keystroke before the server is asked what clashes

let waiting = null;
let asking = new AbortController();
let watched = ""; // what 作 would ask for, as it was last looked at
let bound = ""; // what binds the poem to come, as it is drawn
let lent = null; // the choices of an example, until the next poem has a title of its own
const before = keptChoices(); // where the page is loaded again

/** What is chosen, in the fields of the API; what is not chosen is left out. An English title stays as the heading. */
function readChoices() {
  const chosen = {};
  for (const [name, value] of new FormData($("choices"))) {
    const hidden = fieldOf(name)?.hidden;
    if (value !== "" && !hidden) chosen[name] = typed(name, value);
  }
  chosen.form = chosenForm().name;
  delete chosen.tune;
  for (const name of TEXTS) {
    const read = readEnglish(chosen[name] ?? "");
    if (!read) continue;
    if (name === "title") chosen.heading = chosen.title.trim();
    chosen[name] = read.found.join(name === "include" ? " " : "");
    if (!chosen[name]) delete chosen[name];
  }
  if (!chosen.acrostic) delete chosen.acrostic_at;
  if (!chosen.line) delete chosen.upper;
  if (chosen.form === COUPLET) return chosen;
  if (settings.standard !== optionOf("standard").default) chosen.standard = settings.standard;
  const isTyped = (poet) => nameOf(poet).toLowerCase() === chosen.poet.trim().toLowerCase();
  if (chosen.poet) chosen.poet = modelFor(chosen.form).poets.find(isTyped) ?? chosen.poet;
  return chosen;
}

/** What a control holds, in the type of its option. */
function typed(name, value) {
  if (controlOf(name).type === "checkbox") return true;
  return "maximum" in (optionOf(name)?.bounds ?? {}) ? Number(value) : value;
}

/** Take the choices to compose by; whether they clash is then told by composing alone. */
export function takeChoices() {
  if (!state.working) {
    asking.abort();
    clearTimeout(waiting);
    show([], "");
  }
  return atOccasion(readChoices());
}

/**
 * Put back what a poem was asked for with, but for what its occasion set, or what was chosen before the page was loaded again.
 */
export async function restoreChoices({ ask: asked, now }, again = false) {
  if (again && before) return writeChoices(before);
  if (/[a-z]/i.test(asked.heading ?? "")) {
    await learnEnglish();
    if (entry().ask !== asked) return; // another poem came meanwhile
  }
  writeChoices(withoutOccasion({ form: now.poem.form, ...asked }));
}

/** Put choices back into the controls; those of an example are `borrowed`. */
function writeChoices(chosen, borrowed = false) {
  $("choices").reset();
  lent = borrowed ? chosen : null;
  const all = { count: COUNT, ...chosen, title: chosen.heading ?? chosen.title };
  chooseForm(all.form ?? "七絕");
  suit(); // only then is there a template of its own to choose
  for (const name of Object.keys(all)) if (name !== "form") write(name, all[name] ?? "");
  suit();
}

export async function composeAs(request) {
  if (/[a-z]/i.test(request.title ?? "")) await learnEnglish(); // else it would be left out
  writeChoices(request, true);
  $("choices").requestSubmit();
}

/** Fill the controls with what the server can do, once, and again when the language changes. */
export function drawChoices() {
  const first = !$("forms").childElementCount;
  drawForms();
  const counts = [1, 2, 3, 4, 6].map((count) => [String(count), t("of_count", count)]);
  fill($("count"), counts);
  const subjects = t("subjects").split("; ").filter(Boolean);
  $("subjects").replaceChildren(...subjects.map((value) => el("option", { value })));
  for (const slider of sliders()) slider.defaultValue = optionOf(slider.name).default;
  $("lines").min = optionOf("lines").bounds.minimum;
  $("lines").max = optionOf("lines").bounds.maximum;
  if (first) writeChoices({});
  else suit();
}

const fields = () => [...document.querySelectorAll("[data-field]")];
const sliders = () => document.querySelectorAll("#choices [type=range]");
const fieldOf = (name) => document.querySelector(`[data-field="${name}"]`);
const controlOf = (name) => $("choices").elements.namedItem(name);

/** What a control holds at first. */
function usualOf(name) {
  const control = controlOf(name);
  return !control || control.type === "checkbox"
    ? ""
    : (control.options?.[0].value ?? control.defaultValue);
}

/** Write into a control, by default what it held at first. */
function write(name, value = usualOf(name)) {
  const control = controlOf(name);
  if (control?.type === "checkbox") control.checked = Boolean(value);
  else if (control) control.value = value;
}

/** Have all that shows the choices follow them, and keep them. */
function suit() {
  const form = suitForm();
  const isCouplet = form.name === COUPLET;
  const quotes = $("collect").checked;
  const { titles, themes, poets } = modelFor(form.name);
  const suits = {
    tune: form.widths,
    poets: quotes,
    line: false,
    length: false,
    lines: form.lines === null,
    template: form.templates.length,
    antithesis: form.antithetical,
    title: titles,
    about: themes,
    poet: poets.length && !quotes,
  };
  for (const field of fields()) {
    const { field: name } = field.dataset;
    field.hidden = isCouplet ? !OF_COUPLETS.includes(name) : name in suits && !suits[name];
  }
  if ($("line").value) fieldOf("length").hidden = true;
  $("more").hidden = isCouplet;
  drawPoets(poets);
  $("lines").placeholder = form.default_lines;
  for (const { name, value } of sliders())
    $(`${name}_value`).textContent = Number(value).toFixed(1);
  drawBound();
  keepChoices(readChoices());
}

/** List the poets of a model; the list under the reader's hand stays. */
function drawPoets(poets) {
  const key = [poets.length, settings.language, settings.script].join();
  if ($("poets").dataset.of === key) return;
  $("poets").dataset.of = key;
  $("poets").replaceChildren(
    ...poets.map((name) => el("option", { value: shown(name) }, nameOf(name))),
  );
}

/** How many lines are chosen. */
function linesChosen() {
  const wanted = Math.trunc(Number($("lines").value));
  return wanted ? Math.max(optionOf("lines").bounds.minimum, wanted + (wanted % 2)) : undefined;
}

/** The chosen form on the desk: what stands is judged by it where its lines are as long, else its empty sheet lies there. */
function reshape() {
  const { poem } = entry().now;
  const { name, regulated } = chosenForm();
  const standing = regulated || isEmpty(poem.lines) ? undefined : poem.lines.length; // 古 of any length
  const widths = widthsAsked(name, linesChosen() ?? standing);
  if (!widths.length) return; // a couplet is asked for by its own fields
  if (String(widths) !== String(widthsOf(poem.lines))) layEmpty(name, widths);
  else if (name !== poem.form) judgeAs(name);
}

const optionOf = (wanted) => state.known.options.find(({ name }) => name === wanted);

/** On a narrow page the choices are a sheet from below: open it, or fold it away. */
export function foldChoices(open = false) {
  if ($("fields").classList.contains("open") === open) return;
  $("fields").classList.toggle("open", open);
  $("fold").ariaExpanded = open;
  if (open) openOver(() => foldChoices());
  else shutOver();
}

/** Have the form of the sheet chosen, and where it is another poem's, its title. */
export function followForm(isOther) {
  const { ask: asked, now } = entry();
  chooseForm(now.poem.form);
  if (isOther) write("title", asked.heading ?? asked.title);
  suit();
}

/** The reader made a choice: an older error goes. */
export function chose({ target = null } = {}) {
  trouble();
  if (lent && target?.id === "title")
    clear(...Object.keys(lent).filter((name) => !["form", "title"].includes(name)));
  suitQuoting(target);
  const name = target?.name || target?.id;
  if (["form", "tune", "tune_search", "lines", "collect"].includes(name)) {
    suit(); // only then is the tune that a search finds chosen
    reshape();
  }
  review();
}

function review() {
  suit();
  entitleSheet(readChoices());
  watchClashes();
}

/** Soon ask what clashes, where 作 would ask for something else than before. */
export function watchClashes() {
  const key = JSON.stringify(request(readChoices()).body);
  if (key === watched) return;
  watched = key;
  clearTimeout(waiting);
  waiting = setTimeout(seeClashes, chosenForm().name === COUPLET ? 0 : WAIT);
}

function clear(...names) {
  lent = null;
  for (const name of names) write(name);
  chose();
}

/** What binds the poem to come, each with a button that takes it away. */
function drawBound() {
  const chosen = readChoices();
  const isOwn = (name) => name in chosen && String(chosen[name]) !== usualOf(name);
  const names = fields()
    .map(({ dataset }) => dataset.field)
    .filter(isOwn);
  const key = JSON.stringify([names.map((name) => chosen[name]), chosen.acrostic_at, settings]);
  showReading({ notes: [] });
  if (key === bound) return; // a button under the reader's finger stays
  bound = key;
  const item = (name) => {
    const label = name === "acrostic" ? t(`acrostic_${chosen.acrostic_at}`) : t(name);
    const said = [label, spoken(name), "×"].join(" ");
    const away = button(said, () => clear(name), { "aria-label": t("take_away", said) });
    return el("li", { "data-name": name }, away);
  };
  const reset = button(t("reset"), () => clear(...names), { id: "unbind" });
  const all = names.length > 1 ? el("li", reset) : "";
  $("bound").replaceChildren(...names.map(item), all);
}

function spoken(name) {
  const { type, selectedOptions, value } = controlOf(name);
  if (type === "checkbox") return "";
  return selectedOptions?.[0].textContent ?? (name === "poet" ? named : shown)(value);
}

export async function seeClashes() {
  asking.abort();
  asking = new AbortController();
  try {
    const { rows, body } = request(readChoices());
    const { count, heading, collect, poets, ...sheet } = body;
    if (sheet.form === COUPLET || (rows && isFull(rows))) return show([], "");
    const { clashes, detail, cause } = await ask("conflicts", { sheet }, asking.signal);
    show(clashes, told(detail), cause);
  } catch (error) {
    if (error.name !== "AbortError") showProblem(error);
  }
}

export function showProblem({ clashes, field, cause, message }) {
  show(clashes?.length ? clashes : [{ field, constraint: message }], message, cause);
}

/** Whether a clash is with a character of the sheet. */
const isWritten = ({ field, line }) => Boolean(line) && ["lines", "kept"].includes(field);

/** Show clashes at their fields, with what would resolve them, and at their places; what has no field in sight, above 作. */
function show(clashes, detail, cause) {
  const said = ({ constraint }) => (clashes.length === 1 ? detail : told(constraint));
  const put = (name, value) => (write(name, value), chose());
  const takeForm = (name, lines) => {
    chooseForm(name);
    write("lines", lines ?? "");
    chose({ target: $("lines") });
  };
  const does = { clear, write: put, form: takeForm, erase };
  const row = (here) => {
    const known = here.filter((clash) => isWritten(clash) || fieldOf(clash.field)); // nothing else can be given up
    const all = known.flatMap((clash) =>
      remedies(clash, controlOf(clash.field), cause, does, chosenForm()),
    );
    const once = [...new Map(all.map((each) => [each.textContent, each])).values()];
    return el("p.at-field", here.map(said).join("; "), " ", once);
  };
  for (const node of document.querySelectorAll(".at-field")) node.remove();
  $("clash").replaceChildren();
  for (const field of fields()) {
    const isHere = (clash) => clash.field === field.dataset.field && !isWritten(clash);
    const here = clashes.filter(isHere);
    field.classList.toggle("clashes", here.length > 0);
    for (const control of field.querySelectorAll("input:not(#tune_search), select"))
      setInvalid(control, here.length);
    if (here.length) (field.checkVisibility() ? field : $("clash")).append(row(here));
  }
  const others = clashes.filter((clash) => isWritten(clash) || !fieldOf(clash.field));
  if (others.length) $("clash").append(row(others));
  const placed = clashes.filter(isWritten);
  const isSame = String(placed.map(keyOf)) === String(state.clashes.map(keyOf));
  state.clashes = placed;
  if (!isSame) changed();
}

/** A text's English words as characters; once the table is at hand, what is chosen is read again. */
function readEnglish(typed) {
  if (/[a-z]/i.test(typed) && !isLearnt()) learnEnglish().then(review);
  return inChinese(typed);
}

/** Show how the choices were read, where not as they were typed. */
export function showReading({ notes, remarks = [] }) {
  const asked = TEXTS.filter((name) => !fieldOf(name).hidden);
  const reads = [];
  const pairs = new Set(); // a subject's word may have to appear, too
  let unwanted = "";
  for (const name of asked) {
    const read = readEnglish($(name).value);
    if (!read) continue;
    reads.push(read);
    if (name === "exclude") unwanted = read.pairs.join(", ");
    else for (const pair of read.pairs) pairs.add(pair);
  }
  const unknown = reads.flatMap((read) => read.unknown);
  const occasions = reads.map(({ occasion }) => occasion).filter(Boolean);
  const means = reads.map(({ occasion, found }) => (occasion ? meansOf(found.join("")) : ""));
  const isLost = isUnread(readChoices());
  const own = [
    [...pairs].join(", ") + means.map((text) => (text ? ` (${text})` : "")).join(""),
    ...occasions.map((name) => t("at_occasion", t(`without_${name}`))),
    unwanted ? `${t("exclude")}: ${unwanted}.` : "",
    unknown.length ? t(isLost ? "english_lost" : "english_unknown", unknown.join(", ")) : "",
  ];
  const isSame = ({ code, has, read }) => code === "converted" && shown(read) === has;
  const differs = notes.filter((_, at) => !(remarks[at] && isSame(remarks[at])));
  $("reading").textContent = [...own, ...differs.map(told)].filter(Boolean).join(" ");
}
