import type { Finding, Findings } from './finding.ts';
import { behindKubeProxy, neverSeesNodePorts, samePriority } from './misplaced-rules.ts';
import { reversedConnections } from './connections.ts';
import { bothIptables, datapathBypass, leftoverMode, routeLocalnet } from './node-state.ts';
import { redirectToListener, shadowedRules } from './rule-quality.ts';
import {
  clientHidden,
  ipv6Open,
  openToInternet,
  rangesMissNodePort,
  throughOtherAddress,
  withoutService,
} from './who-reaches.ts';

const FINDERS: readonly ((findings: Findings) => readonly Finding[])[] = [
  neverSeesNodePorts,
  behindKubeProxy,
  samePriority,
  redirectToListener,
  rangesMissNodePort,
  ipv6Open,
  openToInternet,
  bothIptables,
  leftoverMode,
  withoutService,
  datapathBypass,
  routeLocalnet,
  shadowedRules,
  reversedConnections,
  throughOtherAddress,
  clientHidden,
];

const RANK = { high: 0, medium: 1, low: 2 } as const;

/** Everything that is worth telling, the most severe first. */
export const findAll = (findings: Findings): readonly Finding[] =>
  FINDERS.flatMap((finder) => finder(findings)).toSorted((a, b) => RANK[a.severity] - RANK[b.severity]);
