// Language, script, theme and marks: the reader's own, kept in the browser where it lets us.

const KEY = "pingze";
const languages = navigator.languages.join(" ");

const usual = {
  language: /^zh/i.test(navigator.language) ? "zh" : "en",
  script: /zh-(CN|SG|Hans)/i.test(languages) ? "simplified" : "traditional",
  theme: "auto",
  standard: "pingshui",
  marks: true,
  verdict: false, // whether all of it is seen
  sources: false, // whether the poem is compared with old ones
  used: false, // whether a character was put on the sheet by hand
  seal: "",
  paper: "plain",
  card_marks: true,
  card_english: true,
  card_code: true,
};

export const settings = { ...usual, ...read() };

export const isEnglish = () => settings.language === "en";

/** What was kept, as far as it is ours. */
function read() {
  const kept = guarded(() => JSON.parse(localStorage.getItem(KEY))) ?? {};
  return Object.fromEntries(
    Object.entries(kept).filter(([name, value]) => typeof value === typeof usual[name]),
  );
}

/** What an act gives; null where the browser does not let it. */
export function guarded(act) {
  try {
    return act();
  } catch {
    return null;
  }
}

export function keep(changes) {
  Object.assign(settings, changes);
  guarded(() => localStorage.setItem(KEY, JSON.stringify({ ...read(), ...changes }))); // another tab may have changed others
}

const CHOICES = `${KEY}.choices`;

/** The choices, kept as long as the tab is open. */
export const keptChoices = () => guarded(() => JSON.parse(sessionStorage.getItem(CHOICES)));
export const keepChoices = (value) =>
  guarded(() => sessionStorage.setItem(CHOICES, JSON.stringify(value)));

// Traditional text as the reader wants to see it. What is sent to the server is never converted.

let simplified = {};
let asUsual = {}; // of a character the variant that is usual in Traditional text

const words = new Map(); // of each Simplified character those that it is written for

export function learn({ simplified: table = {}, variants = {}, usual: own = {} }) {
  simplified = { ...variants, ...table };
  asUsual = own;
  for (const [traditional, written] of Object.entries(table))
    words.set(written, [...(words.get(written) ?? []), traditional]);
}

/** The Traditional characters that a Simplified one may stand for; none for a character of both scripts. */
export const traditionals = (character) => words.get(character) ?? [];

/** What was typed in another way than it would be shown, as 着 for 著: pairs of the character and what was typed. */
export const typedPairs = (read, typed) =>
  [...read]
    .map((one, at) => [one, [...typed][at]])
    .filter(([one, own]) => one !== own && (simplified[one] !== own || asUsual[one] === own));

/** Whether a character that was typed stays as it is: 群, which is read as 羣, in either script, 着 in Simplified text. */
export const staysTyped = (read, typed) =>
  settings.script === "simplified" || asUsual[read] === typed;

/** The text as it is shown. 乾 is 干 when it means dry, and stays in 乾坤. */
export const shown = (text) => (settings.script === "simplified" ? simple(text) : text);

export const simple = (text) =>
  text.replace(/乾坤|[^]/gu, (part) => (Object.hasOwn(simplified, part) ? simplified[part] : part));
