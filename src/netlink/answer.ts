import { ok, type Result } from '../diagnostic/diagnostic.ts';
import { readText, visitAttributes } from './attribute.ts';
import { CONTROL, ERROR_ATTRIBUTE, FLAG, HEADER } from './constants.ts';
import { malformed, type Received } from './message.ts';

/** What the kernel says of a request. */
export interface Acknowledgement {
  /** 0: done; else the error's number, without its minus. */
  readonly errno: number;
  /** The sequence and type of the message that it is about. */
  readonly sequence: number;
  readonly type: number;
  /** The kernel's own words, where it has any (NETLINK_EXT_ACK); empty where not. */
  readonly text: string;
  /** The byte of the message at which the kernel stopped; null where it does not say. */
  readonly offset: number | null;
}

/** Whether a message is an acknowledgement or an error (the two are one kind, NLMSG_ERROR). */
export const isAcknowledgement = ({ type }: Received): boolean => type === CONTROL.error;

/**
 * Reads struct nlmsgerr (include/uapi/linux/netlink.h): the number, the request's header, the request itself where the
 * error is not capped, and attributes.
 */
export const readAcknowledgement = (message: Received): Result<Acknowledgement> => {
  const { view, first, end, flags } = message;
  if (end - first < 4 + HEADER.netlink) return malformed('an acknowledgement is cut');
  const errno = -view.getInt32(first, true);
  if (errno < 0) return malformed(`an acknowledgement has the number ${-errno}`);
  const requestLength = view.getUint32(first + 4, true);
  const isWhole = (flags & FLAG.capped) === 0 && errno !== 0;
  const attributes = first + 4 + (isWhole ? (requestLength + 3) & ~3 : HEADER.netlink);
  const said = { text: '', offset: null as number | null };
  if ((flags & FLAG.extendedAcknowledgement) !== 0) {
    if (attributes > end) return malformed('an error quotes more than there is');
    const whole = visitAttributes(view, attributes, end, (type, from, to) => {
      if (type === ERROR_ATTRIBUTE.message) said.text = readText(view, from, to);
      else if (type === ERROR_ATTRIBUTE.offset && to - from === 4) said.offset = view.getUint32(from, true);
    });
    if (!whole) return malformed('the attributes of an error are cut');
  }
  return ok({ errno, type: view.getUint16(first + 8, true), sequence: view.getUint32(first + 12, true), ...said });
};
