// Language, script, theme and marks: the reader's own, kept in the browser where it lets us.

const KEY = "pingze";
const languages = navigator.languages.join(" ");

const usual = {
  language: /^zh/i.test(navigator.language) ? "zh" : "en",
  script: /zh-(CN|SG|Hans)/i.test(languages) ? "simplified" : "traditional",
  theme: "auto",
  tones: true,
  rhyme: true,
  paper: "plain",
  card_marks: true,
};

export const settings = { ...usual, ...read() };

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY)) ?? {};
    return Object.fromEntries(Object.entries(kept).filter(([name, value]) => typeof value === typeof usual[name]));
  } catch {
    return {}; // no storage, or what is there is not ours
  }
}

export function keep(changes) {
  Object.assign(settings, changes);
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // a browser that keeps nothing still shows everything
  }
}

/** What is being written, kept as long as the browser's tab is open; null where it is not. */
export function draft(name) {
  try {
    return JSON.parse(sessionStorage.getItem(`${KEY}.${name}`));
  } catch {
    return null;
  }
}

export function keepDraft(name, value) {
  try {
    sessionStorage.setItem(`${KEY}.${name}`, JSON.stringify(value));
  } catch {
    // as above
  }
}
