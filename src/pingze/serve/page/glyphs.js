// The outlines of the page's own font, read from its file, so that a card needs no font where it is shown.
// The file is WOFF 1 (W3C 2012) with TrueType's `glyf` outlines, all simple: see scripts/build_page_font.py.

let reading = null;

/** A function that gives a character's outline as an SVG path in em, y down from the baseline; null where there is none. */
export const outlines = () => (reading ??= fetch("/page/kai.woff").then(read).catch(forget));

/** A font that did not come is fetched again when it is asked for again. */
function forget(error) {
  reading = null;
  throw error;
}

async function read(response) {
  if (!response.ok) throw new Error(response.statusText);
  const tables = await unpack(await response.arrayBuffer());
  const units = tables.head.getUint16(18);
  const long = tables.head.getInt16(50) === 1;
  const glyphs = codes(tables.cmap);
  const offset = (glyph) => (long ? tables.loca.getUint32(4 * glyph) : 2 * tables.loca.getUint16(2 * glyph));
  return (character) => {
    const glyph = glyphs.get(character.codePointAt(0));
    if (glyph === undefined) return null;
    return offset(glyph) === offset(glyph + 1) ? "" : path(tables.glyf, offset(glyph), units);
  };
}

/** The tables that outlines need, each inflated. */
async function unpack(file) {
  const head = new DataView(file);
  const wanted = { cmap: null, glyf: null, head: null, loca: null };
  for (let at = 44; at < 44 + 20 * head.getUint16(12); at += 20) {
    const tag = String.fromCharCode(...new Uint8Array(file, at, 4));
    const [start, packed, plain] = [4, 8, 12].map((byte) => head.getUint32(at + byte));
    if (tag in wanted) wanted[tag] = new DataView(await inflated(file.slice(start, start + packed), packed < plain));
  }
  return wanted;
}

async function inflated(bytes, packed) {
  if (!packed) return bytes;
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
}

/** The glyph of each code point, from the `cmap` of format 12. */
function codes(cmap) {
  const offsets = Array.from({ length: cmap.getUint16(2) }, (_, n) => cmap.getUint32(8 + 8 * n));
  const offset = offsets.find((one) => cmap.getUint16(one) === 12);
  const found = new Map();
  for (let at = offset + 16; at < offset + 16 + 12 * cmap.getUint32(offset + 12); at += 12) {
    const [first, last, glyph] = [0, 4, 8].map((byte) => cmap.getUint32(at + byte));
    for (let code = first; code <= last; code++) found.set(code, glyph + code - first);
  }
  return found;
}

const [ON, SHORT_X, SHORT_Y, AGAIN, SAME_X, SAME_Y] = [1, 2, 4, 8, 16, 32]; // the flags of a point

/** A simple glyph's contours; between two points off the curve lies one on it. */
function path(glyf, start, units) {
  const count = glyf.getInt16(start);
  const ends = Array.from({ length: count }, (_, n) => glyf.getUint16(start + 10 + 2 * n));
  const points = pointsOf(glyf, start + 10 + 2 * count, ends.at(-1) + 1);
  const em = (value) => Math.round((value / units) * 1000) / 1000;
  return ends
    .map((end, n) => contour(points.slice(n ? ends[n - 1] + 1 : 0, end + 1), ({ x, y }) => `${em(x)} ${em(-y)}`))
    .join("");
}

function pointsOf(glyf, lengthAt, count) {
  let at = lengthAt + 2 + glyf.getUint16(lengthAt); // past the hints
  const flags = [];
  while (flags.length < count) {
    const flag = glyf.getUint8(at++);
    const times = flag & AGAIN ? 1 + glyf.getUint8(at++) : 1;
    for (let n = 0; n < times; n++) flags.push(flag);
  }
  const along = (short, same) => {
    let value = 0;
    return flags.map((flag) => {
      if (flag & short) value += (flag & same ? 1 : -1) * glyf.getUint8(at++);
      else if (!(flag & same)) value += glyf.getInt16((at += 2) - 2);
      return value;
    });
  };
  const xs = along(SHORT_X, SAME_X);
  const ys = along(SHORT_Y, SAME_Y);
  return flags.map((flag, n) => ({ x: xs[n], y: ys[n], on: Boolean(flag & ON) }));
}

function contour(points, write) {
  const middle = (one, other) => ({ x: (one.x + other.x) / 2, y: (one.y + other.y) / 2, on: true });
  const whole = points.flatMap((point, n) => {
    const before = points.at(n - 1);
    return point.on || before.on ? [point] : [middle(before, point), point];
  });
  const first = whole.findIndex(({ on }) => on);
  const turned = [...whole.slice(first), ...whole.slice(0, first + 1)];
  let drawn = `M${write(turned[0])}`;
  for (let n = 1; n < turned.length; n++) {
    drawn += turned[n].on ? `L${write(turned[n])}` : `Q${write(turned[n])} ${write(turned[++n])}`;
  }
  return `${drawn}Z`;
}
