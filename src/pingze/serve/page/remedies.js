// What a refusal advises, as buttons that do it: each clash knows its field and place, each cause what may be given instead.

import { button } from "./dom.js";
import { freePlace } from "./plan.js";
import { shown } from "./settings.js";
import { state } from "./state.js";
import { t } from "./words.js";

/**
 * The buttons for a clash, or for the cause of a refusal where it is of one field. `does` is what they do:
 * clear(...names), write(name, value), form(name, lines). `form` is the form that is chosen.
 */
export function remedies(clash, cause, does, form) {
  if (!clash.field) return [];
  const control = document.getElementById(clash.field);
  const found = cause && cause.code !== "clash" ? ofCause(cause, control, does, form) : ofClash(clash, control, does);
  return found.map(([label, act]) => button(label, act, { class: "plain remedy" }));
}

/** Give up what clashes, or move the acrostic to the heads of the lines. */
function ofClash({ field, line, position, has }, control, does) {
  const drop = [t("give_up", has ? shown(String(has)) : t(field)), () => does.clear(field)];
  if (field === "pattern" && line) drop[1] = () => does.clear(...(freePlace(line, position) ? [] : ["pattern"]));
  if (["include", "exclude"].includes(field) && has)
    drop[1] = () => does.write(field, control.value.replace(String(has), "").trim());
  const atHead = field === "acrostic" && document.querySelector("#acrostic_at").value !== "head";
  return [...(atHead ? [[t("to_head"), () => does.write("acrostic_at", "head")]] : []), drop];
}

function ofCause({ code, field, has, most, least, choices = [] }, control, does, form) {
  const same = (lines) =>
    state.known.forms.filter(({ width }) => width === form.width).find((one) => one.lines === lines);
  const free = state.known.forms.find(({ width, regulated }) => width === form.width && !regulated);
  const put = (other) => does.write(field, control.value === has ? other : control.value.replaceAll(has, other));
  const found = choices.slice(0, 4).map((one) => [t("instead", shown(String(has)), shown(one)), () => put(one)]);
  if (code === "too_long") found.push(...longer(field, has, most));
  if (code === "oblique_rhyme" && free) found.push([t("take_form", shown(free.name)), () => does.form(free.name)]);
  if (/^ends_/.test(code))
    found.push([
      t(code === "ends_level" ? "write_upper" : "write_lower"),
      () => does.write("upper", code === "ends_level" ? "yes" : ""),
    ]);
  if (code === "range" && has < least) found.push([t("instead", has, least), () => does.write(field, least)]);
  if (code === "range" && has > most) found.push([t("instead", has, most), () => does.write(field, most)]);
  return [...found, [t("give_up", t(field)), () => does.clear(field)]];

  /** A form with as many lines as the acrostic has characters, or the text cut to what it may have. */
  function longer(field, has, most) {
    const fits = field === "acrostic" ? (same(has) ?? (has % 2 ? null : free)) : null;
    const cut = () => does.write(field, [...control.value].slice(0, most).join(""));
    const takes = fits ? [[t("take_form", shown(fits.name)), () => does.form(fits.name, fits.lines ? null : has)]] : [];
    return [...takes, [t("cut_to", most), cut]];
  }
}
