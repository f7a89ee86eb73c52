// What a reader finds who has written nothing yet: a finished poem, a line that says what this is, and three examples.

import { ask } from "./api.js";
import { $, attempt, button, el } from "./dom.js";
import { named } from "./poem.js";
import { settings, shown } from "./settings.js";
import { newEntry, state } from "./state.js";
import { table } from "./tables.js";
import { t } from "./words.js";

const NAME = "林月如";
const TITLED = { form: "五律", title: "月夜", poet: "李白" };
const CI = { form: "浣溪沙", title: "秋思" };
const ENGLISH = { form: "七絕", title: "snow on the river" };
const FAULTY = "秋夜寥寥月欲明，涼風吹葉下庭楹，寒蛩唧唧繞籬落，螢光滿林聞客聲";

/** A poem that pingze composed: title 秋夜, after 李白, seed 2. */
export async function welcome() {
  const poem = { ...(await table("welcome")), log_probability: null };
  return newEntry(poem, { form: poem.form, title: poem.title, poet: poem.poet });
}

let tries = {}; // what an example does: compose(request), check(text)

/** Have the examples composed and checked by functions. */
export const startWelcome = (does) => (tries = does);

export function drawWelcome() {
  if (state.desk.when > 0 || state.working) return $("intro").replaceChildren();
  const focused = [...$("intro").querySelectorAll("button")].indexOf(document.activeElement);
  $("intro").replaceChildren(
    el("p", t("intro")),
    el(
      "p.examples",
      el("span", t("examples")),
      examples().map(([text, act, id]) => button(text, act, { id })),
    ),
  );
  $("intro").querySelectorAll("button")[focused]?.focus();
}

const checkExample = () => attempt(async () => tries.check((await ask("example")).text));

function examples() {
  const { corpus, models } = state.known;
  const titled = models.some(({ poets }) => poets.includes(TITLED.poet));
  const english = settings.language === "en" && [t("example_english"), () => tries.compose(ENGLISH), "try-english"];
  const acrostic = { form: "七絕", acrostic: settings.language === "en" ? "春夏秋冬" : NAME };
  return [
    english,
    [t("example_acrostic", shown(acrostic.acrostic)), () => tries.compose(acrostic), "try-acrostic"],
    [shown("《浣溪沙·秋思》"), () => tries.compose(CI), "try-tune"],
    titled && [t("example_title", named(TITLED.poet), shown(TITLED.title)), () => tries.compose(TITLED), "try-title"],
    corpus
      ? [t("example_check", shown("杜甫"), shown("登高")), checkExample, "try-check"]
      : [t("example_fault"), () => tries.check(FAULTY), "try-check"],
  ].filter(Boolean);
}
