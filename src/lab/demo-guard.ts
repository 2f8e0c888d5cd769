import { UNWANTED, WANTED } from './demo-classic.ts';
import type { Stage } from './demo-stage.ts';
import { must, quote, say } from './demo-tell.ts';
import type { Probe } from './probe.ts';

/** Both clients come in. The demo begins and ends this way. */
export const bothReach = async (stage: Stage, step: number, sentence: string): Promise<void> => {
  const reached = await stage.reaches(WANTED, UNWANTED);
  must(reached.every(Boolean), 'both clients reach node port 30001');
  say(step, sentence);
};

/** One command lets one client in and refuses the other. */
export const restrictTcp = async (stage: Stage, step: number): Promise<void> => {
  const output = await portcullis(stage, 'restrict', '30001', '--from', '198.51.100.0/30');
  const [wanted, unwanted] = await stage.reaches(WANTED, UNWANTED);
  must(wanted === true && unwanted === false, 'restrict lets one in and refuses the other');
  say(step, `One command instead: 198.51.100.2 comes in, 198.51.100.9 is refused.`);
  quote('portcullis restrict 30001 --from 198.51.100.0/30', output);
};

/** The same for UDP and for IPv6, a range of ports at once. */
export const restrictUdpAndIpv6 = async (stage: Stage, step: number): Promise<void> => {
  const range = ['restrict', '30002-30099', '--from', '198.51.100.0/30,2001:db8:0:198::/125'];
  await portcullis(stage, ...range);
  const udp = { protocol: 'udp', to: '192.0.2.10', port: 30053 } as const;
  const ipv6 = { protocol: 'tcp', to: '2001:db8:0:2::10', port: 30006 } as const;
  const clients = [udp, ipv6].flatMap((probe) => [WANTED, UNWANTED].map((client): Probe => ({ ...client, ...probe })));
  const reached = await stage.reaches(...clients);
  must(reached.join() === 'true,false,true,false', 'restrict does the same for UDP and for IPv6');
  say(
    step,
    `A range, UDP and IPv6: portcullis ${range.join(' ')}. At UDP port 30053 and, over IPv6, at 30006, the one client is answered, the other is not.`,
  );
};

/** A client that loses its permission is cut at the next packet, also on a connection that exists already. */
export const revoke = async (stage: Stage, step: number): Promise<void> => {
  const held = stage.talk(WANTED);
  try {
    must((await held.hear(5000)) === 'open' && (await held.say('before', 5000)) !== null, 'a connection is open');
    const output = await portcullis(stage, 'restrict', '30001', '--from', '198.51.100.8/29');
    must((await held.say('after', 1500)) === null, 'an established connection is cut when its client is revoked');
    must((await stage.reaches(UNWANTED))[0] === true, 'who is let in now, comes in');
    say(
      step,
      'A revoke cuts what is open: 198.51.100.2 holds a connection, is taken off the list, and its next packet gets no answer. 198.51.100.9 comes in now.',
    );
    quote('portcullis restrict 30001 --from 198.51.100.8/29', output);
  } finally {
    await held.close();
  }
};

const POLICY = `apiVersion: portcullis.dev/v1alpha1
kind: ClusterNodePortPolicy
metadata: { name: office-only }
spec:
  tier: Admin
  priority: 100
  subject: { ports: ["30443/tcp"] }
  rules:
    - { action: Deny, from: [{ everyone: true, except: [198.51.100.0/30] }] }
`;

/** The output of the commands that change nothing. They may run at the same time. */
export const look = async (stage: Stage, step: number): Promise<void> => {
  const policy = stage.file('office.yaml', POLICY);
  const [diff, status, denied, verify] = await Promise.all([
    stage.portcullis('diff', '-f', policy),
    stage.portcullis('status'),
    stage.portcullis('denied'),
    stage.portcullis('verify'),
  ]);
  must(diff.status === 1 && diff.stdout.includes('198.51.100.0/30'), `diff says who would lose a port: ${diff.stderr}`);
  must(status.status === 0 && status.stdout.includes('restrict-30001'), `status names the policy: ${status.stderr}`);
  must(denied.status === 0 && denied.stdout.includes('198.51.100.9'), `denied names who was refused: ${denied.stderr}`);
  must(verify.status === 0, `the kernel does what the policies say: ${verify.stdout}${verify.stderr}`);
  say(step, 'What a policy file would change, what is guarded, who was refused, and the proof from the kernel itself:');
  quote('portcullis diff -f office.yaml', diff.stdout.replace(policy, 'office.yaml'));
  quote('portcullis status', status.stdout);
  quote('portcullis denied', denied.stdout);
  quote('portcullis verify', verify.stdout);
};

/** Everything is taken away, and nothing is left. */
export const removeAll = async (stage: Stage, step: number): Promise<void> => {
  await portcullis(stage, 'remove');
  const { stdout } = await stage.onNode(['nft', 'list', 'tables']);
  must(!stdout.includes('portcullis'), 'nothing of Portcullis is left in the kernel');
  await bothReach(stage, step, 'portcullis remove: its table is gone from the kernel, and both clients come in again.');
};

const portcullis = async (stage: Stage, ...argv: readonly string[]): Promise<string> => {
  const { status, stdout, stderr } = await stage.portcullis(...argv);
  must(status === 0, `portcullis ${argv.join(' ')} (status ${status}): ${stderr.trim()}`);
  return stdout;
};
