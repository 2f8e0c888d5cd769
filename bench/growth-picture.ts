/** One line of a picture: its points from left to right. */
export interface Curve {
  readonly title: string;
  readonly across: string;
  readonly points: readonly (readonly [amount: number, milliseconds: number])[];
}

const [WIDTH, HEIGHT, LEFT, TOP, BOTTOM] = [460, 300, 70, 50, 60];

const inWords = (value: number): string =>
  value >= 1000 ? `${Math.round(value / 100) / 10}k` : String(Math.round(value));

/** A curve with its points, and a straight line from nothing to the last point: what linear growth would be. */
const panel = ({ title, across, points }: Curve, offset: number): string => {
  const [most, longest] = [Math.max(...points.map(([x]) => x)), Math.max(...points.map(([, y]) => y))];
  const [inner, height] = [WIDTH - LEFT - 20, HEIGHT - TOP - BOTTOM];
  const at = ([x, y]: readonly [number, number]): readonly [string, string] => [
    (LEFT + (x / most) * inner).toFixed(1),
    (TOP + height - (y / longest) * height).toFixed(1),
  ];
  const placed = points.map(at);
  const zero = at([0, 0]);
  const end = at(points.at(-1) ?? [0, 0]);
  return [
    `<g transform="translate(${offset} 0)">`,
    `<text class="title" x="${LEFT}" y="28">${title}</text>`,
    `<path class="axis" d="M${LEFT} ${TOP}V${TOP + height}H${LEFT + inner}"/>`,
    `<path class="straight" d="M${zero.join(' ')}L${end.join(' ')}"/>`,
    `<polyline class="curve" points="${placed.map((one) => one.join(',')).join(' ')}"/>`,
    ...placed.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="4"/>`),
    ...points.map(
      ([x], index) =>
        `<text x="${placed[index]?.[0] ?? ''}" y="${TOP + height + 18}" text-anchor="middle">${inWords(x)}</text>`,
    ),
    `<text x="${LEFT + inner / 2}" y="${HEIGHT - 18}" text-anchor="middle">${across}</text>`,
    ...[0, longest / 2, longest].map(
      (y) => `<text x="${LEFT - 8}" y="${Number(at([0, y])[1]) + 4}" text-anchor="end">${Math.round(y)} ms</text>`,
    ),
    '</g>',
  ].join('\n');
};

const STYLE = `text{font:12px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600;font-size:14px}
.back{fill:#fff}.axis{stroke:#59636e;fill:none}.straight{stroke:#59636e;stroke-dasharray:4 4;fill:none}
.curve{stroke:#0969da;stroke-width:2;fill:none}circle{fill:#0969da}
@media (prefers-color-scheme:dark){text{fill:#f0f6fc}.back{fill:#0d1117}.axis,.straight{stroke:#9198a1}.curve{stroke:#4493f8}circle{fill:#4493f8}}`;

/**
 * A finished picture of curves side by side, light or dark as its reader has it; the dashed lines are linear growth.
 */
export const growthPicture = (curves: readonly Curve[]): string => {
  const width = WIDTH * curves.length;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${HEIGHT}" width="${width}" height="${HEIGHT}" role="img">`,
    `<title>${curves.map(({ title }) => title).join('; ')}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="back" width="${width}" height="${HEIGHT}"/>`,
    ...curves.map((curve, index) => panel(curve, index * WIDTH)),
    '</svg>',
    '',
  ].join('\n');
};
