import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { problemsOf, warningsOf, type Told } from '../../test/support/told.ts';
import { renderDiagnostic } from '../diagnostic/render.ts';
import { readManifests } from './read-manifests.ts';

const read = (...texts: readonly string[]) =>
  readManifests(texts.map((text, index) => ({ name: index === 0 ? 'x.yaml' : `x${index}.yaml`, text })));

type Row = readonly [text: string, ...told: Told];

/** Each text is refused with one problem: its code, line:column, what the caret stands under, and the hint. */
const refused = (rows: readonly Row[]): void => {
  for (const [text, ...told] of rows)
    test(`${text.replaceAll('\n', ' ⏎ ').replaceAll('\t', '→')}: ${told[0]}`, () => {
      assert.deepEqual(problemsOf(read(text)), [told]);
    });
};

/** Documents of an AddressGroup, from their third line on. */
const own = (...rest: readonly string[]): string =>
  rest.map((lines) => `apiVersion: portcullis.dev/v1alpha1\nkind: AddressGroup\n${lines}`).join('\n---\n');

const KINDS = 'Known kinds: NodePortPolicy, ClusterNodePortPolicy, AddressGroup, Service, Node, Namespace, List';

// prettier-ignore
const OBJECTS: readonly Row[] = [
  ['text', 'not-an-object', '1:1', 'text', 'It begins with apiVersion and kind'],
  ['[]', 'not-an-object', '1:1', '[]', 'It begins with apiVersion and kind'],
  ['42', 'not-an-object', '1:1', '42', 'It begins with apiVersion and kind'],
  ['{}', 'kind-missing', '1:1', '{', KINDS],
  ['kind: 7', 'kind-missing', '1:7', '7', KINDS],
  ['kind: NodePortPolicy', 'api-version-missing', '1:1', 'kind: NodePortPolicy', 'Write apiVersion: portcullis.dev/v1alpha1'],
  ['apiVersion: v1\nkind: NodePortPolicy', 'api-version-unknown', '1:13', 'v1', 'Write apiVersion: portcullis.dev/v1alpha1'],
  ['apiVersion: [portcullis.dev/v1alpha1]\nkind: NodePortPolicy', 'api-version-unknown', '1:13', '[portcullis.dev/v1alpha1]', 'Write apiVersion: portcullis.dev/v1alpha1'],
  ['kind: NodePortPolice', 'kind-unknown', '1:7', 'NodePortPolice', 'Did you mean NodePortPolicy?'],
  ['apiVersion: portcullis.dev/v1alpha1\nkind: Firewall', 'kind-unknown', '2:7', 'Firewall', KINDS],
  ['kind: List', 'missing-field', '1:1', 'kind: List', 'A list of objects stands there, as kubectl get -o yaml prints it'],
  ['kind: List\nitems: {}', 'wrong-type', '2:8', '{}', 'A list of objects stands there, as kubectl get -o yaml prints it'],
  ['kind: List\nitems: [{ kind: List, items: [] }]', 'list-in-list', '2:9', '{ kind: List, items: [] }', 'Give its objects one by one'],
  ['kind: List\nitems: [7]', 'not-an-object', '2:9', '7', 'It begins with apiVersion and kind'],
  ['apiVersion: v1\nkind: Service', 'missing-field', '1:1', 'apiVersion: v1', 'Write metadata: { name: … }'],
  ['apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: Shop }', 'bad-name', '3:35', 'Shop', 'Lower case letters, digits and "-" (RFC 1123), as in kubectl; at most 63'],
  [own('spec: { cidrs: [] }'), 'missing-field', '1:1', 'apiVersion: portcullis.dev/v1alpha1', 'Write metadata: { name: … }'],
  [own('metadata: office\nspec: { cidrs: [] }'), 'wrong-type', '3:11', 'office', 'Write metadata: { name: … }'],
  [own('metadata: {}\nspec: { cidrs: [] }'), 'missing-field', '3:11', '{}', 'Every object has a name'],
  [own('metadata: { name: Office }\nspec: { cidrs: [] }'), 'bad-name', '3:19', 'Office', 'Lower case letters, digits, "-" and "." (RFC 1123), as in kubectl; at most 253'],
  [own('metadata: { name: 7 }\nspec: { cidrs: [] }'), 'bad-name', '3:19', '7', 'Lower case letters, digits, "-" and "." (RFC 1123), as in kubectl; at most 253'],
  [own('metadata: { name: office, lables: {} }\nspec: { cidrs: [] }'), 'unknown-field', '3:27', 'lables', 'Did you mean labels?'],
  [own('metadata: { name: office }\nspecs: {}\nspec: { cidrs: [] }'), 'unknown-field', '4:1', 'specs', 'Did you mean spec?'],
  [own('metadata: { name: office }'), 'missing-field', '1:1', 'apiVersion: portcullis.dev/v1alpha1', 'spec should be a mapping'],
  [own('metadata: { name: a }\nspec: { cidrs: [] }', 'metadata: { name: a }\nspec: { cidrs: [] }'), 'given-twice', '8:19', 'a', 'The first is at x.yaml:3'],
];

