import type { Hook } from '../../ruleset/hook.ts';
import type { Ruleset } from '../../ruleset/ruleset.ts';
import { hookPicture, type PictureRow } from './hook-picture.ts';
import { fractionText } from '../words/number-words.ts';
import { outcomeWords } from './outcome-words.ts';
import { stepsFrom, type TraceView } from './trace-view.ts';
import { cut, escapeXml, wrap } from '../words/svg-text.ts';

const WIDTH = 1200;
const BOX = 252;
const ROW = 19;
const NOTE = 15;
const HEAD = 28;
const CHARS = 35;

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Box extends Point {
  readonly height: number;
}

const STYLE = `
  .bg{fill:#fff}.t{fill:#1c2733;font:14px system-ui,sans-serif}.h{font-weight:600}.m{font:11.5px ui-monospace,Menlo,Consolas,monospace;fill:#8593a3}
  .lit{fill:#1c2733}.n{font:11px system-ui,sans-serif;fill:#b4530a}.b{fill:#f6f8fa;stroke:#c9d3de}.bl{fill:#eef6ff;stroke:#2f7fd6;stroke-width:1.5}
  .a{stroke:#c9d3de;fill:none;stroke-width:2}.al{stroke:#2f7fd6;fill:none;stroke-width:3}.p{fill:#8593a3;font:11px system-ui,sans-serif}
  @media (prefers-color-scheme:dark){.bg{fill:#10161d}.t,.lit{fill:#e6edf3}.m,.p{fill:#71808f}.n{fill:#f0a35e}.b{fill:#161d26;stroke:#33404d}.bl{fill:#10263d;stroke:#58a6ff}.a{stroke:#33404d}.al{stroke:#58a6ff}}`;

const heightOf = (rows: readonly PictureRow[]): number =>
  HEAD +
  8 +
  Math.max(
    ROW,
    rows.reduce((sum, { notes }) => sum + ROW + notes.length * NOTE, 0),
  );

const drawHook = (hook: string, rows: readonly PictureRow[], { x, y, height }: Box): string => {
  const lit = rows.some(({ visited }) => visited);
  const parts = [
    `<rect class="${lit ? 'bl' : 'b'}" x="${x}" y="${y}" width="${BOX}" height="${height}" rx="6"/>`,
    `<text class="t h" x="${x + 12}" y="${y + 20}">${hook}</text>`,
  ];
  let at = y + HEAD + 12;
  for (const { title, priority, visited, notes } of rows) {
    parts.push(
      `<text class="m${visited ? ' lit' : ''}" x="${x + 12}" y="${at}"><title>${escapeXml(`${title}, priority ${priority}`)}</title>${escapeXml(cut(title, CHARS - 6))}</text>`,
      `<text class="p" x="${x + BOX - 10}" y="${at}" text-anchor="end">${priority}</text>`,
    );
    at += ROW;
    for (const note of notes) {
      parts.push(
        `<text class="n" x="${x + 20}" y="${at - 3}"><title>${escapeXml(note)}</title>${escapeXml(cut(note, CHARS + 2))}</text>`,
      );
      at += NOTE;
    }
  }
  if (rows.length === 0) parts.push(`<text class="m" x="${x + 12}" y="${at}">no chain</text>`);
  return parts.join('');
};

const arrow = (lit: boolean, points: readonly Point[]): string =>
  `<polyline class="${lit ? 'al' : 'a'}" marker-end="url(#${lit ? 'hl' : 'h'})" points="${points.map(({ x, y }) => `${x},${y}`).join(' ')}"/>`;

/** The parts of the picture that the packet passes. */
const passed = (view: TraceView) => {
  const hooks = new Set<Hook>();
  let [local, routed, balanced] = [false, false, false];
  for (const step of stepsFrom(view.root)) {
    if (step.kind === 'hop' || step.kind === 'ipvs' || step.kind === 'translated') hooks.add(step.hook);
    if (step.kind === 'socket') local = true;
    // IPVS takes packets from input to output, past all programs.
    if (step.kind === 'ipvs' && step.hook === 'input') balanced = true;
    if (step.kind === 'route') routed = true;
  }
  return { hooks, local, routed, balanced };
};

/**
 * A picture of the hooks with their chains in the order in which they run; the packet's way is lit. It is a whole SVG
 * document, 1200 px wide, and follows the reader's light or dark setting. `sentence`: what {@link summarize} gives.
 */
