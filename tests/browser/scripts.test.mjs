// The parts of the pages' scripts that need no page: words, times, and when a socket is opened again.

import { after, before, beforeEach, describe, it, mock } from 'node:test';
import assert from 'node:assert/strict';
import { live } from '../../static/live.js';
import { duration, relativeTime, took } from '../../static/times.js';
import { wording } from '../../static/words.js';

describe('words', () => {
  const words = { plain: 'Copied', gone: '%{who} left %{what}', lines: { one: '%{n} line', other: '%{n} lines' }, log: { hit: '%{i} / %{n}' } };
  const [en, zh] = ['en', 'zh-CN'].map((lang) => wording(words, lang));

  it('fills placeholders and leaves what nobody gave', () => {
    assert.equal(en('plain'), 'Copied');
    assert.equal(en('gone', { who: '%{what}', what: '$&' }), '%{what} left $&');
    assert.equal(en('gone', { who: 'Ann' }), 'Ann left %{what}');
    assert.equal(en('log.hit', { i: 12, n: 3456 }), '12 / 3,456');
    assert.equal(en('log.hit', { i: '12', n: '3456' }), '12 / 3456', 'a text stays as it is');
  });

  it('picks a form by number', () => {
    assert.equal(en('lines', { n: 1 }), '1 line');
    assert.equal(en('lines', { n: 0 }), '0 lines');
    assert.equal(en('lines', { n: 20_000 }), '20,000 lines');
    assert.equal(zh('lines', { n: 1 }), '1 lines', 'Chinese has one form');
  });

  it('shows a key that it does not know', () => {
    for (const key of ['nothing', 'log', 'log.nothing', 'plain.more', 'constructor', 'lines.length']) assert.equal(en(key), key);
  });
});

describe('times', () => {
  it('writes durations like the server', () => {
    const written = { '-5': '0 s', 8_900: '8 s', 83_000: '1:23', 3_723_000: '1:02:03', 90_000_000: '25:00:00' };
    for (const [ms, text] of Object.entries(written)) assert.equal(duration(Number(ms)), text);
    for (const [ms, text] of Object.entries({ 0: '0.0 s', 940: '0.9 s', 9_999: '9.9 s', 10_000: '10 s', 83_000: '1:23' })) assert.equal(took(Number(ms)), text);
  });

  it('counts in whole units', () => {
    const at = Date.UTC(2025, 0, 1);
    const said = (seconds) => relativeTime(at + seconds * 1000, at);
    assert.equal(said(-59), 'just_now', 'there are no words without a page');
    assert.equal(said(-119), '1分钟前');
    assert.equal(said(-86_399), '23小时前');
    assert.equal(said(-86_400), '昨天');
    assert.equal(said(30), '1分钟后');
  });
});

