// Ask the server, which answers in the reader's language. Its problems become a Problem, whose message is one line.

import { isEnglish, settings, shown } from "./settings.js";
import { tuneOf } from "./shape.js";
import { state } from "./state.js";
import { t } from "./words.js";

/** Milliseconds for which a problem stays before the same is asked again. */
export const PATIENCE = 5000;

class Problem extends Error {
  constructor(problem) {
    super(problem ? told(problem.detail ?? problem.title) : t("unreachable"));
    Object.assign(this, {
      clashes: problem?.clashes ?? [],
      field: problem?.field,
      cause: problem?.cause,
      passes: !problem || problem.status === 503, // the same may be answered later
    });
  }
}

/** A sentence of the server: Chinese ones are in Traditional characters. */
export const told = (sentence) => (isEnglish() ? sentence : shown(sentence));

/** A request that was called off stays that; another came to no answer. */
const lost = (error) => {
  throw error.name === "AbortError" ? error : new Problem();
};

async function send(path, body, signal) {
  const headers = { "Content-Type": "application/json", "Accept-Language": settings.language };
  const post = { method: "POST", headers, body: JSON.stringify(body) };
  const response = await fetch(`/v1/${path}`, { ...(body && post), signal }).catch(lost);
  if (!response.ok)
    throw new Problem(await response.json().catch(() => ({ title: response.statusText })));
  return response;
}

/** GET, or POST where there is a body. Throws a Problem. */
export async function ask(path, body, signal) {
  const answer = await (await send(path, body, signal)).json();
  await learnShapes(answer);
  return answer;
}

/** Ask for the shapes of tunes that an answer names as forms and the page does not know: it knows the frequent ones. */
async function learnShapes(answer) {
  const names = new Set();
  JSON.stringify(answer, (key, value) => {
    if (key === "form" && value?.includes?.("·") && !tuneOf(value)) names.add(value);
    return value;
  });
  for (const name of state.known ? names : []) {
    const response = await send(`tunes?name=${encodeURIComponent(name)}`);
    state.known.tunes.push(await response.json());
  }
}

/** Have drafts that differ written, the best first: {poems, notes, remarks}. Throws a Problem. */
export function drafts({ heading, collect, poets, model, ...sheet }, signal) {
  if (!collect) return ask("fill", { sheet, model }, signal);
  const { kept, ...body } = sheet;
  if (Array.isArray(body.lines)) {
    body.pattern = body.lines.join(" ");
    delete body.lines;
  }
  return ask("collect", { ...body, poets, model }, signal);
}

/** Have couplets written, each a poem whose heading is its 橫批. Throws a Problem. */
export async function couplets({ form, title, line, length, upper, count, ...wishes }, signal) {
  const write = title ? { write: title } : {};
  const { exclude = "", mood } = wishes;
  const unwanted = [...exclude].filter((one) => !line?.includes(one)).join("");
  const own = { line, length: length && Number(length), upper: Boolean(upper) };
  const asked = { ...own, count, mood, exclude: unwanted, ...write };
  const found = await ask("couplet", asked, signal);
  const poems = found.couplets.map(({ upper: first, lower, banner, ...rest }) => ({
    ...rest,
    form,
    title,
    heading: banner,
    lines: [first, lower],
  }));
  return { poems, notes: [], remarks: [] };
}
