// The page's tables, each a JSON file beside it, fetched once, when it is first needed. The page without a server brings
// them along in tables of its own.

const fetched = {};

/** A table by name, empty where it cannot be had. */
export const table = (name) => (fetched[name] ??= load(name));

async function load(name) {
  // @ts-ignore
  return globalThis.pingzeTables?.[name] ?? fetch(`/page/${name}.json`).then((found) => found.json(), Object);
}