export const traceSvg = (ruleset: Ruleset, view: TraceView, sentence: string): string => {
  const rows = hookPicture(ruleset, view);
  const { hooks, local, routed, balanced } = passed(view);
  const title = wrap(sentence, 140);
  const top = 34 + title.length * 20;
  const upper = Math.max(heightOf(rows.input), heightOf(rows.output));
  const low = top + upper + 56;
  const lower = Math.max(heightOf(rows.forward), heightOf(rows.postrouting), heightOf(rows.prerouting));
  const columns = [16, 344, 636, 932] as const;
  const [first, second, third, fourth] = columns;
  const mid = low + 40;
  const routing: Point = { x: first + BOX + 38, y: mid };
  const ends = view.outcomes.map((outcome) => {
    const share = outcome.probability === null ? '' : `${fractionText(outcome.probability)}  `;
    return wrap(`${share}${outcomeWords(view.packet.family, outcome)}`, 150);
  });
  const endAt = low + lower + 40;
  const height = endAt + ends.reduce((sum, lines) => sum + lines.length * 18 + 4, 0) + 16;
  const isForwarded = hooks.has('forward') || (hooks.has('postrouting') && !hooks.has('output'));
  const body = [
    ...title.map((text, index) => `<text class="t h" x="16" y="${30 + index * 20}">${escapeXml(text)}</text>`),
    drawHook('prerouting', rows.prerouting, { x: first, y: low, height: heightOf(rows.prerouting) }),
    drawHook('input', rows.input, { x: second, y: top, height: heightOf(rows.input) }),
    drawHook('output', rows.output, { x: fourth, y: top, height: heightOf(rows.output) }),
    drawHook('forward', rows.forward, { x: second, y: low, height: heightOf(rows.forward) }),
    drawHook('postrouting', rows.postrouting, { x: fourth, y: low, height: heightOf(rows.postrouting) }),
    `<circle class="${routed ? 'bl' : 'b'}" cx="${routing.x}" cy="${routing.y}" r="22"/><text class="p" x="${routing.x}" y="${routing.y + 4}" text-anchor="middle">route</text>`,
    `<rect class="${local || (hooks.has('output') && !balanced) ? 'bl' : 'b'}" x="${third + 16}" y="${top}" width="220" height="44" rx="22"/><text class="t" x="${third + 126}" y="${top + 27}" text-anchor="middle">programs of this node</text>`,
    arrow(hooks.has('prerouting'), [
      { x: first + BOX, y: mid },
      { x: routing.x - 26, y: mid },
    ]),
    arrow(hooks.has('input'), [
      { x: routing.x, y: mid - 22 },
      { x: routing.x, y: top + 22 },
      { x: second - 6, y: top + 22 },
    ]),
    arrow(isForwarded, [
      { x: routing.x + 22, y: mid },
      { x: second - 6, y: mid },
    ]),
    arrow(local, [
      { x: second + BOX, y: top + 22 },
      { x: third + 10, y: top + 22 },
    ]),
    arrow(hooks.has('output') && !balanced, [
      { x: third + 236, y: top + 22 },
      { x: fourth - 6, y: top + 22 },
    ]),
    ...(balanced
      ? [
          arrow(true, [
            { x: second + BOX, y: top + 60 },
            { x: fourth - 6, y: top + 60 },
          ]),
          `<text class="p" x="${third + 126}" y="${top + 76}" text-anchor="middle">IPVS sends it on</text>`,
        ]
      : []),
    arrow(hooks.has('output') && hooks.has('postrouting'), [
      { x: fourth + 200, y: top + heightOf(rows.output) },
      { x: fourth + 200, y: low - 6 },
    ]),
    arrow(isForwarded && hooks.has('postrouting'), [
      { x: second + BOX, y: mid },
      { x: fourth - 6, y: mid },
    ]),
  ];
  let at = endAt;
  for (const lines of ends) {
    for (const [index, text] of lines.entries()) {
      body.push(
        `<text class="t" x="${index === 0 ? 16 : 36}" y="${at}">${index === 0 ? '⇒ ' : ''}${escapeXml(text)}</text>`,
      );
      at += 18;
    }
    at += 4;
  }
  const marker = (id: string, css: string): string =>
    `<marker id="${id}" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="5" markerHeight="5" orient="auto"><path class="${css}" d="M1,1 L6,4 L1,7"/></marker>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeXml(sentence)}">`,
    `<style>${STYLE}</style><defs>${marker('h', 'a')}${marker('hl', 'al')}</defs><rect class="bg" width="${WIDTH}" height="${height}"/>`,
    ...body,
    '</svg>',
    '',
  ].join('\n');
};
