// A card of the poem: drawn on a canvas in the page's own font, saved or copied as PNG. The dialog chooses its paper, its
// marks, and whether it has the QR code of the poem's link.

import { ask } from "./api.js";
import { $, attempt, el, trouble } from "./dom.js";
import { seen, verdict } from "./verdict.js";
import { isPublic, linkOf } from "./link.js";
import { taken } from "./pattern.js";
import { glossed, sealOf, titleOf, written } from "./poem.js";
import { isEnglish, keep, settings, simple } from "./settings.js";
import { charAt, keyOf, MOST_COLUMNS, tiersOf, widthsOf } from "./shape.js";
import { entry } from "./state.js";
import { t, verseLanguage } from "./words.js";

const SIZE = 46; // of a character
const STEP = 54; // from a character to the next
const COLUMN = 84; // from a line to the next
const MARGIN = 96;
const SMALL = 0.6; // the title's size beside the poem's
const LATIN = /[ -\u024f]/;
const LETTERS = /[A-Za-z\u00c0-\u024f]/;
const RUNS = /[ -\u024f]+|./gu;
const LINED = 10; // from the verse to the ends of ruled lines, where there are words across
const FRAME = 60; // from the card's edge to the ends of ruled lines, where there are none
const MODULE = 2; // of a QR code
const SANS = "system-ui, sans-serif";
const LEADING = 1.35; // from a row of English to the next, in its size
const NARROWEST = 520; // of a card with English
const QUIET = 4; // modules left empty around it
const SCALE = 2; // pixels of the file for one of the card

const PAPERS = {
  plain: { paper: "#f8f4ea", ink: "#211c16", faded: "#6b6053", red: "#a5301e", ruled: false },
  ruled: { paper: "#e9efe6", ink: "#1c2620", faded: "#56655a", red: "#9a2f1f", ruled: true },
  night: { paper: "#1b1a1e", ink: "#eee6d6", faded: "#a89f90", red: "#e98a74", ruled: false },
};

