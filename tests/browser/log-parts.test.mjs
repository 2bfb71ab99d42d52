// The log viewer's parts that need no page: frames, what is at hand, rows, terminal colours, matches, the scrollbar's arithmetic.

import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';

import { render } from '../../static/log/ansi.js';
import { contrast, styleOf } from '../../static/log/colours.js';
import { lineOf, parse, split, unpack } from '../../static/log/frames.js';
import { Hits } from '../../static/log/hits.js';
import { matcher, pieces } from '../../static/log/match.js';
import { Rows } from '../../static/log/rows.js';
import { ROOM, TALLEST, fromNative, native, toNative } from '../../static/log/scale.js';
import { Store } from '../../static/log/store.js';
import { tail } from '../../static/log/tail.js';
import { relative } from '../../static/log/times.js';

/** A frame of runs [stage, stream, ...texts]. */
function frame(first, ...runs) {
  let n = first;
  const text = runs.map(([stage, stream, ...lines]) => {
    const header = `\x1e${n} ${lines.length} ${1000 + n} ${stage} ${stream}\n`;
    n += lines.length;
    return header + lines.map((line) => `${line}\n`).join('');
  }).join('');
  const data = gzipSync(text);
  const head = Buffer.alloc(16);
  head.writeUInt32BE(data.length, 0);
  head.writeUInt32BE(n - first, 4);
  head.writeBigUInt64BE(BigInt(first), 8);
  return Buffer.concat([head, data]);
}
const bytes = (...frames) => new Uint8Array(Buffer.concat(frames)).buffer;
const block = (first, count) => parse(`\x1e${first} ${count} 5 compile stdout\n${Array.from({ length: count }, (_, i) => `line ${first + i}\n`).join('')}`, first, count);

describe('frames', () => {
  it('gives every line its number, time, stage and stream', async () => {
    const all = split(bytes(frame(7, ['install', 'stdout', 'a', '', '\x1e9 1 1 x y'], ['compile', 'stderr', '中文 🚢']), frame(11, ['compile', 'stdout', 'z'])));
    assert.deepEqual(all.map(({ first, count }) => [first, count]), [[7, 4], [11, 1]]);
    const one = await unpack(all[0]);
    assert.deepEqual(lineOf(one, 9), { n: 9, t: 1007, stage: 'install', stream: 'stdout', text: '\x1e9 1 1 x y' });
    assert.deepEqual(lineOf(one, 10), { n: 10, t: 1010, stage: 'compile', stream: 'stderr', text: '中文 🚢' });
    assert.equal(lineOf(one, 8).text, '');
  });

  it('refuses what is cut short or miscounted', async () => {
    const whole = frame(1, ['compile', 'stdout', 'a', 'b']);
    assert.throws(() => split(bytes(whole.subarray(0, -3))), RangeError);
    assert.throws(() => split(bytes(whole.subarray(0, 9))), RangeError);
    assert.throws(() => parse('\x1e1 2 5 compile stdout\na\n', 1, 2), RangeError);
    assert.throws(() => parse('\x1e2 1 5 compile stdout\na\n', 1, 1), RangeError);
    assert.throws(() => parse('nothing', 1, 1), RangeError);
    const broken = Buffer.from(whole);
    broken[16] ^= 255;
    await assert.rejects(unpack(split(bytes(broken))[0]));
  });
});

describe('the tail', () => {
  const follow = (last) => {
    const got = [];
    let broken = 0;
    const made = tail(last, (part) => got.push([part.first, part.count]), () => { broken += 1; });
    return { made, got, broken: () => broken };
  };

  it('goes on where it was, leaves out doubles, tells of gaps', async () => {
    const { made, got } = follow(4);
    assert.equal(made.take(bytes(frame(3, ['compile', 'stdout', 'c', 'd', 'e', 'f']))), true);
    assert.equal(made.next, 7);
    assert.equal(made.take(bytes(frame(5, ['compile', 'stdout', 'e', 'f']))), true);
    assert.equal(made.take(bytes(frame(8, ['compile', 'stdout', 'h']))), false);
    assert.equal(made.next, 7);
    assert.equal(made.take(bytes(frame(7, ['compile', 'stdout', 'g']))), true);
    await made.drained();
    assert.deepEqual(got, [[3, 4], [7, 1]]);
  });

  it('asks again from the last line it could read', async () => {
    const { made, got, broken } = follow(0);
    const bad = frame(2, ['compile', 'stdout', 'b']);
    bad[16] ^= 255;
    made.take(bytes(frame(1, ['compile', 'stdout', 'a']), bad, frame(3, ['compile', 'stdout', 'c'])));
    await made.drained();
    assert.deepEqual([got, broken(), made.next], [[[1, 1]], 1, 2]);
  });
});

