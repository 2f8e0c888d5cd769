import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { error, type Diagnostic } from '../diagnostic/diagnostic.ts';
import type { Mode } from './mode.ts';

/** Programs that something needs, with the Debian and Ubuntu package of each. */
export type Needs = Readonly<Record<string, string>>;

const EVERY_LAB: Needs = {
  ip: 'iproute2',

  perl: 'perl-base',
  prlimit: 'util-linux',
  nft: 'nftables',
};

const IPTABLES: Needs = { iptables: 'iptables', nfacct: 'nfacct' };

/** The programs that a lab in this mode runs on the kernel that it is on. */
export const LAB_NEEDS: Readonly<Record<Mode, Needs>> = {
  nftables: EVERY_LAB,
  'iptables-nft': { ...EVERY_LAB, ...IPTABLES },
  'iptables-legacy': { ...EVERY_LAB, ...IPTABLES },
  ipvs: { ...EVERY_LAB, ...IPTABLES, ipset: 'ipset', ipvsadm: 'ipvsadm' },
};

/** What keeps this process from building a lab: no root, or missing programs, with the command that installs them. */
export const missing = (needs: Needs): readonly Diagnostic[] => {
  const absent = Object.keys(needs).filter((program) => programFile(program) === undefined);
  const packages = [...new Set(absent.map((program) => needs[program] ?? program))].sort();
  return [
    ...(process.geteuid?.() === 0
      ? []
      : [error('no-root', 'network namespaces need root', undefined, 'run it with sudo, or as root')]),
    ...(absent.length === 0
      ? []
      : [
          error(
            'missing-program',
            `not installed: ${absent.join(', ')}`,
            undefined,
            `apt-get install --no-install-recommends ${packages.join(' ')}`,
          ),
        ]),
  ];
};

/** The file of a program: its first executable on the search path, system folders included. */
export const programFile = (program: string): string | undefined => {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  return folders.map((folder) => join(folder, program)).find(executable);
};

const executable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};
