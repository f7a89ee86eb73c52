// A card of the poem: drawn on a canvas in the page's own font, saved or copied as PNG. The dialog chooses its paper, its
// marks, and whether it has the QR code of the poem's link.

import { ask } from "./api.js";
import { $, attempt, el, trouble } from "./dom.js";
import { seen, verdict } from "./verdict.js";
import { isPublic, linkOf } from "./link.js";
import { taken } from "./pattern.js";
import { sealOf, titleOf, written } from "./poem.js";
import { keep, settings, shown } from "./settings.js";
import { charAt, keyOf, MOST_COLUMNS, tiersOf, widthsOf } from "./shape.js";
import { entry } from "./state.js";
import { t, verseLanguage } from "./words.js";

const SIZE = 46; // of a character
const STEP = 54; // from a character to the next
const COLUMN = 84; // from a line to the next
const MARGIN = 96;
const SMALL = 0.6; // the title's size beside the poem's
const LATIN = /[ -\u024f]/;
const RUNS = /[ -\u024f]+|./gu;
const MODULE = 2; // of a QR code
const QUIET = 4; // modules left empty around it
const SCALE = 2; // pixels of the file for one of the card

const PAPERS = {
  plain: { paper: "#f8f4ea", ink: "#211c16", faded: "#6b6053", red: "#a5301e", ruled: false },
  ruled: { paper: "#e9efe6", ink: "#1c2620", faded: "#56655a", red: "#9a2f1f", ruled: true },
  night: { paper: "#1b1a1e", ink: "#eee6d6", faded: "#a89f90", red: "#e98a74", ruled: false },
};

