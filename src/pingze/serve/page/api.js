// The server's answers. Its problems become a Problem, whose message is the one line that the server wrote.

import { t } from "./words.js";

export class Problem extends Error {
  constructor({ detail, title, clashes = [], field = null } = {}) {
    super(detail ?? title ?? t("unreachable"));
    Object.assign(this, { clashes, field });
  }
}

async function send(path, body, signal) {
  const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
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

/** Compose, and hear of each poem as it is finished. Throws a Problem. */
export async function stream(body, hear, signal) {
  const response = await send("stream", body, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let ended = false; !ended; ) {
    const { value, done } = await reader.read().catch((error) => {
      throw error.name === "AbortError" ? error : new Problem();
    });
    ended = done;
    const events = (text + (value ?? "")).replaceAll("\r\n", "\n").split("\n\n");
    text = events.pop();
    for (const event of events) if (act(event, hear)) return;
  }
  throw new Problem(); // the server went away before it was done
}

/** Whether an event is the last. */
function act(event, hear) {
  const field = (name) =>
    event.split("\n").filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trim()).join("\n");
  const kind = field("event");
  if (kind === "problem") throw new Problem(JSON.parse(field("data")));
  if (kind === "poem") hear(JSON.parse(field("data")));
  return kind === "done";
}
