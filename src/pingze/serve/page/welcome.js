// What a reader finds who has written nothing yet: a finished poem, a line that says what this is, and three examples.

import { ask } from "./api.js";
import { bring } from "./paste.js";
import { composeAs } from "./request.js";
import { $, attempt, button, el, redrawn } from "./dom.js";
import { named } from "./poem.js";
import { isEnglish, shown } from "./settings.js";
import { newEntry, state } from "./state.js";
import { t, table } from "./words.js";

const NAME = "林月如";
const TITLED = { form: "五律", title: "月夜", poet: "李白" };
const CI = { form: "浣溪沙", title: "秋思" };
const ENGLISH = { form: "七絕", title: "snow on the river" };
const FAULTY = "秋夜深閨夢不成，寒蛩唧唧遶堦鳴，螢光暗入簾櫳靜，月明疎疎枕簟清";

/** A poem that pingze composed: title 秋夜, after 李白, seed 2. */
export async function welcome() {
  const poem = await table("welcome");
  return newEntry(poem, { form: poem.form, title: poem.title, poet: poem.poet });
}

export function drawWelcome() {
  if (state.desk.when > 0 || state.working) return $("intro").replaceChildren();
  const tries = examples().map(([text, act, id]) => button(text, act, { id }));
  const parts = [el("p", t("intro")), el("p.examples", el("span", t("examples")), tries)];
  redrawn($("intro"), () => $("intro").replaceChildren(...parts));
}

function examples() {
  const { corpus, models } = state.known;
  const titled = models.some(({ poets }) => poets.includes(TITLED.poet));
  const english = isEnglish() && [t("example_english"), () => composeAs(ENGLISH), "try-english"];
  const checkExample = () => attempt(async () => bring((await ask("example")).text));
  const acrostic = { form: "七絕", acrostic: isEnglish() ? "春夏秋冬" : NAME };
  return [
    english,
    [t("example_acrostic", shown(acrostic.acrostic)), () => composeAs(acrostic), "try-acrostic"],
    [shown("《浣溪沙·秋思》"), () => composeAs(CI), "try-tune"],
    titled && [
      t("example_title", named(TITLED.poet), shown(TITLED.title)),
      () => composeAs(TITLED),
      "try-title",
    ],
    corpus
      ? [t("example_check", shown("杜甫"), shown("登高")), checkExample, "try-check"]
      : [t("example_fault"), () => bring(FAULTY), "try-check"],
  ].filter(Boolean);
}
