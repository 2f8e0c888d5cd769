import type { Diagnostic } from '../diagnostic/diagnostic.ts';
import type { Address } from '../net/address.ts';
import type { AddressSet } from '../net/address-set.ts';
import type { PortRange } from '../net/port.ts';
import type { Protocol } from '../net/protocol.ts';
import type { ExposureKind } from '../policy/model.ts';

/** What the policies come to on one node: who may reach which exposure. */
export interface Access {
  /**
   * Sorted by address (local first), protocol, first port. Exact ports (first = last) win over ranges that cover them.
   */
  readonly exposures: readonly ExposureAccess[];
  /** Every selection that an exposure names. */
  readonly selections: ReadonlyMap<string, Selection>;
  /** AddressGroups that some selection uses untouched: name → content. */
  readonly groups: ReadonlyMap<string, AddressSet>;
  readonly warnings: readonly Diagnostic[];
}

/** One thing the node answers on, and how it is guarded. */
export interface ExposureAccess {
  /** `30001/tcp`, `30100-30199/udp`, `192.0.2.200:80/tcp`, `[2001:db8::1]:80/tcp`. Unique. */
  readonly id: string;
  readonly kind: ExposureKind;
  readonly protocol: Protocol;
  readonly ports: PortRange;
  /** A VIP or external IP; null: any local address of the node. */
  readonly address: Address | null;
  /** `namespace/name:port`, null for a port no Service is known to use. */
  readonly service: string | null;
  /**
   * The selection that guards it; null: open (no policy selects it). Open exposures are listed for status, and because
   * an open exact port inside a guarded range (a healthCheckNodePort) must stay open in the kernel.
   */
  readonly selection: string | null;
}

/** The list of policies that apply to some exposures, in order, and what they come to. */
export interface Selection {
  /**
   * `shop-web-1a2b3c4d`: readable prefix + hash of the policies' identities (kind, namespace, name, tier order), never
   * of content.
   */
  readonly id: string;
  /** `NodePortPolicy shop/web`, `ClusterNodePortPolicy ban`, in order of judgement. */
  readonly policies: readonly string[];
  /** Who may come in, by the Enforce policies alone. */
  readonly allowed: AddressSet;
  /** The part of the others that is answered with a reject. Disjoint from `allowed`. */
  readonly rejected: AddressSet;
  /** allowed minus what Enforce and Audit policies together would allow. */
  readonly wouldRefuse: AddressSet;
  /** What Enforce and Audit policies together would allow minus allowed. */
  readonly wouldAdmit: AddressSet;
  /** `allowed` = union of these groups' content ∪ `own`. */
  readonly untouchedGroups: readonly string[];
  readonly own: AddressSet;
  /** Every source address exactly once, in order of address, by the Enforce policies. */
  readonly parts: readonly Part[];
  /** The same with the Audit policies taken in; equal to `parts` when there are none. */
  readonly wouldParts: readonly Part[];
}

/** Sources that one policy entry decides. */
export interface Part {
  readonly sources: AddressSet;
  readonly verdict: 'allow' | 'drop' | 'reject';
  /** `shop/web: allow[1]`, `shop/web: otherwise`, `ban: rules[0]`, `no policy`. */
  readonly because: string;
}

/** What is true on this node and from outside the policies. */
export interface AccessOptions {
  /** This node's name, to find its Node object for nodeSelector; null: a single machine, labels as below. */
  readonly nodeName: string | null;
  /** Labels of this node where no Node object gives them. */
  readonly nodeLabels: Readonly<Record<string, string>>;
  /** `--pod-cidr`. */
  readonly podCidrs: AddressSet;
  /** `--standalone`: bare numbers in a NodePortPolicy select ports without Service. */
  readonly standalone: boolean;
  /** `--allow-failsafe PORT`. */
  readonly allowFailsafe: readonly number[];
  /** Further ports that ranges never cover: the kubelet's and API server's real ports. */
  readonly extraFailsafes: readonly { readonly protocol: Protocol; readonly ports: PortRange }[];
}