describe('lines at hand', () => {
  it('fills gaps, without overlap', () => {
    const store = new Store();
    store.add(block(1, 10));
    store.add(block(21, 10));
    assert.deepEqual(store.missing(5, 25), [11, 20]);
    store.add(block(5, 40));
    assert.equal(store.missing(1, 44), null);
    assert.deepEqual(store.missing(40, 60), [45, 60]);
    for (const n of [1, 10, 11, 20, 21, 44]) assert.equal(store.line(n).text, `line ${n}`);
    assert.equal(store.line(45), undefined);
  });

  it('takes the page’s own lines for show only', () => {
    const store = new Store();
    store.add(block(1, 30), { rough: true });
    assert.deepEqual(store.missing(5, 8), [5, 8]);
    store.add(block(10, 5));
    assert.deepEqual(store.missing(10, 20), [15, 20]);
    assert.equal(store.line(9).n, 9);
    assert.equal(store.line(20).n, 20);
  });

  it('forgets what was not looked at, never what is', () => {
    const store = new Store(20_000);
    for (let n = 1; n < 5000; n += 100) {
      store.add(block(n, 100), { keep: [1, 200] });
      store.line(150);
    }
    assert.ok(store.cost <= 20_000, `${store.cost}`);
    assert.equal(store.missing(1, 200), null);
    assert.equal(store.missing(4901, 5000), null);
    assert.notEqual(store.missing(1000, 1100), null);
  });
});

describe('rows', () => {
  const make = () => new Rows([{ n: 1, stage: 'checkout', t: 0 }, { n: 4, stage: 'install', t: 1 }], 10);

  it('stand under the header of their stage', () => {
    const rows = make();
    assert.equal(rows.total, 12);
    assert.deepEqual([0, 1, 3, 4, 5, 11].map((row) => rows.key(row)), [-1, 1, 3, -4, 4, 10]);
    for (let row = 0; row < rows.total; row += 1) assert.equal(rows.ofKey(rows.key(row)), row);
  });

  it('fold, and grow meanwhile', () => {
    const rows = make();
    rows.fold(0, true);
    assert.deepEqual([rows.total, rows.key(1), rows.ofLine(2)], [9, -4, 0]);
    rows.grow(12);
    assert.equal(rows.mark({ n: 13, stage: 'compile', t: 2 }), true);
    assert.equal(rows.mark({ n: 13, stage: 'compile', t: 2 }), false);
    rows.grow(20);
    rows.fold(1, true);
    assert.deepEqual([rows.total, rows.count(1), rows.ofLine(13)], [11, 9, 3]);
    rows.foldAll(false);
    assert.deepEqual([rows.total, rows.key(22)], [23, 20]);
  });

  it('begin with nothing', () => {
    const rows = new Rows([], 0);
    assert.equal(rows.total, 0);
    rows.grow(2);
    assert.equal(rows.total, 3);
  });
});