describe('what is no object that can be read', () => {
  refused(OBJECTS);
});

// prettier-ignore
const SYNTAX: readonly Row[] = [
  ['a: [1, 2', 'yaml-syntax', '1:9', '', 'Check the indentation'],
  ['a: "1', 'yaml-syntax', '1:6', '', 'Something that was opened is not closed'],
  ['a: b: c', 'yaml-syntax', '1:4', 'b', 'Check the indentation of this line, or quote the value'],
  ['a: 1\na: 2', 'yaml-syntax', '2:1', 'a', 'A field may stand once only'],
  ['\ta: 1', 'yaml-syntax', '1:1', '\t', 'Indent with spaces'],
  ['a:\n\tb: 1', 'yaml-syntax', '2:1', '\t', 'Indent with spaces'],
  ['a: 1\n  b: 2', 'yaml-syntax', '1:4', '1', 'Check the indentation of this line, or quote the value'],
  ['a: *b', 'yaml-alias-unknown', '1:4', '*b', 'Write the value out'],
  ['? [1]\n: 2', 'yaml-syntax', '1:3', '[', ''],
  ['- a\nb: 1', 'yaml-syntax', '2:1', 'b', ''],
  ['a: @b', 'yaml-syntax', '1:4', '@', ''],
  ['a: `b`', 'yaml-syntax', '1:4', '`', ''],
  ['a: %b', 'yaml-syntax', '1:4', '%', ''],
];

describe('what is no YAML', () => {
  refused(SYNTAX);
});

// prettier-ignore
const AS_JSON: readonly Row[] = [
  ['{"apiVersion": "portcullis.dev/v1alpha1", "kind": "AddressGroup", "metadata": {"name": "a"}, "spec": {"cidrs": ["10.0.0.0/8", "10.0.0.1/8"]}}',
    'host-bits-set', '1:128', '10.0.0.1/8', 'Did you mean the network 10.0.0.0/8 or the one address 10.0.0.1/32?'],
  ['{"apiVersion": "portcullis.dev/v1alpha1", "kind": "AddressGroup", "metadata": {"name": "a"},\n "spec": {"cidr\\u0073": [], "ip": {"x": ["y"]}}}',
    'unknown-field', '2:29', '"ip"', 'Fields here: cidrs'],
  ['{"apiVersion": "portcullis.dev/v1alpha1", "kind": "AddressGroup",\n "metadata": {"name": "a\\"b"}, "spec": {"cidrs": []}}',
    'bad-name', '2:23', '"a\\"b"', 'Lower case letters, digits, "-" and "." (RFC 1123), as in kubectl; at most 253'],
  ['{"apiVersion": "portcullis.dev/v1alpha1", "kind": "AddressGroup", "metadata": {"name": "a"}}',
    'missing-field', '1:1', '{', 'spec should be a mapping'],
  ['{"apiVersion": "v1", "kind": "List", "items": [\n {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "A"}}]}',
    'bad-name', '2:63', '"A"', 'Lower case letters, digits, "-" and "." (RFC 1123), as in kubectl; at most 253'],
  ['{"kind": "List" "items": []}', 'yaml-syntax', '1:17', '"items"', ''],
];

describe('the same in JSON', () => {
  refused(AS_JSON);
});

const GROUP = own('metadata: { name: office }\nspec: { cidrs: [10.0.0.0/8] }');

// prettier-ignore
const PASSED_OVER: readonly Row[] = [
  ['apiVersion: apps/v1\nkind: Deployment\nspec: { x: 0644 }', 'kind-ignored', '2:7', 'Deployment', 'Only policies, AddressGroups, Services, Nodes and Namespaces are read'],
  ['apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: { name: a }', 'kind-ignored', '2:7', 'Service', 'Only policies, AddressGroups, Services, Nodes and Namespaces are read'],
  ['apiVersion: projectcalico.org/v3\nkind: NodePortPolicies', 'kind-ignored', '2:7', 'NodePortPolicies', 'Only policies, AddressGroups, Services, Nodes and Namespaces are read'],
  [own('metadata: { name: a, namespace: shop }\nspec: { cidrs: [] }'), 'namespace-ignored', '3:22', 'namespace', 'It holds for all of them; remove the field'],
];