describe('a live connection', () => {
  const names = ['document', 'window', 'location', 'WebSocket'];
  const kept = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
  const bar = { hidden: true };
  let sockets;
  let frames;
  let states;
  let link;

  class Socket {
    static CONNECTING = 0;
    static OPEN = 1;
    readyState = 0;
    constructor(url) {
      this.url = String(url);
      sockets.push(this);
    }
    opened() {
      this.readyState = 1;
      this.onopen();
    }
    gets(data) {
      this.onmessage({ data });
    }
    lost() {
      this.readyState = 3;
      this.onclose();
    }
    close() {
      this.closing = true;
    }
  }

  before(() => {
    const page = Object.assign(new EventTarget(), { hidden: false, getElementById: () => bar });
    const stubs = [page, new EventTarget(), { href: 'https://sampan.test/releases/x', protocol: 'https:' }, Socket];
    names.forEach((name, i) => Object.defineProperty(globalThis, name, { value: stubs[i], configurable: true }));
    mock.method(Math, 'random', () => 0.5);
    mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] });
  });
  after(() => {
    link.close();
    mock.timers.reset();
    mock.restoreAll();
    names.forEach((name, i) => (kept[i] ? Object.defineProperty(globalThis, name, kept[i]) : delete globalThis[name]));
  });
  beforeEach(() => {
    link?.close();
    [sockets, frames, states] = [[], [], []];
    link = live('test', () => `live?from=${sockets.length}`, (frame) => frames.push(frame), (state) => states.push(state));
  });
  // In steps: a timer that is set on the way must come in time.
  const pass = (seconds) => {
    for (let ms = 0; ms < seconds * 1000; ms += 500) mock.timers.tick(500);
  };
  const last = () => sockets.at(-1);

  it('passes on texts and bytes, but no beats and no rubbish', () => {
    assert.equal(last().url, 'wss://sampan.test/releases/live?from=0');
    assert.equal(last().binaryType, 'arraybuffer');
    last().opened();
    const bytes = new ArrayBuffer(4);
    for (const data of ['{"beat":true}', '{"end":true}', bytes, '{']) last().gets(data);
    assert.deepEqual(frames, [{ end: true }, bytes]);
    assert.deepEqual(states, ['connecting', 'open']);
  });

  it('waits longer after every failure, half a minute at most', () => {
    const waits = [];
    for (let i = 0; i < 8; i += 1) {
      const before = sockets.length;
      last().lost();
      let ms = 0;
      for (; sockets.length === before; ms += 500) pass(0.5);
      waits.push(ms / 1000);
    }
    assert.deepEqual(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
    assert.equal(bar.hidden, false);
    last().opened();
    pass(0.5);
    assert.equal(bar.hidden, false, 'accepted is not connected yet');
    pass(1);
    assert.equal(bar.hidden, true);
    last().lost();
    assert.equal(bar.hidden, true, 'one failure shows nothing');
    assert.equal(states.at(-1), 'waiting');
    pass(1);
    assert.equal(states.at(-1), 'connecting');
  });

  it('leaves a socket that went silent', () => {
    last().opened();
    pass(20);
    last().gets('{"beat":true}');
    pass(45);
    assert.equal(sockets.length, 1);
    pass(5);
    assert.equal(sockets.length, 2);
    assert.ok(sockets[0].closing);
    sockets[0].gets('{"late":1}');
    sockets[0].lost();
    assert.deepEqual([frames, sockets.length], [[], 2], 'the old one has no say any more');
  });

  it('does not wait for a network that swallows everything', () => {
    pass(20);
    assert.equal(states.at(-1), 'waiting');
    pass(1);
    assert.equal(sockets.length, 2);
  });

  it('opens a stale one again after sleep, and only a stale one', () => {
    last().opened();
    pass(25);
    window.dispatchEvent(new Event('online'));
    assert.equal(sockets.length, 1);
    pass(1);
    document.hidden = true;
    document.dispatchEvent(new Event('visibilitychange'));
    assert.equal(sockets.length, 1, 'nobody looks');
    document.hidden = false;
    document.dispatchEvent(new Event('visibilitychange'));
    assert.equal(sockets.length, 2);
  });

  it('does not sit out a wait when somebody comes back', () => {
    last().lost();
    document.dispatchEvent(new Event('visibilitychange'));
    assert.equal(sockets.length, 2);
    pass(60);
    assert.ok(sockets.length > 2, 'and goes on by itself');
  });

  it('asks again where it was when told so, but not in a circle', () => {
    last().opened();
    link.reopen();
    assert.equal(last().url, 'wss://sampan.test/releases/live?from=1');
    link.reopen();
    assert.deepEqual([sockets.length, states.at(-1)], [2, 'waiting']);
    pass(1);
    assert.equal(sockets.length, 3);
  });

  it('stays closed', () => {
    link.close();
    link.close();
    link.reopen();
    last().lost();
    window.dispatchEvent(new Event('online'));
    pass(120);
    assert.equal(sockets.length, 1);
    assert.deepEqual(states, ['connecting', 'closed']);
  });
});
