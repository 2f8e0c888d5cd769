import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ask } from '../../../test/support/ask.ts';
import { capturedNode, CAPTURED_MODES, type CapturedMode } from '../../../test/support/captured-node.ts';
import { formatAddress } from '../../net/address.ts';
import { endpointText } from '../words/endpoint-text.ts';
import { flatten } from './branches.ts';
import { stepsFrom, traceView, type ForkView, type NodeView, type TraceView } from './trace-view.ts';

const viewOf = (mode: CapturedMode, from: string, to: string): TraceView =>
  traceView(ask(capturedNode(mode, 'small'), from, to).trace);

const forkOf = ({ next }: NodeView): ForkView => {
  assert.equal(next.kind, 'fork');
  if (next.kind !== 'fork') throw new Error('no fork');
  return flatten(next);
};

describe('the way of a packet as data', () => {
  const NODE_PORT = '192.0.2.10:30001';

  for (const mode of CAPTURED_MODES)
    test(`${mode}: a fork has each endpoint with its fraction`, () => {
      const { branches } = forkOf(viewOf(mode, '203.0.113.7', NODE_PORT).root);
      assert.deepEqual(
        branches.map(({ share, endpoint }) => [share, endpoint === null ? null : endpointText(4, endpoint)]),
        ['10.244.1.64', '10.244.2.21', '10.244.2.22'].map((one) => [{ over: 1n, of: 3n }, `${one}:8080`]),
      );
    });

  test('a rewriting has both sides, and the routing behind it knows of it and names the device', () => {
    const [branch] = forkOf(viewOf('nftables', '203.0.113.7', NODE_PORT).root).branches;
    const steps = branch?.node.steps ?? [];
    const rewritings = steps.flatMap((step) =>
      step.kind === 'rule' ? step.effects.filter(({ kind }) => kind === 'nat') : [],
    );
    const text = (value: bigint): string => formatAddress({ family: 4, value });
    assert.deepEqual(
      rewritings.map((one) =>
        one.kind === 'nat' ? [one.how, text(one.from.address), one.from.port, text(one.to.address), one.to.port] : one,
      ),
      [
        ['dnat', '192.0.2.10', 30_001, '10.244.1.64', 8080],
        ['masquerade', '203.0.113.7', null, '10.244.1.1', null],
      ],
    );
    const routes = steps.filter((step) => step.kind === 'route');
    assert.deepEqual(
      routes.map(({ decision, out, rewritten }) => [decision, out, rewritten]),
      [['forward', 'cni0', true]],
    );
  });

  test('a jump says for which Service and endpoint the chain is', () => {
    const { root } = viewOf('iptables-nft', '203.0.113.7', NODE_PORT);
    const purposes = [...stepsFrom(root)].flatMap((step) =>
      step.kind === 'rule' && step.purpose?.kind === 'service' ? [step.purpose] : [],
    );
    const of = (role: string, endpoint: string | null) => ({
      kind: 'service',
      role,
      service: 'shop/frontend:http',
      endpoint,
    });
    assert.deepEqual(purposes, [
      of('outside-traffic', null),
      of('choose-endpoint', null),
      ...['10.244.1.64', '10.244.2.21', '10.244.2.22'].map((one) => of('endpoint', `${one}:8080`)),
    ]);
  });

  test('ipvs: an address of the cluster sits on the link of kube-proxy, one of the node does not', () => {
    const onLink = (to: string): readonly boolean[] =>
      viewOf('ipvs', '203.0.113.7', to).root.steps.flatMap((step) =>
        step.kind === 'route' && step.when === 'input' ? [step.onServiceLink] : [],
      );
    assert.deepEqual([onLink('10.96.10.1:80'), onLink(NODE_PORT)], [[true], [false]]);
  });
});