describe('what is read with a warning', () => {
  for (const [text, ...told] of PASSED_OVER)
    test(`${text.replaceAll('\n', ' ⏎ ')}: ${told[0]}`, () => {
      assert.deepEqual(warningsOf(read(text)), [told]);
    });
});

describe('texts', () => {
  const groupsOf = (text: string): readonly string[] => {
    const result = read(text);
    assert.ok(result.ok, JSON.stringify(problemsOf(result)));
    return [...result.value.groups.keys()];
  };
  const good: readonly (readonly [what: string, text: string, groups: readonly string[]])[] = [
    ['an empty text holds nothing', '', []],
    ['a text of comments and empty documents holds nothing', '# nothing\n---\n---\n# more\n...\n', []],
    ['documents are separated by ---', `---\n${GROUP}\n---\n${GROUP.replace('office', 'vpn')}`, ['office', 'vpn']],
    ['lines may end in CR LF', GROUP.replaceAll('\n', '\r\n'), ['office']],
    ['a byte order mark is no part of the text', `\ufeff${GROUP}`, ['office']],
    [
      'a few aliases are as good as what they stand for',
      own(
        'metadata: { name: office, labels: { net: &net 10.0.0.0/8 } }\nspec: { cidrs: [*net] }',
        'metadata: { name: vpn }\nspec: { cidrs: [] }',
      ),
      ['office', 'vpn'],
    ],
    [
      'what kubectl get prints may be given back',
      own(
        'metadata: { name: office, uid: 1, creationTimestamp: x, managedFields: [] }\nspec: { cidrs: [] }\nstatus: {}',
      ),
      ['office'],
    ],
    [
      'a List holds objects',
      JSON.stringify({
        kind: 'List',
        items: [
          JSON.parse(
            JSON.stringify({
              apiVersion: 'portcullis.dev/v1alpha1',
              kind: 'AddressGroup',
              metadata: { name: 'office' },
              spec: { cidrs: [] },
            }),
          ),
        ],
      }),
      ['office'],
    ],
    [
      'an AddressGroupList holds AddressGroups',
      'apiVersion: portcullis.dev/v1alpha1\nkind: AddressGroupList\nitems: [{ metadata: { name: office }, spec: { cidrs: [] } }]',
      ['office'],
    ],
  ];
  for (const [what, text, groups] of good) test(what, () => assert.deepEqual(groupsOf(text), groups));

  test('all problems of all texts are told, each with its file', () => {
    const result = read(own('metadata: { name: a }\nspec: { cidrs: [10.0.0.1/8, 10/8] }'), 'a: [');
    assert.deepEqual(result.ok ? [] : result.problems.map(({ code, source }) => `${source?.name ?? ''} ${code}`), [
      'x.yaml host-bits-set',
      'x.yaml address-short-form',
      'x1.yaml yaml-syntax',
    ]);
  });

  test('the same object in two files is told with the place of the first', () => {
    const result = read(GROUP, `\n\n${GROUP}`);
    assert.deepEqual(problemsOf(result), [['given-twice', '5:19', 'office', 'The first is at x.yaml:3']]);
  });

  test('a problem is shown with its line, a caret below the wrong place, and a hint', () => {
    const result = read(`\n${own('metadata:\n\n  name: a\nspec:\n  cidrs:\n    - 192.168.1.5/24 # the office')}`);
    assert.equal(
      result.ok ? '' : result.problems.map(renderDiagnostic).join('\n'),
      [
        'x.yaml:9:7  error: host bits are set in 192.168.1.5/24',
        '  9 |     - 192.168.1.5/24 # the office',
        '    |       ^^^^^^^^^^^^^^',
        '  Did you mean the network 192.168.1.0/24 or the one address 192.168.1.5/32?',
      ].join('\n'),
    );
  });

  test('a problem at the very beginning of a text that begins with an empty line stands in line 1', () => {
    const result = read('\n');
    assert.ok(result.ok);
    const problem = { code: 'x', severity: 'error', message: 'm', span: { start: 0, end: 1 } } as const;
    const source = { name: 'x', text: '\n' };
    assert.equal(renderDiagnostic({ ...problem, source }), 'x:1:1  error: m\n  1 | \n    | ^');
  });
});
