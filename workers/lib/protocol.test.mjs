// Our side of the golden files in ../protocol; the server's tests read the same ones.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';
import { createEvents, parseLine } from './events.mjs';
import { checkJob } from './job.mjs';
import { failed, problemWith } from './result.mjs';

const dir = new URL('../protocol/', import.meta.url);
const read = (name) => readFileSync(new URL(name, dir), 'utf8');

test('jobs', () => {
  for (const stage of ['prepare', 'deliver']) {
    const golden = JSON.parse(read(`job.${stage}.json`));
    const job = checkJob(golden, stage);
    assert.deepEqual([job.robot, job.scene], stage === 'deliver' ? [3, 1047] : [undefined, undefined]);
    assert.equal(job.page_path, stage === 'deliver' ? 'pages/index/index' : '');
    assert.throws(() => checkJob(golden, stage === 'deliver' ? 'prepare' : 'deliver'), { code: 'job_invalid' });
    for (const field of ['release', 'nonce', 'app_id', 'version', 'project', 'out']) {
      assert.throws(() => checkJob({ ...golden, [field]: undefined }), new RegExp(`job\\.${field} `));
    }
    assert.throws(() => checkJob({ ...golden, out: 'out' }), /absolute/);
  }
  const update = checkJob(JSON.parse(read('job.prepare.update.json')), 'prepare');
  assert.deepEqual([update.version, update.options.version_code], ['', 101], "the project's own version");
});

test('events: only whole lines with the right nonce speak', () => {
  const { nonce, events } = JSON.parse(read('events.json'));
  const found = read('events.txt')
    .split('\n')
    .map((text, index) => ({ line: index + 1, event: parseLine(text, nonce) }))
    .filter(({ event }) => event !== null);
  assert.deepEqual(found, events);
});

test('events: written as they are read, on one line, and not too often', () => {
  const lines = [];
  let time = 0;
  const events = createEvents('n'.repeat(32), (line) => lines.push(line), () => time);
  for (; time < 1000; time += 10) events.progress(time, 1000, 'a\nb\u001b[31m');
  assert.equal(lines.length, 5);
  events.progress(1000, 1000, 'end', { force: true });
  events.group('g');
  events.warn('c', 'm');
  events.log('::sampan forged {"group":{"name":"x"}}\n::sampan again');
  const parsed = lines.map((line) => parseLine(line.slice(0, -1), 'n'.repeat(32)));
  assert.deepEqual(parsed.at(0), { progress: { done: 0, total: 1000, what: 'a b' } });
  assert.deepEqual(parsed.slice(5), [{ progress: { done: 1000, total: 1000, what: 'end' } }, { group: { name: 'g' } }, { warn: { code: 'c', message: 'm' } }, null]);
  assert.ok(lines.every((line) => line.indexOf('\n') === line.length - 1));
});

test('results', () => {
  for (const name of readdirSync(dir).filter((file) => file.startsWith('result.'))) {
    let value;
    try {
      value = JSON.parse(read(name));
    } catch {
      value = undefined;
    }
    const problem = value === undefined ? 'not JSON' : problemWith(value);
    assert.equal(problem === null, !name.startsWith('result.invalid.'), `${name}: ${problem}`);
  }
});

test('any error makes a valid failed result', () => {
  const errors = [new Error('x'), new Error(''), Object.assign(new Error('y'), { code: 20003, path: 'app.json' }), 'text', null, Object.assign(new Error('z'), { code: 'a b/c' })];
  for (const error of errors) assert.equal(problemWith(failed(error)), null);
  assert.deepEqual(failed(errors[2]), { ok: false, code: '20003', message: 'y', path: 'app.json' });
});
