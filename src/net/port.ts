import { error, fail, ok, type Result, type Span } from '../diagnostic/diagnostic.ts';
import { PROTOCOLS, type Protocol } from './protocol.ts';

/** Ports from `first` to `last`, both included; 1..65535. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Ports, and the protocol when one was named. */
export interface PortSpec {
  readonly ports: PortRange;
  readonly protocol: Protocol | null;
}

const HINT = 'Write a port from 1 to 65535, a range or a protocol with it: 30001, 30000-30099, 30001/udp';

const parsePort = (text: string, span: Span): Result<number> => {
  if (!/^[0-9]{1,6}$/.test(text))
    return fail(error('port-syntax', `${JSON.stringify(text.slice(0, 40))} is not a port number`, span, HINT));
  if (text.length > 1 && text.startsWith('0'))
    return fail(error('port-leading-zero', 'the port has a leading zero', span, `Write ${Number(text)}`));
  const port = Number(text);
  return port >= 1 && port <= 65_535
    ? ok(port)
    : fail(error('port-out-of-range', `there is no port ${text}`, span, HINT));
};

/** Reads `30001`, `30000-30099`, `30001/udp` or `30000-30099/tcp`. Problems carry their position in `text`. */
export const parsePorts = (text: string): Result<PortSpec> => {
  const slash = text.indexOf('/');
  const range = slash === -1 ? text : text.slice(0, slash);
  const name = slash === -1 ? null : text.slice(slash + 1);
  const protocol = PROTOCOLS.find((known) => known === name) ?? null;
  if (name !== null && protocol === null) {
    const span = { start: slash + 1, end: Math.max(text.length, slash + 2) };
    return fail(
      error(
        'protocol-unknown',
        `${JSON.stringify(name.slice(0, 40))} is not a protocol of Services`,
        span,
        'Write tcp, udp or sctp',
      ),
    );
  }
  const dash = range.indexOf('-');
  const firstText = dash === -1 ? range : range.slice(0, dash);
  const first = parsePort(firstText, { start: 0, end: Math.max(firstText.length, 1) });
  if (!first.ok) return first;
  if (dash === -1) return ok({ ports: { first: first.value, last: first.value }, protocol });
  const last = parsePort(range.slice(dash + 1), { start: dash + 1, end: Math.max(range.length, dash + 2) });
  if (!last.ok) return last;
  if (last.value < first.value)
    return fail(
      error(
        'port-range-reversed',
        `the range ${range} ends before it begins`,
        { start: 0, end: range.length },
        `Write ${last.value}-${first.value}`,
      ),
    );
  return ok({ ports: { first: first.value, last: last.value }, protocol });
};

/** `30001`, `30000-30099`, `30001/udp`. */
export const formatPorts = ({ first, last }: PortRange, protocol: Protocol | null = null): string =>
  `${first === last ? first : `${first}-${last}`}${protocol === null ? '' : `/${protocol}`}`;
