// What may come next at a place, and how temperature reshapes it: p = exp(ln p / T - ln Σ exp(ln p / T)), drawn as one drags.

import { el } from "./dom.js";
import { shown } from "./script.js";
import { t, verseLanguage } from "./words.js";

let temperature = 0.8; // where the slider was left

/** The figure of a place where a character stands. */
export function nextFigure(found, here) {
  const steps = found.temperatures;
  const output = el("output", { for: "next-temperature" });
  const list = el("ol", { class: "next", lang: verseLanguage() });
  const says = el("p", { class: "summary", id: "next-says" });
  const draw = () => {
    output.textContent = temperature.toFixed(1);
    list.replaceChildren(...rows(found, here));
    says.textContent = t("next_says", choices(found));
  };
  const slider = el("input", {
    id: "next-temperature",
    type: "range",
    min: steps[0],
    max: steps.at(-1),
    step: 0.1,
    value: temperature,
    on: { input: ({ target }) => ((temperature = Number(target.value)), draw()) },
  });
  draw();
  return el(
    "section",
    { class: "figure", id: "inside-next" },
    el("h3", {}, t("next")),
    el("p", { class: "hint" }, t("next_how", shown(here))),
    el("span", { class: "pair" }, el("label", { for: "next-temperature" }, t("temperature")), slider, output),
    list,
    says,
  );
}

const at = ({ temperatures }) => temperatures.findIndex((one) => Math.abs(one - temperature) < 0.01);

function choices(found) {
  const count = found.choices[at(found)];
  return count < 10 ? count.toFixed(1) : String(Math.round(count));
}

function rows(found, here) {
  return found.characters.map(({ character, log_probability: ln }) => {
    const p = Math.exp(ln / temperature - found.log_sums[at(found)]);
    const bar = el("meter", { min: 0, max: 1, value: p, "aria-hidden": "true" });
    return el(
      "li",
      { class: character === here ? "stands" : null },
      el("span", { class: "character" }, shown(character)),
      bar,
      el("small", {}, `${(100 * p).toFixed(1)} %`),
    );
  });
}
