import type { Kernel } from '../../src/lab/vm-releases.ts';

/** Tests of a file that are run in the virtual machine of a kernel. */
export interface MachineRow {
  readonly kernel: Kernel;
  /** Below the checkout. */
  readonly file: `test/${string}.ts`;
  /**
   * Which of the file's tests: a pattern of their full names, as `node --test-name-pattern` takes it. All where nothing
   * is said.
   */
  readonly only?: string;
  /** What they show. */
  readonly fact: string;
  /**
   * What must be missing in the running kernel, else it shows the same without a machine. Null: it takes a machine, or
   * another version of the kernel.
   */
  readonly lacks: 'IPVS' | 'SCTP' | null;
  readonly environment?: Readonly<Record<string, string>>;
  /** Runs in the machine's first network namespace: the settings of the whole kernel are there alone. */
  readonly inFirstNamespace?: boolean;
  /** Milliseconds; ten minutes where nothing is said. */
  readonly timeoutMs?: number;
}

/** The rows that a file runs, each kernel's in one machine. */
export interface MachineSuite {
  readonly file: string;
  readonly kernels: readonly Kernel[];
  readonly rows: readonly MachineRow[];
  /** Emulated processors. With one, the same takes half of the time: what runs on it needs no care for others. */
  readonly cpus: 1 | 2;
}

/** Law 2 with packets: the kernel judges as the policies say. */
const packets = (kernel: Kernel): MachineRow => ({
  kernel,
  file: 'test/kernel/packets.test.ts',
  fact: 'of packets sent at the edges of random accesses exactly the allowed ones come through',
  lacks: null,
  environment: { PACKETS_RUNS: '3', PACKETS_SEED: '2' },
});

const ipvs = (kernel: Kernel, file: MachineRow['file'], fact: string, only = 'mode ipvs'): MachineRow => ({
  kernel,
  file,
  only,
  fact,
  lacks: 'IPVS',
});

const sctpDoors = (kernel: Kernel, mode: string): MachineRow => ({
  kernel,
  file: 'test/kernel/matrix.test.ts',
  only: `mode ${mode}, on this kernel$`,
  fact: `every client at every door by SCTP, mode ${mode}`,
  lacks: 'SCTP',
  environment: { MATRIX_PROTOCOL: 'sctp' },
});

/** What kernels of test machines lack, and the rules with packets on each kernel that is promised. */
const ROWS: readonly MachineRow[] = [
  packets('6.1'),
  packets('6.12'),
  ipvs('6.1', 'test/kernel/lab-outcomes.test.ts', 'the lab behaves as the captured node did, mode ipvs'),
  ipvs('6.1', 'test/kernel/matrix.test.ts', 'every client at every door, mode ipvs, SCTP included'),
  ipvs('6.1', 'test/kernel/trace-modes.test.ts', 'the simulation goes the way that the kernel tells, mode ipvs'),
  ipvs('6.1', 'test/kernel/revocation.test.ts', 'a revoked client is cut behind IPVS'),
  ipvs('6.12', 'test/kernel/traps-node.test.ts', 'a guarded node goes on working, mode ipvs, with VLANs'),
  ipvs('6.12', 'test/kernel/traps-others.test.ts', 'a guard beside the rules of others, mode ipvs'),
  ipvs('6.12', 'test/kernel/simulate-ipvs.test.ts', 'the simulation walks as the kernel does through IPVS', '.'),
  sctpDoors('6.12', 'nftables'),
  sctpDoors('6.12', 'iptables-nft'),
  sctpDoors('6.1', 'iptables-legacy'),
  {
    kernel: '6.1',
    file: 'test/kernel/revocation.test.ts',
    only: 'mode nftables, on this kernel$',
    fact: 'a revoked client is cut with SCTP',
    lacks: 'SCTP',
  },
  {
    kernel: '6.1',
    file: 'test/kernel/traps-conntrack.test.ts',
    only: 'full, on a kernel of its own',
    fact: 'with a full table of connections nobody refused gets in',
    lacks: null,
    environment: { PORTCULLIS_OWN_KERNEL: 'yes' },
    inFirstNamespace: true,
  },
  {
    kernel: '6.12',
    file: 'test/machines/service.ts',
    fact: 'the service guards after a reboot, under systemd',
    lacks: null,
    inFirstNamespace: true,
  },
];

const MANY_CHANGES = process.env['HAMMER_VM_CHANGES'];
const SEED = Number(process.env['HAMMER_SEED'] ?? 1);

/**
 * Law 7 with packets. Two changes of one kind of refusal show that this kernel takes them as they are meant; `npm run
 * hammer` makes many, of both kinds. An emulated machine bears a fifth of the packets.
 */
const hammer = (kernel: Kernel, otherwise: 'Drop' | 'Reject', firstSeed: number): MachineRow => ({
  kernel,
  file: 'test/kernel/hammer.test.ts',
  only: MANY_CHANGES === undefined ? `a ${otherwise}$` : 'here, ',
  fact: 'while policies change, nobody refused comes in and nobody allowed is refused',
  lacks: null,
  environment: {
    HAMMER_CHANGES: MANY_CHANGES ?? '2',
    HAMMER_SEED: String(SEED + firstSeed),
    HAMMER_UDP_RATE: String(Number(process.env['HAMMER_UDP_RATE'] ?? 5000) / 5),
    HAMMER_TCP_RATE: String(Number(process.env['HAMMER_TCP_RATE'] ?? 200) / 5),
  },
  timeoutMs: 600_000 + Number(MANY_CHANGES ?? 2) * 20_000,
});

export const MACHINE_SUITES: readonly MachineSuite[] = [
  ...(['6.1', '6.12'] as const).map((kernel): MachineSuite => ({
    file: `test/machines/linux-${kernel}.test.ts`,
    kernels: [kernel],
    rows: ROWS.filter((row) => row.kernel === kernel),
    cpus: 1,
  })),
  // Packets and changes must really happen at the same time.
  {
    file: 'test/machines/hammer.test.ts',
    kernels: ['6.1', '6.12'],
    rows: [hammer('6.1', 'Drop', 1000), hammer('6.12', 'Reject', 2000)],
    cpus: 2,
  },
];

/**
 * The rows of a suite that are asked for, by words in the path of their file or of the suite's. Without words all are.
 */
export const rowsAsked = ({ file, rows }: MachineSuite, words: readonly string[]): readonly MachineRow[] =>
  rows.filter((row) => words.length === 0 || words.some((word) => row.file.includes(word) || file.includes(word)));
