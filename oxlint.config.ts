import { defineConfig } from 'oxlint';

/** The stages of the pipelines, in order: a folder imports only from itself and from folders before it. */
const PURE = ['diagnostic', 'net', 'ruleset', 'policy', 'access', 'compile', 'parse', 'simulate', 'audit', 'explain'];
const SHELL = ['kernel', 'kube', 'agent', 'server', 'lab', 'cli'];
const ORDER = [...PURE, ...SHELL];

const laterThan = (folder: string): string[] =>
  ORDER.slice(ORDER.indexOf(folder) + 1).flatMap((later) => [`../${later}/*`, `../../${later}/*`, `**/src/${later}/*`]);

const forbid = (folder: string, pure: boolean) => ({
  patterns: [
    ...(laterThan(folder).length > 0
      ? [{ group: laterThan(folder), message: `src/${folder} comes before it: data flows down the list in DESIGN.md` }]
      : []),
    ...(pure ? [{ group: ['node:*'], message: `src/${folder} is pure: it also runs in a browser` }] : []),
  ],
});

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'import', 'oxc'],
  categories: { correctness: 'error', suspicious: 'error' },
  ignorePatterns: ['node_modules', 'dist', 'dist-*', '.cache'],
  rules: {
    'typescript/no-floating-promises': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'typescript/no-explicit-any': 'error',
    'typescript/consistent-type-imports': 'error',
    'import/no-cycle': 'error',
    'import/no-default-export': 'error',
    'no-shadow': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/no-array-reverse': 'off',
    'oxc/no-map-spread': 'off',
    'no-await-in-loop': 'off',
    'import/no-unassigned-import': 'off',
    'typescript/no-unsafe-type-assertion': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'no-underscore-dangle': 'off',
    'no-control-regex': 'off',
    // fast-check is read as `fc.array(…)` everywhere.
    'import/no-named-as-default-member': 'off',
    // tsc (noImplicitReturns) knows which switches are complete.
    'typescript/consistent-return': 'off',
    'typescript/require-array-sort-compare': 'off',
    'typescript/no-misused-spread': 'off',
    // An arm of a choice says what happens `then`.
    'unicorn/no-thenable': 'off',
  },
  overrides: [
    ...ORDER.map((folder) => ({
      files: [`src/${folder}/**/*.ts`],
      rules: { 'no-restricted-imports': ['error', forbid(folder, PURE.includes(folder))] as never },
    })),
    {
      files: PURE.map((folder) => `src/${folder}/**/*.ts`),
      rules: {
        'no-console': 'error',
        'no-restricted-globals': [
          'error',
          'process',
          'Date',
          'setTimeout',
          'setInterval',
          'performance',
          'crypto',
          'fetch',
          'Buffer',
        ] as never,
        'no-restricted-properties': ['error', { object: 'Math', property: 'random' }] as never,
      },
    },
    ...ORDER.map((folder) => ({
      files: [`src/${folder}/**/*.test.ts`],
      rules: {
        'no-restricted-imports': ['error', forbid(folder, false)] as never,
        'typescript/no-floating-promises': 'off' as const,
      },
    })),
    { files: ['test/**/*.ts', 'bench/**/*.ts'], rules: { 'typescript/no-floating-promises': 'off' } },
    {
      // stricli hands a command its context as `this`.
      files: ['src/cli/*.ts', 'src/cli/commands/*.ts'],
      rules: { 'oxc/no-this-in-exported-function': 'off', 'typescript/no-generated-empty-object-type': 'off' } as never,
    },
    { files: ['oxlint.config.ts'], rules: { 'import/no-default-export': 'off' } },
  ],
});
