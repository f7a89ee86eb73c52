// Elements from data. Text only ever becomes a text node, so no input can become markup.

/**
 * An element, named as in CSS: its tag, then classes after dots or in a list; then its attributes, if it has any (null leaves
 * one out, `on` holds listeners, those of the style sheet begin with --), then its children.
 * @returns {any}
 */
export function el(name, ...parts) {
  const [tag, ...classes] = [name].flat().filter(Boolean).join(".").split(".");
  const node = document.createElement(tag);
  const { on = {}, ...attributes } = parts[0]?.constructor === Object ? parts.shift() : {};
  if (classes.length) node.setAttribute("class", classes.join(" "));
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("--")) node.style.setProperty(name, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  for (const [type, listener] of Object.entries(on)) node.addEventListener(type, listener);
  node.append(...parts.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

export function button(text, click, attributes = {}) {
  return el("button", { type: "button", class: "plain", on: { click }, ...attributes }, text);
}

/** Have `draw` draw a part of the page; its button that has the focus keeps it. */
export function redrawn(box, draw) {
  const focused = [...box.querySelectorAll("button")].indexOf(document.activeElement);
  draw();
  box.querySelectorAll("button")[focused]?.focus();
}

/** Options of a select, [value, text] each. What was chosen stays so where it can. */
export function fill(select, options) {
  const before = select.value;
  select.replaceChildren(...options.map(([value, text]) => el("option", { value }, text)));
  if (options.some(([value]) => value === before)) select.value = before;
}

/** Say of a control that what it holds cannot be kept, or that it can. */
export const setInvalid = (control, isInvalid) => (control.ariaInvalid = isInvalid ? "true" : null);

export const $ = (id) => document.getElementById(id);

/** Have clicks do something, by the ids of what is clicked. */
export function onClick(acts) {
  for (const [id, act] of Object.entries(acts)) $(id).addEventListener("click", () => act());
}

/** Have a screen reader say it. */
export function announce(text) {
  $("news").textContent = text;
}

/** Show trouble over all that is open, with the button that mends it; or with nothing take it away. */
export function trouble(text = "", remedy = "") {
  const node = $("trouble");
  node.hidePopover();
  node.replaceChildren(text, remedy);
  if (text) node.showPopover();
}

/** Do what may fail; whether it was done. What was called off is no trouble. */
export async function attempt(act) {
  trouble();
  try {
    await act();
    return true;
  } catch (error) {
    if (error.name !== "AbortError") trouble(error.message, error.remedy);
    return false;
  }
}
