// Ask the server, which answers in the reader's language. Its problems become a Problem, whose message is one line.

import { settings, shown } from "./settings.js";
import { t } from "./words.js";

/** Milliseconds for which a problem stays before the same is asked again. */
export const PATIENCE = 5000;

class Problem extends Error {
  constructor(problem) {
    super(problem ? told(problem.detail ?? problem.title) : t("unreachable"));
    Object.assign(this, { clashes: problem?.clashes ?? [], field: problem?.field, cause: problem?.cause });
  }
}

/** A sentence of the server: Chinese ones are in Traditional characters. */
export const told = (sentence) => (settings.language === "zh" ? shown(sentence) : sentence);

async function send(path, body, signal) {
  const headers = { "Content-Type": "application/json", "Accept-Language": settings.language };
  const post = { method: "POST", headers, body: JSON.stringify(body) };
  let response;
  try {
    response = await fetch(`/v1/${path}`, { ...(body && post), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem();
  }
  if (!response.ok) throw new Problem(await response.json().catch(() => ({ title: response.statusText })));
  return response;
}

/** GET, or POST where there is a body. Throws a Problem. */
export async function ask(path, body, signal) {
  return (await send(path, body, signal)).json();
}

/** Compose, and hear of each poem and how it was asked for; what one uses weighs less in the next. Throws a Problem. */
export async function composeEach({ count = 1, seed = null, heading, ...body }, hear, signal) {
  let used = body.unlike ?? "";
  for (let next = seed, made = 0; made < count; made++, next++) {
    const apart = !body.like && used ? { unlike: used } : {};
    const { poems, ...told } = await ask(
      "compose",
      { ...body, ...apart, ...(next !== null && { seed: next }) },
      signal,
    );
    used = (used + poems[0].lines.join("")).slice(-1000);
    hear(poems[0], told);
    next = poems[0].seed;
  }
}
