// What a refusal advises, as buttons that do it: each clash knows its field and place, each cause what may be given instead.

import { button } from "./dom.js";
import { shown, simple } from "./settings.js";
import { state } from "./state.js";
import { t } from "./words.js";

/**
 * The buttons for a clash, or for the cause of a refusal where it is of one field. `control` is that of the clash's field,
 * `does` what the buttons do: clear(...names), write(name, value), form(name, lines). `form` is the form that is chosen.
 */
export function remedies(clash, control, cause, does, form) {
  const found =
    cause && cause.code !== "clash"
      ? ofCause(cause, control, does, form)
      : ofClash(clash, control, does);
  return found.map(([label, act]) => button(label, act, { class: "plain remedy" }));
}

/** Give up what clashes, or move the acrostic to the heads of the lines. */
function ofClash({ field, line, position, has }, control, does) {
  const drop = [t("give_up", has ? shown(String(has)) : t(field)), () => does.clear(field)];
  if (["lines", "kept"].includes(field) && line) drop[1] = () => does.erase({ line, position });
  if (["include", "exclude"].includes(field) && has) {
    const word = [String(has), simple(String(has))].find((one) => control.value.includes(one)); // not where it was in English
    drop[1] = () => does.write(field, word ? control.value.replace(word, "").trim() : "");
  }
  const atHead = field === "acrostic" && document.querySelector("#acrostic_at").value !== "head";
  return [...(atHead ? [[t("to_head"), () => does.write("acrostic_at", "head")]] : []), drop];
}

function ofCause({ code, field, has, most, least, choices = [] }, control, does, form) {
  const ofWidth = state.known.forms.filter(({ width }) => width === form.width);
  const free = ofWidth.find(({ regulated }) => !regulated);
  const write = (value) => () => does.write(field, value);
  const put = (one) => write(control.value === has ? one : control.value.replaceAll(has, one));
  const take = (other, lines = null) =>
    other && [t("take_form", shown(other.name)), () => does.form(other.name, lines)];
  const bound = has < least ? least : most;
  // A form with as many lines as the acrostic has characters, or the text cut to what it may have
  const sized =
    field === "acrostic" && (ofWidth.find(({ lines }) => lines === has) ?? (has % 2 ? null : free));
  const found = {
    too_long: () => [
      take(sized, sized?.lines ? null : has),
      [t("cut_to", most), write([...control.value].slice(0, most).join(""))],
    ],
    oblique_rhyme: () => [take(free)],
    range: () => [[t("instead", has, bound), write(bound)]],
  }[code]?.();
  const turn = [t("write_lower"), () => does.write("upper", "")];
  return [
    ...choices.slice(0, 4).map((one) => [t("instead", shown(String(has)), shown(one)), put(one)]),
    ...(found ?? []),
    code === "ends_oblique" && turn,
    [t("give_up", t(field)), () => does.clear(field)],
  ].filter(Boolean);
}
