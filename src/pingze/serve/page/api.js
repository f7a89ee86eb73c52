// Ask the server, which answers in the reader's language. Its problems become a Problem, whose message is one line.

import { settings, shown } from "./settings.js";
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
    });
  }
}

/** A sentence of the server: Chinese ones are in Traditional characters. */
export const told = (sentence) => (settings.language === "zh" ? shown(sentence) : sentence);

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

/** Compose, and hear of each poem and how it was read. What one uses weighs less in the next. Throws a Problem. */
export async function composeEach(
  { count = 1, seed = null, heading, collect, ...body },
  hear,
  signal,
) {
  const path = collect ? "collect" : "compose";
  let used = body.unlike ?? "";
  for (let next = seed, made = 0; made < count; made++, next++) {
    const apart = !body.like && used ? { unlike: used } : {};
    const { poems, ...told } = await ask(path, { ...body, ...apart, seed: next }, signal);
    used = (used + poems[0].lines.join("")).slice(-1000);
    hear(poems[0], told);
    next = poems[0].seed;
  }
}

/** Write couplets, and hear of each as a poem whose heading is its 橫批. Throws a Problem. */
export async function coupletEach({ form, title, heading, upper, ...body }, hear, signal) {
  const asked = { ...body, upper: Boolean(upper), ...(title && { write: title }) };
  const { couplets } = await ask("couplet", asked, signal);
  for (const { upper: first, lower, banner, ...rest } of couplets) {
    const poem = { ...rest, form, title, heading: banner, lines: [first, lower] };
    hear(poem, { notes: [], remarks: [] });
  }
}
