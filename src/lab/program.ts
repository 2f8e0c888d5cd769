import { fileURLToPath } from 'node:url';

/** The lab's small programs. echo.pl says why they are Perl. */
export type Program = 'echo.pl' | 'probe.pl' | 'talk.pl' | 'settings.pl' | 'vm-agent.pl';

/** The path of a program of the lab. */
export const programPath = (program: Program): string =>
  fileURLToPath(new URL(`./programs/${program}`, import.meta.url));

/** The command that runs a program of the lab. */
export const perl = (program: Program, ...rest: readonly string[]): ['perl', ...string[]] => [
  'perl',
  programPath(program),
  ...rest,
];
