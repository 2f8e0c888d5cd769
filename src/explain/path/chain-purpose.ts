import { readOwnName, TABLE, type OwnName } from '../../compile/table/names.ts';
import { chainRole, type ServiceRole, type SingleRole } from '../../kube-proxy/chain-role.ts';
import { chainNames } from '../../kube-proxy/names.ts';
import { MASQUERADE_MARK } from '../../kube-proxy/well-known.ts';
import type { AnyTable } from '../../ruleset/table.ts';
import { markText } from '../words/number-words.ts';
import { BY_NAME, type Naming } from './naming.ts';

/** The purposes of the chains of kube-proxy and the kubelet that exist once per node. */
const SINGLE: Readonly<Record<SingleRole, string>> = {
  'find-service': 'finds the Service that the packet is for',
  'find-node-port': 'finds the node port that the packet is for',
  'find-service-or-node-port': 'finds the Service or node port that the packet is for',
  'look-for-service': 'looks for the Service that the packet is for',
  'same-for-node': 'the same for packets of this node',
  'refuse-without-endpoints': 'refuses what is for a Service without endpoints',
  'refuse-external-without-endpoints': 'refuses what is for a node port or external address without endpoints',
  'check-node-port-endpoints': 'refuses node ports without endpoints',
  'check-service-endpoints': 'refuses Services without endpoints',
  'refuse-other-ports': 'refuses what is for a Service address but no Service port',
  'refuse-by-source-ranges': 'refuses what a load balancer’s source ranges leave out',
  'refuse-by-source-ranges-out': 'refuses what a load balancer’s source ranges leave out, from this node',
  'admit-source-ranges': 'lets in the source ranges of load balancers',
  'look-for-source-ranges': 'looks for source ranges of load balancers',
  'admit-health-checks': 'lets in the health checks of load balancers',
  'refuse-localhost-sources': 'refuses packets that claim to come from 127.0.0.0/8',
  'forward-services': 'lets forwarded packets of Services pass',
  'look-for-marked': 'looks for what must be masqueraded',
  'masquerade-marked': 'masquerades what was marked for it',
  'mark-masquerade': `marks the packet (${markText(MASQUERADE_MARK)}) to be masqueraded`,
  'mark-drop': 'marks the packet (0x8000) to be dropped',
  'mark-node-ports': 'marks node port packets to be masqueraded',
  'mark-load-balancers': 'marks load balancer packets to be masqueraded',
  reject: 'refuses with an answer',
  canary: 'is there to notice that somebody flushed the tables',
  'flavour-hint': 'tells which flavour of iptables the kubelet uses',
};

/** The purposes of the chains of one Service port. The Service's name follows. */
const PER_SERVICE: Readonly<Record<ServiceRole, string>> = {
  'outside-traffic': 'outside traffic of',
  'choose-endpoint': 'chooses an endpoint of',
  'choose-local-endpoint': 'chooses an endpoint on this node of',
  'source-ranges': 'the source ranges of',
  endpoint: 'rewrites to an endpoint of',
};

const OWN: Readonly<Record<OwnName['kind'], string>> = {
  prerouting: 'judges who may reach a guarded port, before any rewriting',
  postrouting: 'stops packets of servers to clients that were revoked',
  'refuse-drop': 'refuses without an answer',
  'refuse-reject': 'refuses with an answer',
  note: 'counts and notes who is refused',
  'note-audit': 'counts and notes whom Audit policies would refuse',
  local: 'judges who may reach this port',
  vip: 'judges who may reach this address and port',
  allow: 'lets in whom the policies let in',
  group: 'lets in the addresses of an AddressGroup',
  refuse: 'refuses some with an answer',
  audit: 'looks for those whom Audit policies would refuse',
  replies: 'judges packets of the servers of this port',
  'allow-replies': 'lets packets out to whom the policies let in',
  'group-replies': 'lets packets out to the addresses of an AddressGroup',
};

const OWN_RANGE = 'judges who may reach these ports';

/** What a chain is for. */
export type ChainPurpose =
  | { readonly kind: 'own'; readonly own: OwnName }
  | { readonly kind: 'single'; readonly role: SingleRole }
  | {
      readonly kind: 'service';
      readonly role: ServiceRole;
      /** `shop/frontend:http`; null: not known. */
      readonly service: string | null;
      /** `10.244.1.64:8080`, for a chain that leads to one endpoint. */
      readonly endpoint: string | null;
    }
  /** Docker’s, for the administrator. */
  | { readonly kind: 'docker-user' };

/** What a chain is for; null where it is not known. */
export const chainPurpose = (table: AnyTable, chain: string): ChainPurpose | null => {
  if (table.engine === 'nft' && table.name === TABLE.name) {
    const own = readOwnName(chain);
    return own === null ? null : { kind: 'own', own };
  }
  const role = chainRole(table, chain);
  if (role === null) return table.engine !== 'nft' && chain === 'DOCKER-USER' ? { kind: 'docker-user' } : null;
  if (role.kind === 'single') return role;
  const { services, endpoints } = chainNames(table);
  return { ...role, service: services.get(chain) ?? null, endpoint: endpoints.get(chain) ?? null };
};

/** A purpose in words that follow the chain's name. `naming` gives the name of an endpoint. */
export const purposeWords = (purpose: ChainPurpose, naming: Naming = BY_NAME): string => {
  switch (purpose.kind) {
    case 'own': {
      const { own } = purpose;
      return own.kind === 'local' && own.ports.first !== own.ports.last ? OWN_RANGE : OWN[own.kind];
    }
    case 'single':
      return SINGLE[purpose.role];
    case 'service': {
      const words = `${PER_SERVICE[purpose.role]} ${purpose.service ?? 'a Service'}`;
      return purpose.endpoint === null ? words : `${words}: ${naming.endpoint(purpose.endpoint)}`;
    }
    case 'docker-user':
      return 'holds the administrator’s own rules in front of Docker’s';
  }
};
