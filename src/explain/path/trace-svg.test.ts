import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ask } from '../../../test/support/ask.ts';
import { capturedNode, CAPTURED_MODES } from '../../../test/support/captured-node.ts';
import { traceSvg } from './trace-svg.ts';
import { summarize } from './trace-summary.ts';
import { traceView } from './trace-view.ts';

const picture = (mode: (typeof CAPTURED_MODES)[number], to: string): string => {
  const ruleset = capturedNode(mode, 'small');
  const { trace, who } = ask(ruleset, '203.0.113.7', to);
  const view = traceView(trace);
  return traceSvg(ruleset, view, summarize(view, who));
};

/** Tags that are open at the end, or closed in the wrong order; none: the elements are well nested. */
const nesting = (svg: string): readonly string[] => {
  const open: string[] = [];
  for (const [, close, name, single] of svg.matchAll(/<(\/?)([a-zA-Z]+)(?:"[^"]*"|[^>"])*?(\/?)>/g)) {
    if (name === undefined || single === '/') continue;
    if (close !== '/') open.push(name);
    else if (open.pop() !== name) return [`</${name}>`];
  }
  return open;
};

describe('the picture of a way', () => {
  for (const mode of CAPTURED_MODES)
    test(`${mode}: well-formed, nothing from elsewhere, the hooks in their fixed order`, () => {
      const svg = picture(mode, '192.0.2.10:30001');
      assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
      assert.deepEqual(nesting(svg), []);
      assert.equal(/&(?!amp;|lt;|gt;|quot;|#\d+;)/.test(svg), false, 'an & that is no entity');
      assert.equal(/<script|href=|url\(http/.test(svg), false);
      assert.match(svg, /prefers-color-scheme: ?dark/);
      const hooks = ['prerouting', 'input', 'forward', 'output', 'postrouting'];
      for (const hook of hooks) assert.match(svg, new RegExp(`>${hook}<`));
    });

  test('hooks on the way are lit, others are not', () => {
    const lit = (svg: string): readonly string[] =>
      [...svg.matchAll(/<rect class="bl"[^>]*\/><text class="t h"[^>]*>(\w+)</g)].flatMap(([, hook]) => hook ?? []);
    assert.deepEqual(lit(picture('iptables-nft', '192.0.2.10:30001')), ['prerouting', 'forward', 'postrouting']);
    assert.deepEqual(lit(picture('ipvs', '192.0.2.10:30001')), ['prerouting', 'input', 'output', 'postrouting']);
  });
});
