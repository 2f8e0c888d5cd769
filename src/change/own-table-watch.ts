import { TABLE } from '../compile/table/names.ts';
import type { TakenTransaction } from '../kernel/apply-change.ts';
import { followCommits } from '../kernel/netlink-follow.ts';
import { ok, type Result } from '../diagnostic/diagnostic.ts';
import type { FollowedCommit } from '../netlink/commits.ts';

/** What happened to the own table since it was asked last. */
export interface Heard {
  /** Commits of others that have written the own table. */
  readonly foreign: readonly FollowedCommit[];
  /** Whether commits may have been missed. */
  readonly lost: boolean;
}

/** Hears every commit to the own table. */
export interface OwnTableWatch {
  /** Tells what has happened until now. `own`: the transactions of this process since the last call. */
  readonly hear: (own: readonly TakenTransaction[]) => Promise<Heard>;
  readonly close: () => void;
}

/**
 * Watches the own table. `onWrite` is called at each commit to it, of whoever, and where commits may have been missed.
 * Problems: `netlink-unavailable`, where the kernel cannot be asked.
 */
export const watchOwnTable = (onWrite: () => void): Result<OwnTableWatch> => {
  let commits: FollowedCommit[] = [];
  let lost = false;
  const following = followCommits({
    onCommit: (commit) => {
      if (!commit.tables.some(({ family, table }) => family === TABLE.family && table === TABLE.name)) return;
      commits.push(commit);
      onWrite();
    },
    onLost: () => {
      lost = true;
      onWrite();
    },
  });
  if (!following.ok) return following;
  return ok({
    hear: async (own) => {
      await following.value.caughtUp();
      const heard = { foreign: withoutOwn(commits, own), lost };
      [commits, lost] = [[], false];
      return heard;
    },
    close: following.value.close,
  });
};

/**
 * An nft makes one commit; where two sockets want one port, an own commit seems foreign, which costs a listing and no
 * more.
 */
const withoutOwn = (
  commits: readonly FollowedCommit[],
  own: readonly TakenTransaction[],
): readonly FollowedCommit[] => {
  const writers = new Set(own.map(({ writer }) => writer));
  return commits.filter(({ port }) => !writers.delete(port));
};
