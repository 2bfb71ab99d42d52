// Frames of a log, the same over the socket and from the history: bytes in, blocks of lines out. Knows no page.

const HEAD = 16;
const utf8 = new TextDecoder();

/** The frames of a message, still packed → [{first, count, data}]. Throws at one that is cut short. */
export function split(buffer) {
  const view = new DataView(buffer);
  const frames = [];
  for (let at = 0; at < view.byteLength;) {
    if (view.byteLength - at < HEAD) throw new RangeError('a frame without its header');
    const size = view.getUint32(at);
    const count = view.getUint32(at + 4);
    const first = Number(view.getBigUint64(at + 8));
    if (view.byteLength - at - HEAD < size) throw new RangeError('a frame without its end');
    frames.push({ first, count, data: new Uint8Array(buffer, at + HEAD, size) });
    at += HEAD + size;
  }
  return frames;
}

export async function unpack({ first, count, data }) {
  const plain = new Blob([data]).stream().pipeThrough(new DecompressionStream('gzip'));
  return parse(utf8.decode(await new Response(plain).arrayBuffer()), first, count);
}

/** A block keeps its text in one piece and where each line starts: a hundred bytes a line stay a hundred bytes. */
export function parse(text, first, count) {
  const starts = new Uint32Array(count);
  const runs = [];
  let n = first;
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at);
    const [from, lines, t, stage, stream] = text.slice(at + 1, end).split(' ');
    const run = { first: Number(from), count: Number(lines), t: Number(t), stage, stream };
    if (text[at] !== '\x1e' || end < 0 || run.first !== n || !(n + run.count <= first + count)) throw new RangeError('not the header of a run');
    runs.push(run);
    at = end + 1;
    for (const after = n + run.count; n < after; n += 1) {
      starts[n - first] = at;
      at = text.indexOf('\n', at) + 1;
      if (at === 0) throw new RangeError('a run without its end');
    }
  }
  if (n !== first + count) throw new RangeError('fewer lines than said');
  return { first, count, text, starts, runs };
}

/** → {n, t, stage, stream, text} */
export function lineOf(block, n) {
  const { text, starts, runs } = block;
  const start = starts[n - block.first];
  let low = 0;
  for (let high = runs.length - 1; low < high;) {
    const middle = (low + high + 1) >> 1;
    if (runs[middle].first <= n) low = middle;
    else high = middle - 1;
  }
  const { t, stage, stream } = runs[low];
  return { n, t, stage, stream, text: text.slice(start, text.indexOf('\n', start)) };
}
