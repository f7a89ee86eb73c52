// The choices: controls for all that the server can be asked for, and what is chosen as a request.

import { ask, told } from "./api.js";
import { $, el, fill } from "./dom.js";
import { pattern, plan, showClashes, writePattern } from "./plan.js";
import { draft, keepDraft, shown } from "./settings.js";
import { state } from "./state.js";
import { t } from "./words.js";

const SLIDERS = ["temperature", "antithesis"];
const NUMBERS = new Set(["lines", "temperature", "antithesis", "original", "seed", "count"]);
const USUAL = "七絕";
const COUNT = 3; // poems at a time
const WAIT = 250; // milliseconds without a keystroke before the server is asked what clashes

let waiting = null;
let asking = new AbortController();

/** What is chosen, in the fields of the API; what is not chosen is left out. */
export function readChoices() {
  const chosen = {};
  for (const [name, value] of new FormData($("choices"))) {
    const hidden = document.querySelector(`[data-field="${name}"]`)?.hidden;
    if (value !== "" && !hidden) chosen[name] = NUMBERS.has(name) ? Number(value) : value;
  }
  if ($("repeat").checked) chosen.repeat = true;
  if (!chosen.acrostic) delete chosen.acrostic_at;
  const fixed = pattern();
  return fixed ? { ...chosen, pattern: fixed } : chosen;
}

/** Put back what a poem was asked for with, or what was chosen since, where the page is loaded again. */
export function restoreChoices({ ask: asked, now }, again = false) {
  writeChoices((again && draft("choices")) || { form: now.poem.form, ...asked });
  foldChoices();
}

/** Put choices back into the controls. */
export function writeChoices(chosen) {
  const form = $("choices");
  form.reset();
  const all = { count: COUNT, model: state.known.default_model, ...chosen };
  const write = (name) => {
    const control = form.elements.namedItem(name);
    if (control && name !== "pattern") control.value = all[name];
  };
  ["form", "model"].filter((name) => name in all).forEach(write);
  suit(); // only then is there a template or a poet of theirs to choose
  Object.keys(all).forEach(write);
  $("repeat").checked = Boolean(chosen.repeat);
  $("repeat").value = "on";
  suit();
  writePattern(chosen.pattern);
}

/** Fill the controls with what the server can do, once, and again when the language changes. */
export function drawChoices() {
  const { forms, rhymes, models, levels } = state.known;
  const first = !$("forms").childElementCount;
  if (first) forms.forEach((form) => $("forms").append(chip(form.name, form.name === USUAL)));
  for (const chip of $("forms").querySelectorAll("label")) chip.lastChild.textContent = shown(chip.dataset.name);
  fill(
    $("count"),
    [1, 2, 3, 4, 6].map((count) => [String(count), t("of_count", count)]),
  );
  fill(
    $("level"),
    levels.map((level) => [level, t(level)]),
  );
  const moods = optionOf("mood").bounds.enum.filter(Boolean);
  fill($("mood"), [["", t("mood_told")], ...moods.map((mood) => [mood, t(mood)])]);
  fill(
    $("acrostic_at"),
    ["head", "middle", "end"].map((place) => [place, t(place)]),
  );
  fill(
    $("model"),
    models.map(({ name }) => [name, name]),
  );
  $("model").closest(".field").hidden = models.length < 2;
  $("original").closest(".field").hidden = !state.known.corpus;
  drawRhymes(rhymes);
  for (const name of SLIDERS) $(name).defaultValue = optionOf(name).default;
  $("lines").min = optionOf("lines").bounds.minimum;
  $("lines").max = optionOf("lines").bounds.maximum;
  if (first) writeChoices({});
  suit();
}

function chip(name, checked) {
  const input = el("input", { type: "radio", name: "form", value: name, checked, class: "unseen" });
  const on = { pointerenter: () => tellForm(name), pointerleave: () => tellForm() };
  return el("label", { class: "chip", "data-name": name, lang: "zh-Hant", on }, input, el("span"));
}

function drawRhymes(rhymes) {
  const before = $("rhyme").value;
  const option = ({ name, label }) => el("option", { value: name }, shown(label));
  const side = (tone) => rhymes.filter((rhyme) => rhyme.side === tone).map(option);
  $("rhyme").replaceChildren(
    el("option", { value: "" }, t("any")),
    el("optgroup", { label: t("level_tone") }, side("平")),
    el("optgroup", { label: t("oblique_tone"), "data-side": "oblique" }, side("仄")),
  );
  $("rhyme").value = before;
}