describe('a line as a terminal shows it', () => {
  const text = (raw) => render(raw).text;
  const looks = (raw) => render(raw).spans.map(({ from, to, style }) => [render(raw).text.slice(from, to), ...style.names]);

  it('has no escapes left', () => {
    for (const [raw, want] of [
      ['\x1b[31mred\x1b[0m plain', 'red plain'], ['\x1b]0;title\x07text', 'text'], ['\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\', 'link'],
      ['\x1b(Bx\x1b=y\x1b[?25lz', 'xyz'], ['cut \x1b[3', 'cut '], ['cut \x1b', 'cut '], ['\u009b31mc1', 'c1'], ['a\x00b\x07c\u202ed', 'abcd'], ['tab\tkept', 'tab\tkept'],
    ]) assert.equal(text(raw), want, JSON.stringify(raw));
  });

  it('shows the last state of what wrote over itself', () => {
    for (const [raw, want] of [
      ['10%\r20%\r100%', '100%'], ['abcdef\rxy', 'xycdef'], ['long text\r\x1b[Kshort', 'short'], ['done\r', 'done'], ['abc\b\bX', 'aXc'], ['ab\b\b\b\bX', 'Xb'],
      ['你好\rab', 'ab好'], ['你好\ra', 'a 好'], ['\x1b[2Gx', ' x'], ['a\x1b[3Cb', 'a   b'], ['abc\x1b[1K\rx', 'x  '], ['e\u0301\rx', 'x'],
    ]) assert.equal(text(raw), want, JSON.stringify(raw));
    assert.ok(text('\x1b[999999999Cx').length < 5000);
  });

  it('keeps colours and weights', () => {
    assert.deepEqual(looks('a\x1b[1;31mb\x1b[22mc\x1b[39md'), [['b', 'a-bold', 'f1'], ['c', 'f1']]);
    assert.deepEqual(looks('\x1b[92mx\x1b[m\x1b[4:3my\x1b[24m'), [['x', 'f10'], ['y', 'a-underline']]);
    assert.deepEqual(looks('\x1b[32mab\rX'), [['Xb', 'f2']]);
    assert.equal(render('\x1b[38;2;200;100;50mx').spans[0].style.color, 'rgb(200 100 50)');
    assert.equal(render('\x1b[38:2::200:100:50mx').spans[0].style.color, 'rgb(200 100 50)');
    assert.deepEqual(looks('\x1b[38;5;9mx'), [['x', 'f9']]);
    assert.deepEqual(render('\x1b[38;5;999mx').spans, []);
  });

  it('can be read whatever was chosen', () => {
    const values = (css) => css.match(/\d+/g).map(Number);
    for (let fg = 16; fg < 256; fg += 1) {
      assert.ok(contrast(values(styleOf({ fg }).color), [20, 24, 26]) >= 4.5, `${fg}`);
      for (const bg of [16, 52, 124, 196, 231, 240, 250]) {
        const { color, background } = styleOf({ fg, bg });
        assert.ok(contrast(values(color), values(background)) >= 4.5, `${fg} on ${bg}`);
      }
    }
  });

  it('is cut where nobody reads on', () => {
    const { text: shown, rest } = render('x'.repeat(1_000_000));
    assert.equal(shown.length + rest, 1_000_000);
    assert.ok(rest > 900_000);
  });
});

describe('matches', () => {
  it('are literal and in any case', () => {
    assert.deepEqual(matcher('a.b[').places('xA.B[ aab['), [{ from: 1, to: 5 }]);
    assert.deepEqual(matcher('错误').places('有错误'), [{ from: 1, to: 3 }]);
    assert.deepEqual(matcher('ÄÖ').places('äö'), [{ from: 0, to: 2 }]);
    assert.ok(matcher('a/b-c').in('A/B-C'));
    assert.equal(matcher(''), null);
  });

  it('reach across colours', () => {
    const { text, spans } = render('er\x1b[31mror\x1b[0m!');
    const found = pieces(text, spans, matcher('error').places(text));
    assert.deepEqual(found.map(({ text, match, style }) => [text, match, Boolean(style)]), [['er', 1, false], ['ror', 1, true], ['!', 0, false]]);
  });

  it('are counted from what is known', () => {
    const hits = new Hits();
    hits.add(1, 100, [5, 50], 0);
    assert.deepEqual(hits.after(5, 300), { n: 50, i: 2 });
    assert.deepEqual(hits.after(50, 300), { ask: 101 });
    assert.deepEqual(hits.before(5), null);
    hits.add(201, 300, [250], 7);
    assert.deepEqual(hits.before(301), { n: 250, i: 8 });
    assert.deepEqual(hits.before(250), { ask: 200 });
    hits.add(101, 200, [150, 160], NaN);
    assert.deepEqual([hits.after(50, 300), hits.after(160, 300), hits.after(250, 300)], [{ n: 150, i: 3 }, { n: 250, i: 5 }, null]);
    hits.add(301, 310, [305]);
    assert.deepEqual(hits.after(250, 310), { n: 305, i: 6 });
  });
});

describe('the scrollbar', () => {
  it('reaches every place of a log of any height', () => {
    for (const real of [100, 50_000, 25_000_000, 10 ** 9]) {
      const room = native(real, 600);
      assert.ok(room <= TALLEST - 600);
      for (const part of [0, 0.001, 0.3, 0.5, 0.999, 1]) {
        const back = fromNative(toNative(part * real, real, room), real, room);
        assert.ok(Math.abs(back - part * real) <= 1, `${part} of ${real}: ${back}`);
      }
      assert.equal(toNative(real, real, room), room);
    }
    assert.equal(toNative(ROOM / 2, 10 ** 9, native(10 ** 9, 600)), ROOM / 2, 'a pixel is a pixel near the end');
  });
});

describe('times', () => {
  it('are told since the first line', () => {
    assert.deepEqual([0, 4249, 83_400, 3_723_400, NaN].map(relative), ['+0.0', '+4.2', '+1:23.4', '+1:02:03.4', '']);
  });
});
