const MIB = 1024 * 1024;

/** Letters and signs of YAML without sense, the same on every run. */
const garbage = (length: number): string => {
  const signs = 'abcdefghijklmnop :-{}[]&*!|>\'"%@`#,?\n\t';
  let [text, seed] = ['', 1];
  for (let index = 0; index < length; index++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    text += signs[(seed >> 8) % signs.length] ?? '';
  }
  return text;
};

/** Each alias stands for nine of the one before: twelve of them for 9^12 values. */
const laughs = (): string => {
  const lines = ['a0: &a0 [1]'];
  for (let level = 1; level <= 12; level++)
    lines.push(
      `a${level}: &a${level} [${Array<string>(9)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
    );
  return lines.join('\n');
};

const numbered = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n');

/** A hostile text, what a reader answers, and the text itself (made when it is needed). */
export type HostileText = readonly [what: string, answer: string, text: () => string];

export const HOSTILE_TEXTS: readonly HostileText[] = [
  ['10 MB of garbage', 'yaml-syntax', () => garbage(10 * MIB)],
  ['10 MB of one letter', 'not-an-object', () => 'a'.repeat(10 * MIB)],
  ['10 MB of zeros', 'not-text', () => '\0'.repeat(10 * MIB)],
  ['65 MB', 'file-too-large', () => '#'.repeat(65 * MIB)],
  ['10 MB of [', 'yaml-too-deep', () => '['.repeat(10 * MIB)],
  ['10 MB of {"a":', 'yaml-too-deep', () => '{"a":'.repeat(2 * MIB)],
  ['10 MB of dashes', 'yaml-too-deep', () => '- '.repeat(5 * MIB)],
  ['10 MB of question marks', 'yaml-too-deep', () => '? '.repeat(5 * MIB)],
  ['10 MB of colons', 'yaml-too-deep', () => 'a: '.repeat(3 * MIB)],
  ['10 MB of list items', 'yaml-too-large', () => '- a\n'.repeat(2.5 * MIB)],
  ['600,000 fields', 'yaml-too-large', () => numbered(600_000, (index) => `field${index}: 1`)],
  ['30,000 documents', 'yaml-too-large', () => '--- a\n'.repeat(30_000)],
  ['10 MB in a quote that does not end', 'yaml-syntax', () => `a: "${'b\n'.repeat(5 * MIB)}`],
  ['aliases of aliases of aliases', 'yaml-aliases', laughs],
  ['an object within itself', 'list-in-list', () => 'kind: List\nitems: [&a { kind: List, items: [*a] }]'],
  ['100,000 Lists in Lists', 'list-in-list', () => '{"kind":"List","items":['.repeat(100_000) + ']}'.repeat(100_000)],
  [
    '200,000 levels where a word belongs',
    'missing-field wrong-value',
    () =>
      `{"apiVersion":"portcullis.dev/v1alpha1","kind":"NodePortPolicy","metadata":{"name":"a"},"spec":{"mode":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`,
  ],
  [
    '200,000 wrong addresses',
    'address-leading-zero … more-problems',
    () =>
      `apiVersion: portcullis.dev/v1alpha1\nkind: AddressGroup\nmetadata: { name: a }\nspec:\n  cidrs:\n${numbered(200_000, () => '    - 10.0.0.01/32')}`,
  ],
  [
    '20,000 times the same Service',
    'given-twice … more-problems',
    () => numbered(20_000, () => '---\nkind: Service\nmetadata: { name: a }'),
  ],
];
