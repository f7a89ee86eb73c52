// The page that shows a link's poem with no server: `make site` joins it with what it imports into one plain script.

import { $, announce, button } from "./dom.js";
import { factsOf } from "./forms.js";
import { learnReadings } from "./glosses.js";
import { read } from "./link.js";
import { book, caption, quoteList, sentText, titleOf, wordByWord } from "./poem.js";
import { keep, learn, settings } from "./settings.js";
import { charAt, linesOf, widthsOf } from "./shape.js";
import { state } from "./state.js";
import { t, table, translate } from "./words.js";

const MARKS = "平仄中";
const SETTINGS = ["language", "script", "theme"];

async function draw() {
  await learnReadings();
  translate();
  document.documentElement.dataset.theme = settings.theme;
  for (const name of SETTINGS) $(name).value = settings[name];
  const { poem, marks } = await read(location.hash).then(
    async (found) => found ?? { poem: await table("welcome"), marks: "" },
    () => ({ poem: null, marks: "" }),
  );
  $("trouble").hidden = Boolean(poem);
  $("trouble").textContent = poem ? "" : t("not_a_link");
  if (poem) show(poem, marks);
  document.body.dataset.ready = "yes";
}

function show(poem, marks) {
  const rows = linesOf(widthsOf(poem.lines), (_, n) => marks[n] ?? " ");
  const look = (place) => {
    const rhymes = charAt(rows, place) === "3";
    return { tone: rhymes && poem.template ? "平" : MARKS[charAt(rows, place)], rhymes }; // 近體 rhymes in level tones
  };
  document.title = [titleOf(poem) || poem.lines[0], t("page")].join(" · ");
  const below = caption(factsOf(poem), marks && "legend");
  const words = wordByWord(poem, look) ?? "";
  $("sheet").replaceChildren(book(poem, { label: t("poem"), look }), words, quoteList(poem), below);
  const text = sentText(poem, look);
  const copy = (what) => () =>
    navigator.clipboard.writeText(what).then(() => announce(t("copied")));
  const share = () => navigator.share({ text, url: location.href });
  const copies = [
    button(t("copy"), copy(text), { id: "copy" }),
    button(t("link"), copy(location.href), { id: "link" }),
  ];
  const others = navigator.share ? [button(t("share"), share, { id: "share" })] : [];
  const print = button(t("print"), () => window.print(), { id: "print" });
  $("tools").replaceChildren(...copies, ...others, print);
  const source = document.querySelector("meta[name=repository]").content;
  $("source").hidden = !source; // else there is nowhere to get pingze from
  $("source-page").href = source;
}

state.known = { tunes: await table("tunes"), forms: [] };
learn(await table("script"));
for (const name of SETTINGS)
  $(name).addEventListener("change", ({ target }) => (keep({ [name]: target.value }), draw()));
window.addEventListener("hashchange", draw);
await draw();
