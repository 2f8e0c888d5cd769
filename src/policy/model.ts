import type { Diagnostic, Source, Span } from '../diagnostic/diagnostic.ts';
import type { AddressSet } from '../net/address-set.ts';
import type { Prefix } from '../net/prefix.ts';
import type { PortRange } from '../net/port.ts';
import type { Protocol } from '../net/protocol.ts';

/** The place of an object or a field in what the user gave; `null` for what the product itself has made. */
export interface Origin {
  readonly source: Source;
  readonly span: Span;
}

/** What a node answers on. */
export type ExposureKind = 'NodePort' | 'LoadBalancer' | 'ExternalIP' | 'HostPort' | 'HealthCheck';
/** The kinds a policy can name in `exposures`. */
export type SelectableKind = 'NodePort' | 'LoadBalancer' | 'ExternalIP';

export type Otherwise = 'Drop' | 'Reject';
export type Mode = 'Enforce' | 'Audit';
export type Tier = 'Admin' | 'Baseline';
export type Action = 'Accept' | 'Deny' | 'Pass';

/** meta/v1 LabelSelector; empty selects everything. */
export interface LabelSelector {
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly matchExpressions: readonly {
    readonly key: string;
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    readonly values: readonly string[];
  }[];
}

/** Who: one entry of `allow` or `from`. `except` lies inside its peer. */
export type Peer =
  | {
      readonly kind: 'cidr';
      readonly prefix: Prefix;
      readonly except: readonly Prefix[];
      readonly origin: Origin | null;
    }
  | {
      readonly kind: 'group';
      readonly name: string;
      readonly except: readonly Prefix[];
      readonly origin: Origin | null;
    }
  | {
      readonly kind: 'cluster';
      readonly which: 'Nodes' | 'Pods';
      readonly except: readonly Prefix[];
      readonly origin: Origin | null;
    }
  | { readonly kind: 'everyone'; readonly except: readonly Prefix[]; readonly origin: Origin | null };

/** One item of `ports`. `protocol: null` means every protocol that applies. */
export type PortItem =
  | { readonly kind: 'name'; readonly name: string; readonly origin: Origin | null }
  | {
      readonly kind: 'ports';
      readonly ports: PortRange;
      readonly protocol: Protocol | null;
      readonly origin: Origin | null;
    };

export interface NodePortPolicy {
  readonly kind: 'NodePortPolicy';
  readonly namespace: string;
  readonly name: string;
  readonly origin: Origin | null;
  readonly services:
    | { readonly kind: 'all' }
    | { readonly kind: 'names'; readonly names: readonly string[] }
    | { readonly kind: 'labels'; readonly selector: LabelSelector };
  /** null: not narrowed. */
  readonly ports: readonly PortItem[] | null;
  readonly exposures: readonly SelectableKind[];
  readonly allow: readonly Peer[];
  readonly otherwise: Otherwise;
  readonly mode: Mode;
}

export interface ClusterRule {
  readonly action: Action;
  readonly from: readonly Peer[];
  readonly origin: Origin | null;
}

export interface ClusterNodePortPolicy {
  readonly kind: 'ClusterNodePortPolicy';
  readonly name: string;
  readonly origin: Origin | null;
  readonly tier: Tier;
  /** 0..1000, lower first. */
  readonly priority: number;
  readonly subject:
    | { readonly kind: 'services'; readonly namespaceSelector: LabelSelector; readonly serviceSelector: LabelSelector }
    | { readonly kind: 'ports'; readonly items: readonly PortItem[] };
  /**
   * Which exposures of the selected Services (NodePort alone by default). `ports` subjects always mean local addresses.
   */
  readonly exposures: readonly SelectableKind[];
  readonly nodeSelector: LabelSelector;
  readonly rules: readonly ClusterRule[];
  readonly otherwise: Otherwise;
  readonly mode: Mode;
  /** Failsafe ports that this policy may judge nevertheless (Admin tier only). */
  readonly allowFailsafePorts: readonly number[];
}

export type Policy = NodePortPolicy | ClusterNodePortPolicy;

export interface AddressGroup {
  readonly kind: 'AddressGroup';
  readonly name: string;
  readonly addresses: AddressSet;
  readonly origin: Origin | null;
}

export interface ServicePort {
  readonly name: string | null;
  readonly protocol: Protocol;
  readonly port: number;
  readonly nodePort: number | null;
  /** Numeric targetPort, null when it is a name. */
  readonly targetPort: number | null;
}

/** The fields of a core/v1 Service that decide about exposures. */
export interface Service {
  readonly kind: 'Service';
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  readonly ports: readonly ServicePort[];
  /** Canonical address texts. */
  readonly clusterIPs: readonly string[];
  readonly loadBalancerIPs: readonly string[];
  readonly externalIPs: readonly string[];
  readonly healthCheckNodePort: number | null;
  /** `portcullis.dev/allow` annotation as one more NodePortPolicy, or null. A bad value: `allow: []` plus a warning. */
  readonly annotationPolicy: NodePortPolicy | null;
}

/** The fields of a core/v1 Node that are read. */
export interface Node {
  readonly kind: 'Node';
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** All status.addresses that are IP addresses. */
  readonly addresses: AddressSet;
  readonly podCIDRs: AddressSet;
  /** status.daemonEndpoints.kubeletEndpoint.Port, when known. */
  readonly kubeletPort: number | null;
}

/**
 * A core/v1 Namespace. Only its labels matter (namespaceSelector). Its label `kubernetes.io/metadata.name` is implied.
 */
export interface Namespace {
  readonly kind: 'Namespace';
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Everything declared, checked field by field; cross references (groups, except) are resolved by `access/`. */
export interface Declared {
  readonly policies: readonly Policy[];
  readonly groups: ReadonlyMap<string, AddressGroup>;
  readonly services: readonly Service[];
  readonly nodes: readonly Node[];
  readonly namespaces: readonly Namespace[];
  readonly warnings: readonly Diagnostic[];
}
