import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PCAP_START, readPcap, type PcapState } from './pcap.ts';

const file = (littleEndian: boolean, magic: number, records: readonly string[]): Uint8Array => {
  const parts = records.map((text) => new TextEncoder().encode(text));
  const bytes = new Uint8Array(24 + parts.reduce((sum, part) => sum + 16 + part.length, 0));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, littleEndian);
  view.setUint32(20, 239, littleEndian);
  let at = 24;
  for (const part of parts) {
    view.setUint32(at + 8, part.length, littleEndian);
    view.setUint32(at + 12, part.length, littleEndian);
    bytes.set(part, at + 16);
    at += 16 + part.length;
  }
  return bytes;
};

const readAll = (bytes: Uint8Array, size: number): { readonly state: PcapState; readonly texts: readonly string[] } => {
  let state = PCAP_START;
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const read = readPcap(state, bytes.subarray(at, at + size));
    ({ state } = read);
    texts.push(...read.records.map((record) => new TextDecoder().decode(record)));
  }
  return { state, texts };
};

const MICRO = 0xa1b2c3d4;
const NANO = 0xa1b23c4d;
const RECORDS = ['one', '', 'three and more', 'x'.repeat(3000)];

describe('a capture is read piece by piece', () => {
  for (const littleEndian of [true, false])
    for (const magic of [MICRO, NANO])
      for (const size of [1, 7, 24, 25, 41, 100_000])
        test(`${littleEndian ? 'little' : 'big'} endian, ${magic === NANO ? 'nano' : 'micro'}seconds, ${size} bytes at a time`, () => {
          const { state, texts } = readAll(file(littleEndian, magic, RECORDS), size);
          assert.deepEqual(texts, RECORDS);
          assert.ok(state.kind === 'records' && state.rest.length === 0);
          assert.deepEqual([state.linkType, state.littleEndian], [239, littleEndian]);
        });

  test('a record of which the end is missing is not given yet', () => {
    const bytes = file(true, MICRO, ['one', 'second']);
    assert.deepEqual(readAll(bytes.subarray(0, -1), 50).texts, ['one']);
  });

  test('what is no capture is broken, and stays so', () => {
    const { state, texts } = readAll(new TextEncoder().encode('this is no capture at all, is it?'), 10);
    assert.deepEqual([state, texts], [{ kind: 'broken' }, []]);
    assert.deepEqual(readPcap(state, file(true, MICRO, ['one'])), { state: { kind: 'broken' }, records: [] });
  });

  test('a record that claims to be huge ends the reading, instead of being waited for', () => {
    const bytes = file(true, MICRO, ['one', 'two']);
    new DataView(bytes.buffer).setUint32(24 + 16 + 3 + 8, 0xffff_fff0, true);
    const { state, texts } = readAll(bytes, 5);
    assert.deepEqual([state, texts], [{ kind: 'broken' }, ['one']]);
  });
});
