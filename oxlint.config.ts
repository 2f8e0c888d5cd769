import { defineConfig } from 'oxlint';

/**
 * The rooms of the house in order, sub-rooms included: a room imports only from itself and from rooms before it. A
 * folder's own files come after its sub-rooms, because they put together what the sub-rooms make.
 */
export const PURE_ROOMS = [
  'diagnostic',
  'net',
  'ruleset/values',
  'ruleset/nft',
  'ruleset/iptables',
  'ruleset',
  'print',
  'lower',
  'policy',
  'access',
  'kube-proxy',
  'change-ruleset',
  'compile/table',
  'compile/plan',
  'compile',
  'export',
  'netlink',
  'parse/values',
  'parse/iptables/match',
  'parse/iptables/target',
  'parse/iptables',
  'parse/nft/json',
  'parse/nft/text',
  'parse/nft',
  'parse/node',
  'parse',
  'simulate/host',
  'simulate/state',
  'simulate/match',
  'simulate/chain',
  'simulate/way',
  'simulate',
  'kernel-trace',
  'audit/exposures',
  'audit/reach',
  'audit/findings',
  'audit/proof',
  'audit/counts',
  'audit',
  'explain/words',
  'explain/question',
  'explain/path',
  'explain/why',
  'explain/access',
  'explain',
  'change/plan',
];
const SHELL = [
  'kernel',
  'change',
  'kube',
  'agent',
  'server',
  'lab',
  'cli/output',
  'cli/input',
  'cli/verbs',
  'cli/commands',
  'cli',
];
const ORDER = [...PURE_ROOMS, ...SHELL];

/** How a file of the room `from` names files of the room `to`: `../../parse/nft/*.ts`. */
const specifier = (from: string, to: string): string => {
  const [here, there] = [from.split('/'), to.split('/')];
  const shared = here.findIndex((part, at) => part !== there[at]);
  const common = shared === -1 ? here.length : shared;
  return [...here.slice(common).map(() => '..'), ...there.slice(common), '*.ts'].join('/');
};

const laterThan = (room: string): string[] =>
  ORDER.slice(ORDER.indexOf(room) + 1).map((later) => specifier(room, later));

const forbid = (room: string, pure: boolean) => ({
  patterns: [
    ...(laterThan(room).length > 0
      ? [{ group: laterThan(room), message: `src/${room} comes before it: the order of rooms is in oxlint.config.ts` }]
      : []),
    ...(pure ? [{ group: ['node:*'], message: `src/${room} is pure: it also runs in a browser` }] : []),
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
    ...ORDER.map((room) => ({
      files: [`src/${room}/*.ts`],
      rules: { 'no-restricted-imports': ['error', forbid(room, PURE_ROOMS.includes(room))] as never },
    })),
    {
      files: PURE_ROOMS.map((room) => `src/${room}/*.ts`),
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
    ...ORDER.map((room) => ({
      files: [`src/${room}/*.test.ts`],
      rules: {
        'no-restricted-imports': ['error', forbid(room, false)] as never,
        'typescript/no-floating-promises': 'off' as const,
      },
    })),
    { files: ['test/**/*.ts', 'bench/**/*.ts'], rules: { 'typescript/no-floating-promises': 'off' } },
    {
      // stricli hands a command its context as `this`.
      files: ['src/cli/**/*.ts'],
      rules: { 'oxc/no-this-in-exported-function': 'off', 'typescript/no-generated-empty-object-type': 'off' } as never,
    },
    { files: ['oxlint.config.ts'], rules: { 'import/no-default-export': 'off' } },
  ],
});
