/** A line of the picture: the slowest hundredth of each second (ms). */
interface Line {
  readonly name: string;
  readonly points: readonly (readonly [second: number, ms: number])[];
}

const WIDTH = 760;
const PANEL = { height: 220, top: 50, left: 64, right: 20, gap: 70 };
const COLOURS: Readonly<Record<string, string>> = { without: '#4a7fb5', with: '#c8553d' };
const TITLES: Readonly<Record<string, string>> = {
  hang: '10 % of the endpoints take requests and never answer',
  dead: '30 % of the endpoints refuse connections or leave them without an answer',
};

/**
 * A picture (SVG) of `neighbour.csv`: what the slowest hundredth of deliveries to endpoints that are well took, second by
 * second, with sick neighbours and without; of each the middle of its runs.
 */
export function neighbourPicture(csv: string): string {
  const panels = Object.keys(TITLES).map((illness) => ({ illness, lines: linesOf(csv, illness) }));
  const height = panels.length * (PANEL.height + PANEL.gap) + PANEL.top;
  const drawn = panels.map((panel, index) => panelOf(panel, PANEL.top + index * (PANEL.height + PANEL.gap)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    `<text x="${PANEL.left}" y="22" font-size="15">Deliveries to endpoints that are well: p99 of each second</text>`,
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

function linesOf(csv: string, illness: string): Line[] {
  const values = new Map<string, Map<number, number[]>>();
  for (const line of csv.trim().split('\n').slice(1)) {
    const [, name = '', second, , , p99] = line.split(',');
    const [ill, which = ''] = name.split(' ');
    if (ill !== illness) continue;
    const bySecond = values.get(which) ?? new Map<number, number[]>();
    values.set(which, bySecond);
    bySecond.set(Number(second), [...(bySecond.get(Number(second)) ?? []), Number(p99)]);
  }
  return Object.keys(COLOURS).map((name) => ({
    name,
    points: [...(values.get(name) ?? [])]
      .toSorted(([a], [b]) => a - b)
      .map(([second, all]) => [second, all.reduce((sum, one) => sum + one, 0) / all.length] as const),
  }));
}

function panelOf(
  { illness, lines }: { readonly illness: string; readonly lines: readonly Line[] },
  top: number,
): string {
  const all = lines.flatMap(({ points }) => points);
  const lastSecond = Math.max(1, ...all.map(([second]) => second));
  // Powers of ten: what is a hundred times slower must still fit, and a tenth must still be seen.
  const mostPower = Math.max(1, Math.ceil(Math.log10(Math.max(1, ...all.map(([, ms]) => ms)))));
  const x = (second: number): number => PANEL.left + (second / lastSecond) * (WIDTH - PANEL.left - PANEL.right);
  const y = (ms: number): number =>
    top + PANEL.height - (Math.max(0, Math.log10(Math.max(1, ms))) / mostPower) * PANEL.height;
  const powers = Array.from({ length: mostPower + 1 }, (_, power) => 10 ** power);
  const seconds = Array.from({ length: 7 }, (_, part) => Math.round((lastSecond * part) / 6));
  const bottom = top + PANEL.height;
  return [
    `<text x="${PANEL.left}" y="${top - 8}">${TITLES[illness] ?? illness}</text>`,
    ...powers.map(
      (ms) =>
        `<path d="M${PANEL.left} ${fixed(y(ms))}H${WIDTH - PANEL.right}" stroke="#ddd"/>` +
        `<text x="${PANEL.left - 8}" y="${fixed(y(ms) + 4)}" text-anchor="end">${ms} ms</text>`,
    ),
    ...seconds.map(
      (second) => `<text x="${fixed(x(second))}" y="${bottom + 18}" text-anchor="middle">${second} s</text>`,
    ),
    ...lines.map(
      ({ name, points }) =>
        `<polyline fill="none" stroke="${COLOURS[name]}" stroke-width="1.5" points="${points
          .map(([second, ms]) => `${fixed(x(second))},${fixed(y(ms))}`)
          .join(' ')}"/>`,
    ),
    ...lines.map(
      ({ name }, index) =>
        `<text x="${WIDTH - PANEL.right}" y="${top + 14 + index * 16}" fill="${COLOURS[name]}" text-anchor="end">${name} them</text>`,
    ),
  ].join('\n');
}

const fixed = (value: number): string => value.toFixed(1);
