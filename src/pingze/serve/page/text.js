// A poem as a person would write it down.

import { shown } from "./script.js";

/** Title, then a couplet a row, with marks. */
export function textOf({ title, lines }) {
  const marked = lines.map((line, at) => shown(line) + (at % 2 ? "。" : "，"));
  const rows = marked.flatMap((_, at) => (at % 2 ? [] : [marked.slice(at, at + 2).join("")]));
  return [...(title ? [shown(title), ""] : []), ...rows].join("\n");
}
