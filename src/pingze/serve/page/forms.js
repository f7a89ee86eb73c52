// The form chooser: forms, tunes by search, couplets, and poems of old lines; what each is, and where it rhymes.

import { $, el, fill, setInvalid } from "./dom.js";
import { pinyin, syllables } from "./glosses.js";
import { plain, rhymeOf, rhymesIn } from "./poem.js";
import { isEnglish, settings, shown, simple } from "./settings.js";
import { COUPLET, placesOf, stanzasOf, tuneOf, widthsAsked } from "./shape.js";
import { state } from "./state.js";
import { t } from "./words.js";

const TUNE = "詞";
const USUAL = "七絕";
const USUAL_TUNE = "浣溪沙";

let sounds = new Map(); // the syllable of each character, by which tunes are found

/** The form that is chosen: one of the server's forms or tunes, or the couplet. */
export function chosenForm() {
  const chosen = new FormData($("choices")).get("form");
  const name = chosen === TUNE ? $("tune").value : chosen;
  const found = state.known.forms.find((form) => form.name === name) ?? tuneOf(name);
  return { name, lines: 0, templates: [], regulated: false, antithetical: false, ...found };
}

export function chooseForm(name) {
  if (name !== COUPLET && !widthsAsked(name).length) return; // a text that has the form of none
  $("tune_search").value = "";
  drawTunes();
  $("choices").elements.namedItem("form").value = tuneOf(name) ? TUNE : name;
  if (tuneOf(name)) $("tune").value = name;
}

/** Old lines make forms of 詩 only: a choice of one of both gives up the other. */
export function suitQuoting(chosen) {
  if (chosenForm().width) return;
  if (chosen === $("collect")) chooseForm(USUAL);
  else $("collect").checked = false;
}

/** Draw the chooser, and its names again when the language changes. */
export function drawForms() {
  if (!$("forms").childElementCount) {
    const names = [...state.known.forms.map(({ name }) => name), TUNE, COUPLET];
    const quotes = chip("集句", { type: "checkbox", name: "collect", id: "collect" });
    $("forms").append(
      ...names.map((name) => chip(name, { type: "radio", name: "form", value: name })),
      quotes,
    );
    quotes.dataset.field = "collect";
    chooseForm(USUAL);
  }
  for (const each of $("forms").querySelectorAll("label"))
    each.lastChild.replaceChildren(
      shown(each.dataset.name),
      el("small", formInEnglish(each.dataset.name)),
    );
}

function chip(name, attributes) {
  const on = { pointerenter: () => tellForm(name), pointerleave: () => tellForm() };
  const input = el("input", { ...attributes, checked: name === USUAL, class: "unseen" });
  return el("label.chip", { "data-name": name, lang: "zh-Hant", on }, input, el("span"));
}

/** Show what can be chosen of the chosen form, and what it is; the form. */
export function suitForm() {
  drawTunes();
  const form = chosenForm();
  tellForm();
  fill($("template"), [["", t("any")], ...form.templates.map((name) => [name, templateIn(name)])]);
  drawRhymes(form);
  const sign = (tone) => ({ P: "○", Z: "●" })[tone] ?? "◐";
  const foot = (mark) => (mark === "。" ? "◎" : "$&");
  const row = (tones, mark) => tones.replace(/./g, sign).replace(/.$/, foot(mark)) + mark;
  const stanza = (lines) =>
    lines.map((line) => row(form.tones[line - 1], form.marks[line - 1])).join("");
  const stanzas = form.tones ? stanzasOf({ form: form.name, lines: form.tones }) : [];
  $("tune_pattern").textContent = stanzas.map(stanza).join("\n");
  return form;
}

/** Have the syllables at hand by which tunes are found. */
async function learnSounds() {
  if (sounds.size) return;
  sounds = await syllables();
  $("tune_search").dispatchEvent(new Event("input", { bubbles: true }));
}

/** List the tunes that are found by any of their names, in either script or as pinyin. */
function drawTunes() {
  const bare = (text) => simple(plain(text).replace(/\s/g, "").toLowerCase());
  const wanted = bare($("tune_search").value);
  if (/[a-z]/.test(wanted)) learnSounds();
  const soundOf = (name) => [...name].map((one) => sounds.get(one) ?? "").join("");
  const isFound = ({ names }) =>
    names.some((name) => [name, soundOf(name)].some((one) => bare(one).includes(wanted)));
  const size = ({ widths }) => t("of_characters", placesOf(widths).length);
  const option = (tune) => [tune.name, [shown(tune.name), pinyin(tune.name), size(tune)].join(" ")];
  const found = state.known.tunes.filter(isFound);
  setInvalid($("tune_search"), !found.length);
  $("no_tune").textContent = found.length ? "" : t("no_tune");
  if (found.length) fill($("tune"), found.map(option));
  if ($("tune").selectedIndex < 0)
    $("tune").value = (found.find(({ name }) => name === USUAL_TUNE) ?? found[0]).name;
}

const kindOf = (name) => (tuneOf(name) ? TUNE : [...name].at(-1));

function tellForm(name = $("collect").checked ? "集句" : chosenForm().name) {
  const lacks = name === "集句" && !state.known.corpus;
  $("form_what").textContent = t(lacks ? "no_corpus" : kindOf(name));
}

/** A form's name for a reader of English, "" for others. */
function formInEnglish(name) {
  if (!isEnglish() || !"絕律排古詞聯句".includes(kindOf(name))) return ""; // a tune of another version
  const kind = t(`${kindOf(name)}_name`, { 五: 5, 七: 7 }[name[0]] ?? "");
  return tuneOf(name) ? `${pinyin(name)}, ${kind}` : kind;
}

function templateIn(name) {
  if (!isEnglish() || !/^[平仄]起/.test(name)) return shown(name);
  const begins = t(name[0] === "平" ? "level_tone" : "oblique_tone");
  return t(name.endsWith("首句入韻") ? "template_rhymed" : "template_free", begins);
}

/** The standard of rhyme of a name, by default the reader's. */
export const standardOf = (wanted = settings.standard) =>
  state.known.standards.find(({ name }) => name === wanted);

export function factsOf({ form, template, rhyme }, standard = "pingshui") {
  const by = standard !== "pingshui" && shown(standardOf(standard)?.label ?? standard);
  const named = [shown(form), formInEnglish(form)].filter(Boolean).join(" ");
  return [named, template && templateIn(template), rhyme && rhymeOf(rhyme), by]
    .filter(Boolean)
    .join(" · ");
}

/** List the rhyme groups of a form; of a tune the parts in which 詞 rhyme. */
function drawRhymes({ rhymes: kinds, regulated }) {
  const { rhymes, parts } = standardOf();
  const before = $("rhyme").value;
  const option = ({ name, label }) =>
    el(
      "option",
      { value: name },
      `${shown(label)} ${rhymesIn(label.split(" ")[1] ?? name)}`.trim(),
    );
  const entering = parts.filter(({ side }) => side === "入");
  const fitting =
    { 平: parts.filter((part) => !entering.includes(part)), 入: entering }[kinds?.[0]] ?? parts;
  const of = (tone, label) =>
    el("optgroup", { label: t(label) }, rhymes.filter(({ side }) => side === tone).map(option));
  const groups = [of("平", "level_tone"), ...(regulated ? [] : [of("仄", "oblique_tone")])];
  const any = el("option", { value: "" }, t("any"));
  $("rhyme").replaceChildren(
    any,
    ...(kinds ? (fitting.length ? fitting : parts).map(option) : groups),
  );
  $("rhyme").value = before;
  if ($("rhyme").selectedIndex < 0) $("rhyme").value = "";
}