/** Say what kind of poem a form is. */
const tellForm = (name = chosenForm().name) => ($("form_what").textContent = t([...name].at(-1)));

/** Show what suits the chosen form and model. */
function suit() {
  const form = chosenForm();
  tellForm();
  const model = state.known.models.find(({ name }) => name === $("model").value) ?? state.known.models[0];
  const field = (name) => document.querySelector(`[data-field="${name}"]`);
  field("lines").hidden = form.lines !== null;
  $("lines").placeholder = form.default_lines;
  field("template").hidden = !form.templates.length;
  fill($("template"), [["", t("any")], ...form.templates.map((name) => [name, shown(name)])]);
  field("antithesis").hidden = !form.antithetical;
  field("title").hidden = !model.titles;
  field("about").hidden = !model.themes;
  field("poet").hidden = !model.poets.length;
  fill($("poet"), [["", t("anyone")], ...model.poets.map((name) => [name, shown(name)])]);
  $("rhyme").querySelector("[data-side=oblique]").hidden = form.regulated;
  if (form.regulated && $("rhyme").selectedOptions[0]?.parentNode.hidden) $("rhyme").value = "";
  for (const name of SLIDERS) $(`${name}_value`).textContent = Number($(name).value).toFixed(1);
  const { acrostic_at, start, acrostic } = Object.fromEntries(new FormData($("choices")));
  plan(form.width, linesChosen(form), { acrostic_at, start, acrostic }, chose);
}

/** How many lines are chosen; more than the server would write are never drawn. */
function linesChosen({ lines, default_lines: usual }) {
  const { minimum, maximum } = optionOf("lines").bounds;
  const wanted = Math.trunc(Number($("lines").value)) || usual;
  return lines ?? Math.min(maximum, Math.max(minimum, wanted));
}

const optionOf = (wanted) => state.known.options.find(({ name }) => name === wanted);
const chosenForm = () => state.known.forms.find(({ name }) => name === new FormData($("choices")).get("form"));

/** Fold the choices away on a narrow page, or unfold them. */
export function foldChoices(open = false) {
  $("fold").setAttribute("aria-expanded", String(open));
  $("fields").classList.toggle("folded", !open);
  drawFold();
}

export function drawFold() {
  const open = $("fold").getAttribute("aria-expanded") === "true";
  $("fold").textContent = t(open ? "choices_fold" : "choices_unfold");
}

/** A choice was made: suit the controls to it, and soon ask what clashes. */
export function chose() {
  suit();
  $("reading").textContent = "";
  keepDraft("choices", readChoices());
  clearTimeout(waiting);
  waiting = setTimeout(seeClashes, WAIT);
}

/** Ask what clashes, and show it. */
export async function seeClashes() {
  asking.abort();
  asking = new AbortController();
  try {
    const { count, ...request } = readChoices();
    const { possible, ...problem } = await ask("conflicts", request, asking.signal);
    show(possible ? [] : problem.clashes, possible ? "" : told(problem.detail));
  } catch (error) {
    if (error.name !== "AbortError") showProblem(error);
  }
}

/** Show how the choices were read, where not as they were typed. */
export function showReading({ notes }) {
  $("reading").textContent = notes.map(told).join(" ");
}

/** Show what is wrong with the choices. */
export function showProblem({ clashes, field, message }) {
  show(clashes?.length ? clashes : [{ field, constraint: message }], message);
}

/** Show clashes at the foot of the choices, at their fields, and at their places. */
function show(clashes, detail) {
  const said = clashes.length === 1 ? () => detail : ({ constraint }) => told(constraint);
  $("clash").textContent = detail;
  for (const field of document.querySelectorAll("#choices .field")) {
    const here = clashes.filter((clash) => clash.field === field.dataset.field);
    field.classList.toggle("clashes", here.length > 0);
    field.querySelector(".at-field")?.remove();
    for (const control of field.querySelectorAll("input:not(#plan input), select")) {
      if (here.length) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
    }
    if (!here.length) continue;
    field.append(el("p", { class: "at-field" }, here.map(said).join("; ")));
    field.closest("details")?.setAttribute("open", "");
  }
  showClashes(clashes);
  if (clashes.some(({ line }) => line)) $("bounds").open = true;
}
