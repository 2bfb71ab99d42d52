// Colours of a terminal on a dark page, legible whatever a program chose: 16 by class, the rest by value.

const PAPER = [20, 24, 26]; // --log-bg
const INK = [213, 218, 219]; // --log-ink
const ENOUGH = 4.5;

// The 16 as backgrounds, as in the style sheet.
const SIXTEEN = [
  [38, 45, 49], [122, 31, 26], [63, 158, 99], [201, 152, 47], [28, 75, 143], [112, 49, 122], [53, 154, 165], [201, 207, 209],
  [63, 72, 78], [240, 125, 114], [116, 207, 150], [240, 192, 96], [133, 182, 251], [212, 154, 232], [98, 212, 221], [241, 243, 242],
];

/** A pen → {names, color, background}, or null for plain text: class names, and values where no class serves. */
export function styleOf(pen) {
  let { fg, bg } = pen;
  if (pen.inverse) [fg, bg] = [bg ?? 'paper', fg ?? 'ink'];
  const names = [];
  for (const name of ['bold', 'dim', 'italic', 'underline', 'strike']) if (pen[name]) names.push(`a-${name}`);
  const style = { names };
  if (bg === undefined) {
    if (typeof fg === 'number' && fg < 16) names.push(`f${fg}`);
    else if (fg !== undefined) style.color = css(legible(rgb(fg), PAPER));
  } else {
    const ground = bg === 'ink' ? INK : bg === 'paper' ? PAPER : Array.isArray(bg) || bg > 15 ? rgb(bg) : SIXTEEN[bg];
    if (bg === 'ink') names.push('g-ink');
    else if (typeof bg === 'number' && bg < 16) names.push(`g${bg}`);
    else style.background = css(ground);
    // Two chosen colours stay as they are where they can be read.
    const letter = fg === 'paper' ? PAPER : fg === 'ink' ? INK : fg === undefined ? better(ground, INK, PAPER) : rgb(fg);
    style.color = css(contrast(letter, ground) >= ENOUGH ? letter : better(ground, [255, 255, 255], [0, 0, 0]));
  }
  return names.length || style.color || style.background ? style : null;
}

/** A colour of the 256 as [r, g, b]. */
export function rgb(colour) {
  if (Array.isArray(colour)) return colour;
  if (colour < 16) return BRIGHT[colour];
  if (colour > 231) return Array(3).fill(8 + (colour - 232) * 10);
  const level = (n) => (n === 0 ? 0 : 55 + n * 40);
  const n = colour - 16;
  return [level(Math.floor(n / 36)), level(Math.floor(n / 6) % 6), level(n % 6)];
}

// The 16 as letters on a background of somebody's choice: the usual values.
const BRIGHT = [
  [0, 0, 0], [205, 49, 49], [13, 188, 121], [229, 229, 16], [70, 140, 230], [200, 80, 200], [17, 168, 205], [229, 229, 229],
  [90, 98, 102], [255, 154, 143], [116, 207, 150], [245, 245, 67], [133, 182, 251], [214, 150, 235], [98, 212, 221], [255, 255, 255],
];

const css = ([r, g, b]) => `rgb(${r} ${g} ${b})`;

export function luminance(colour) {
  const [r, g, b] = colour.map((n) => (n <= 10.31475 ? n / 3294.6 : ((n / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

const better = (ground, a, b) => (contrast(a, ground) >= contrast(b, ground) ? a : b);

/** Mixes white in until the letters can be read on `ground`. */
export function legible(colour, ground) {
  let mixed = colour;
  for (let white = 0.1; contrast(mixed, ground) < ENOUGH && white <= 1; white += 0.1) {
    mixed = colour.map((n) => Math.round(n + (255 - n) * white));
  }
  return mixed;
}
