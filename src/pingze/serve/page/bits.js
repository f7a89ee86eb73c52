// Numbers and text as bits, and bits as the characters that a link may hold: six bits a character.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const CHARACTER = 15; // bits of a UTF-16 unit of RANGES; of another one ESCAPE and its own 16
const ESCAPE = 2 ** CHARACTER - 1;
const RANGES = [
  [0x0000, 0x007f],
  [0x3000, 0x9fff],
  [0xd800, 0xdfff],
  [0xf900, 0xffff],
];

/** Bits that are written. */
export class Packer {
  bits = "";

  /** A whole number of so many bits. */
  number(value, bits) {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** bits) throw new RangeError(`${value} in ${bits} bits`);
    this.bits += value.toString(2).padStart(bits, "0");
  }

  flag(value) {
    this.number(value ? 1 : 0, 1);
    return Boolean(value);
  }

  /** Characters, of which the reader knows how many there are. */
  characters(text) {
    for (const unit of text.split("")) {
      const packed = packedUnit(unit.charCodeAt(0));
      this.number(packed ?? ESCAPE, CHARACTER);
      if (packed === null) this.number(unit.charCodeAt(0), 16);
    }
  }

  /** A text of fewer than 2 ** bits characters; one that is not there is a single bit. */
  text(text, bits) {
    if (!this.flag(text)) return;
    this.number([...text].length, bits);
    this.characters(text);
  }

  toString() {
    const whole = this.bits.padEnd(6 * Math.ceil(this.bits.length / 6), "0");
    return whole.replace(/.{6}/g, (six) => ALPHABET[parseInt(six, 2)]);
  }
}

/** Bits that are read; what was not written throws. */
export class Unpacker {
  constructor(text) {
    this.bits = [...text].map((c) => ALPHABET.indexOf(c).toString(2).padStart(6, "0")).join("");
    if (/[^01]/.test(this.bits)) throw new RangeError("not packed");
    this.at = 0;
  }

  number(bits) {
    if (this.at + bits > this.bits.length) throw new RangeError("the end is missing");
    return parseInt(this.bits.slice(this.at, (this.at += bits)), 2);
  }

  get isAtEnd() {
    return this.at === this.bits.length;
  }

  flag() {
    return this.number(1) === 1;
  }

  characters(count) {
    let text = "";
    for (let n = 0; n < count; n++) {
      const unit = this.unit();
      text += unit >= "\ud800" && unit < "\udc00" ? unit + this.unit() : unit;
    }
    return text;
  }

  unit() {
    const packed = this.number(CHARACTER);
    return String.fromCharCode(packed === ESCAPE ? this.number(16) : unpackedUnit(packed));
  }

  text(bits) {
    return this.flag() ? this.characters(this.number(bits)) : null;
  }
}

function packedUnit(unit) {
  let before = 0;
  for (const [first, last] of RANGES) {
    if (first <= unit && unit <= last) return before + unit - first;
    before += last - first + 1;
  }
  return null;
}

function unpackedUnit(packed) {
  let before = 0;
  for (const [first, last] of RANGES) {
    if (packed - before <= last - first) return first + packed - before;
    before += last - first + 1;
  }
  throw new RangeError("no character");
}
