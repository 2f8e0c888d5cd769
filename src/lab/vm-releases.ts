/** A kernel that the virtual machine can run. */
export const KERNELS = ['6.1', '6.12'] as const;

export type Kernel = (typeof KERNELS)[number];

/** Where a kernel comes from: a release of Debian, and the package that is pinned. */
export interface Release {
  readonly suite: string;
  /** Below the archive's root. */
  readonly file: string;
  readonly sha256: string;
}

/**
 * Debian's kernels for clouds. They are small and have everything that kube-proxy needs. When the pinned one has left
 * the archive, the newest is taken.
 */
export const RELEASES: Readonly<Record<Kernel, Release>> = {
  '6.1': {
    suite: 'bookworm',
    file: 'pool/main/l/linux-signed-amd64/linux-image-6.1.0-50-cloud-amd64_6.1.176-1_amd64.deb',
    sha256: 'efe19f605b6f54a8352e68d85a629abb2d30b72a085faef603a9152590baa791',
  },
  '6.12': {
    suite: 'trixie',
    file: 'pool/main/l/linux-signed-amd64/linux-image-6.12.117+deb13-cloud-amd64_6.12.117-1_amd64.deb',
    sha256: 'e9893e5295d0549b8852611f12a4b8b5f6cc4b8128dcc2086b9847793b904ab7',
  },
};

/** The virtual machine's kernel where a test asks for no other one. */
export const DEFAULT_KERNEL: Kernel = '6.1';