/** The card as a PNG file, as it was chosen, with a QR code if there is one. A long poem goes on in further tiers. */
async function pngFile(on, code) {
  const { poem } = on.now;
  const title = [titleOf(poem), poem.poet && `擬${poem.poet}`].filter(Boolean).join("　");
  const columns = [title, ...poem.lines].map((text) => written(poem, text).match(RUNS) ?? []);
  const characters = [sealOf(poem), ...columns.flat()].join("");
  const tiers = columnsOf(poem, Boolean(title));
  const family = getComputedStyle(document.querySelector("#sheet [role=grid]")).getPropertyValue(
    "--card",
  );
  const font = `${SIZE}px ${family}`;
  await document.fonts.load(font, characters).catch(() => null); // without it the system's font draws
  const look = PAPERS[settings.paper];
  const titled = columns[0].reduce((sum, run) => sum + tall(run), 0) * SMALL;
  const longest = Math.max(titled, ...widthsOf(poem.lines));
  const across = Math.max(...tiers.map((lines) => lines.length));
  const tier = longest * STEP + COLUMN / 2;
  const width = Math.round(2 * MARGIN + (across - 1) * COLUMN + SIZE);
  const side = code.length && MODULE * (code.length + 2 * QUIET);
  const height = Math.round(2 * MARGIN + tiers.length * tier - COLUMN / 2) + side;
  const canvas = Object.assign(document.createElement("canvas"), {
    width: SCALE * width,
    height: SCALE * height,
  });
  canvas.lang = verseLanguage();
  const ink = canvas.getContext("2d");
  ink.scale(SCALE, SCALE);
  Object.assign(ink, { font, textAlign: "center", textBaseline: "middle" });
  drawPaper(ink, look, width, height, across, sealOf(poem));
  drawCode(ink, code, width - MARGIN - side, height - MARGIN / 2 - side, side);
  const colour = (place) => (settings.card_marks && isMarked(on, place) ? look.red : look.ink);
  const draw = (line, x, top) => {
    const scale = line ? 1 : SMALL;
    let end = top - scale * (STEP - SIZE);
    columns[line]?.forEach((run, n) => {
      end += scale * tall(run) * STEP;
      const y = end - (scale * (tall(run) * STEP - STEP + SIZE)) / 2;
      write(ink, run, x, y, scale * SIZE, line ? colour({ line, position: n + 1 }) : look.faded);
    });
  };
  tiers.forEach((lines, below) =>
    lines.forEach((line, at) =>
      draw(line, width - MARGIN - SIZE / 2 - at * COLUMN, MARGIN + below * tier),
    ),
  );
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

/** The columns of each tier, by the numbers of their lines; 0 is the title. A poem that is too long goes on below. */
function columnsOf(poem, isTitled) {
  const tiers = tiersOf(poem, MOST_COLUMNS - 1);
  if (isTitled) tiers[0].unshift(0);
  return tiers;
}

/** A run's length in the column, in characters of verse. */
const tall = (run) => (LATIN.test(run) ? run.length / 2 : 1);

/** Write a character upright, and a run of Latin letters turned, as the page sets them. */
function write(ink, run, x, y, size, colour) {
  ink.fillStyle = colour;
  ink.save();
  ink.translate(x, y);
  ink.scale(size / SIZE, size / SIZE);
  if (LATIN.test(run)) ink.rotate(Math.PI / 2);
  ink.fillText(run, 0, 0);
  ink.restore();
}

/** The paper with its frame, a line between each column and the next where it is ruled, and the seal. */
function drawPaper(ink, { paper, faded, red, ruled }, width, height, columns, seal) {
  ink.fillStyle = paper;
  ink.fillRect(0, 0, width, height);
  ink.globalAlpha = 0.35;
  ink.strokeStyle = faded;
  ink.strokeRect(28, 28, width - 56, height - 56);
  ink.strokeStyle = red;
  ink.beginPath();
  for (let n = 0; ruled && n <= columns; n++) {
    const x = width - MARGIN - SIZE / 2 + (0.5 - n) * COLUMN;
    ink.moveTo(x, 60);
    ink.lineTo(x, height - 60);
  }
  ink.stroke();
  ink.globalAlpha = 1;
  ink.fillStyle = red;
  const top = height - 52 - 23 * [...seal].length;
  ink.fillRect(46, top, 28, height - 46 - top);
  [...seal].forEach((character, at) => write(ink, character, 60, top + 14 + at * 23, 21, paper));
}

/** A QR code: dark on light on every paper, as readers of codes want it. */
function drawCode(ink, code, left, top, side) {
  ink.fillStyle = PAPERS.plain.paper;
  ink.fillRect(left, top, side, side);
  ink.fillStyle = PAPERS.plain.ink;
  const module = (n, at) =>
    ink.fillRect(left + MODULE * (n + QUIET), top + MODULE * (at + QUIET), MODULE, MODULE);
  code.forEach((row, at) => [...row].forEach((dark, n) => dark === "1" && module(n, at)));
}

/** The QR code of an entry's link, row by row; none where nobody else could open the link. Throws a Problem. */
const codeOf = async (on) =>
  isPublic() ? (await ask("code", { text: await linkOf(on) })).modules : [];

/** Whether a place rhymes or holds a character of the acrostic. */
function isMarked(on, place) {
  const { poem } = on.now;
  const hidden = taken({ ...on.ask, start: "" }, widthsOf(poem.lines)).get(keyOf(place));
  return seen(verdict(on), poem)(place).rhymes || hidden === charAt(poem.lines, place);
}

let preview = null; // the address of the card that is looked at

/** Open the dialog. `save(blob, kind)` takes a file away; `say(text)` tells what was done. */
export function makeCard({ save, say }) {
  const on = entry();
  const code = codeOf(on);
  const file = async () => pngFile(on, settings.card_code ? await code.catch(() => []) : []);
  const form = $("card").querySelector("form");
  const show = () =>
    attempt(async () => {
      const blob = await file();
      if (preview) URL.revokeObjectURL(preview);
      preview = URL.createObjectURL(blob);
      $("card-preview").replaceChildren(
        el("img", { src: preview, alt: on.now.poem.lines.join("，") }),
      );
    });
  form.elements.paper.value = settings.paper;
  const checks = ["card_marks", "card_code"];
  for (const name of checks) $(name).checked = settings[name];
  $("with-code").hidden = true;
  code
    .then(({ length }) => ($("with-code").hidden = !length))
    .catch(({ message }) => trouble(message));
  form.onchange = () => {
    keep({
      paper: form.elements.paper.value,
      ...Object.fromEntries(checks.map((name) => [name, $(name).checked])),
    });
    show();
  };
  $("png").onclick = () => attempt(async () => save(await file(), "png"));
  $("copy-picture").hidden = !window.ClipboardItem;
  $("copy-picture").onclick = () =>
    attempt(async () => {
      await navigator.clipboard.write([new ClipboardItem({ "image/png": await file() })]);
      say(t("copied"));
    });
  $("card").onclick = ({ target }) => void (target === $("card") && $("card").close()); // false would undo other clicks
  $("card").onclose = () => $("send")?.focus();
  $("card-preview").replaceChildren();
  $("card").showModal();
  show();
}