/** The card as a PNG file, with a QR code if there is one. */
async function pngFile(on, code) {
  const { poem } = on.now;
  const own = titleOf(poem);
  const isAcross = LETTERS.test(own); // a title in Latin letters stands above the poem
  const title = [!isAcross && own, poem.poet && `擬${poem.poet}`].filter(Boolean).join("　");
  const columns = [title, ...poem.lines].map((text) => [
    ...(written(poem, text).match(RUNS) ?? []),
  ]);
  const characters = [sealOf(poem), own, ...columns.flat()].join("");
  const tiers = tiersOf(poem, MOST_COLUMNS - 1);
  if (title) tiers[0].unshift(0); // its column
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
  const rows = settings.card_english ? englishOf(on) : [];
  const width = Math.round(
    Math.max(2 * MARGIN + (across - 1) * COLUMN + SIZE, rows.length && NARROWEST),
  );
  const canvas = document.createElement("canvas");
  const ink = canvas.getContext("2d");
  const above = isAcross ? wrapped(ink, { text: own, size: SMALL * SIZE, family }, width) : [];
  const below = rows.flatMap((row) => wrapped(ink, { family, ...row }, width));
  const top = MARGIN + heightOf(above);
  const side = code.length && MODULE * (code.length + 2 * QUIET);
  const foot = top + tiers.length * tier - COLUMN / 2;
  const height = Math.round(foot + heightOf(below) + MARGIN + side);
  Object.assign(canvas, { width: SCALE * width, height: SCALE * height, lang: verseLanguage() });
  ink.scale(SCALE, SCALE);
  Object.assign(ink, { textAlign: "center", textBaseline: "middle" });
  /** @type {[number, number]} */
  const ends = [
    above.length ? top - LINED : top - MARGIN + FRAME,
    foot + (below.length ? LINED : MARGIN - FRAME),
  ];
  drawPaper(ink, look, width, height, across, ends);
  writeRows(ink, above, width, MARGIN - COLUMN / 4, look);
  writeRows(ink, below, width, foot, look);
  ink.font = font;
  drawSeal(ink, look, sealOf(poem), height, width - 2 * MARGIN - side);
  drawCode(ink, code, width - MARGIN - side, height - MARGIN / 2 - side, side);
  const colour = (place) => (settings.card_marks && isMarked(on, place) ? look.red : look.ink);
  const draw = (line, x, from) => {
    const scale = line ? 1 : SMALL;
    let end = from - scale * (STEP - SIZE);
    columns[line]?.forEach((run, n) => {
      end += scale * tall(run) * STEP;
      const y = end - (scale * (tall(run) * STEP - STEP + SIZE)) / 2;
      write(ink, run, x, y, scale * SIZE, line ? colour({ line, position: n + 1 }) : look.faded);
    });
  };
  const right = (width + (across - 1) * COLUMN) / 2; // the middle of the first column
  tiers.forEach((lines, under) =>
    lines.forEach((line, at) => draw(line, right - at * COLUMN, top + under * tier)),
  );
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

/** What readers of English find below the poem. */
function englishOf(on) {
  const { poem } = on.now;
  return glossed(poem, seen(verdict(on), poem)).flatMap(({ verse, pinyin, means }) => [
    { text: verse, size: 22, before: 16 },
    { text: pinyin, size: 15, family: SANS },
    { text: means, size: 14, family: SANS, isFaded: true },
  ]);
}

/** A row as rows for which the card has room. */
function wrapped(ink, row, width) {
  ink.font = fontOf(row);
  const rows = [];
  for (const word of row.text.split(" ")) {
    const longer = [rows.at(-1), word].filter(Boolean).join(" ");
    if (rows.length && ink.measureText(longer).width <= width - MARGIN)
      rows[rows.length - 1] = longer;
    else rows.push(word);
  }
  return rows.map((text, at) => ({ ...row, text, before: at ? 0 : (row.before ?? 0) }));
}

const fontOf = ({ size, family }) => `${size}px ${family}`;
const heightOf = (rows) => rows.reduce((sum, { size, before }) => sum + before + LEADING * size, 0);

/** Write rows across from a height on. */
function writeRows(ink, rows, width, top, look) {
  let y = top;
  for (const row of rows) {
    y += row.before + LEADING * row.size;
    ink.font = fontOf(row);
    ink.fillStyle = row.isFaded ? look.faded : look.ink;
    ink.fillText(row.text, width / 2, y - (LEADING * row.size) / 2);
  }
}

/** A run's length in the column, in characters of verse. */
const tall = (run) => (LATIN.test(run) ? run.length / 2 : 1);

/** Write a character upright, and in a column a run of Latin letters turned, as the page sets them. */
function write(ink, run, x, y, size, colour, isTurned = LATIN.test(run)) {
  ink.fillStyle = colour;
  ink.save();
  ink.translate(x, y);
  ink.scale(size / SIZE, size / SIZE);
  if (isTurned) ink.rotate(Math.PI / 2);
  ink.fillText(run, 0, 0);
  ink.restore();
}

/** The paper with its frame, and where it is ruled a line between the columns, from a height to another. */
function drawPaper(ink, { paper, faded, red, ruled }, width, height, columns, [top, foot]) {
  ink.fillStyle = paper;
  ink.fillRect(0, 0, width, height);
  ink.globalAlpha = 0.35;
  ink.strokeStyle = faded;
  ink.strokeRect(28, 28, width - 56, height - 56);
  ink.strokeStyle = red;
  ink.beginPath();
  for (let n = 0; ruled && n <= columns; n++) {
    const x = (width + (columns - 2 * n) * COLUMN) / 2;
    ink.moveTo(x, top);
    ink.lineTo(x, foot);
  }
  ink.stroke();
  ink.globalAlpha = 1;
}

/** The seal: characters under each other, Latin letters across, no wider than there is room. */
function drawSeal(ink, { paper, red }, seal, height, room) {
  ink.fillStyle = red;
  if (!LETTERS.test(seal)) {
    const top = height - 52 - 23 * [...seal].length;
    ink.fillRect(46, top, 28, height - 46 - top);
    [...seal].forEach((one, at) => write(ink, one, 60, top + 14 + at * 23, 21, paper));
    return;
  }
  const full = (ink.measureText(seal).width * 21) / SIZE;
  const size = 21 * Math.min(1, room / full);
  const wide = Math.min(full, room) + 14;
  ink.fillRect(46, height - 74, wide, 28);
  write(ink, seal, 46 + wide / 2, height - 60, size, paper, false);
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
  const hidden = taken({ ...on.ask, start: "" }, poem.lines).get(keyOf(place));
  const isHidden = simple(hidden ?? "") === simple(charAt(poem.lines, place));
  return seen(verdict(on), poem)(place).rhymes || isHidden;
}

let preview = null; // the address of the card that is looked at

/**
 * Open the dialog. `save(blob, kind)` takes a file away; `say(text)` tells what was done; `entitle(on, then)` asks for title
 * and seal.
 */
export function makeCard({ save, say, entitle }) {
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
  const checks = ["card_marks", "card_english", "card_code"];
  $("with-english").hidden = !isEnglish();
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
  $("entitle-card").onclick = () => entitle(on, show);
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
