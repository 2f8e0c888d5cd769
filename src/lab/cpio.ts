/** A file for an archive; its content, or null for a folder. */
export interface ArchiveEntry {
  readonly path: string;
  readonly content: Uint8Array | null;
  readonly executable?: boolean;
}

/**
 * An archive in the form that the kernel unpacks as its first root
 * (Documentation/driver-api/early-userspace/buffer-format.rst).
 */
export const cpioArchive = (entries: readonly ArchiveEntry[]): Buffer =>
  Buffer.concat([...entries, TRAILER].map((entry, index) => member(entry, index + 1)));

const TRAILER: ArchiveEntry = { path: 'TRAILER!!!', content: new Uint8Array() };

const member = ({ path, content, executable = false }: ArchiveEntry, inode: number): Buffer => {
  const mode = content === null ? 0o040755 : executable ? 0o100755 : 0o100644;
  const size = content?.length ?? 0;
  const name = Buffer.from(`${path}\0`);
  const fields = [inode, mode, 0, 0, content === null ? 2 : 1, 0, size, 0, 0, 0, 0, name.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(Buffer.from(content ?? []))]);
};

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
