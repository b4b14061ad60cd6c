/**
 * The growth of answers as a drawing.
 */
import { growthOf, TARGET, type MeasuredSize } from './growth.ts';

const WIDTH = 820;
const HEIGHT = 440;
/** Between the edge and the lines; on the right there is place for names. */
const MARGIN = { top: 40, right: 260, bottom: 50, left: 50 };
/** Between the lines of text of two names. */
const LINE_HEIGHT = 15;

// A drawing in a page follows the colours that its reader prefers, and so does its ground.
const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #333 }
  .ground { fill: #fff }
  .axis { stroke: #ddd }
  .target { stroke: #333; stroke-dasharray: 4 4 }
  .line { fill: none; stroke-width: 2 }
  .line.within { stroke: #1f6fb5 } .name.within { fill: #1f6fb5 }
  .line.beyond { stroke: #c2410c } .name.beyond { fill: #c2410c }
  @media (prefers-color-scheme: dark) {
    text { fill: #ccc }
    .ground { fill: #161616 }
    .axis { stroke: #3a3a3a }
    .target { stroke: #ccc }
    .line.within { stroke: #6db3f2 } .name.within { fill: #6db3f2 }
    .line.beyond { stroke: #fb923c } .name.beyond { fill: #fb923c }
  }`;

/** Puts names at the places of their lines, from above, and lower where another stands there. */
function spread(places: readonly number[]): number[] {
  const spread: number[] = [];
  for (const place of places) spread.push(Math.max(place, (spread.at(-1) ?? 0) + LINE_HEIGHT));
  const excess = Math.max(0, spread.at(-1)! - (HEIGHT - LINE_HEIGHT));
  return spread.map((place) => place - excess);
}

/**
 * Draws a line for each shape: the time of an answer, as a multiple of that at the smallest size, by the number of records.
 * @returns an SVG document.
 */
export function growthChart(sizes: readonly MeasuredSize[]): string {
  // The highest line comes first, as its name does.
  const growths = growthOf(sizes).sort((a, b) => b.times.at(-1)! - a.times.at(-1)!);
  const logs = sizes.map(({ records }) => Math.log10(records));
  const [least, most] = [logs[0]!, logs.at(-1)!];
  const highest = Math.max(TARGET, ...growths.flatMap(({ times }) => times)) * 1.1;
  const [right, bottom] = [WIDTH - MARGIN.right, HEIGHT - MARGIN.bottom];
  const x = (log: number) =>
    MARGIN.left + ((log - least) / (most - least || 1)) * (right - MARGIN.left);
  const y = (times: number) => bottom - (times / highest) * (bottom - MARGIN.top);

  const parts = [`<rect class="ground" width="${WIDTH}" height="${HEIGHT}"/>`];
  const horizontal = (times: number, className: string) => {
    parts.push(
      `<path class="${className}" d="M${MARGIN.left} ${y(times)}H${right}"/>`,
      `<text x="${MARGIN.left - 6}" y="${y(times) + 4}" text-anchor="end">${times}×</text>`,
    );
  };
  for (let times = 0; times < highest; times += Math.ceil(highest / 8)) {
    horizontal(times, 'axis');
  }
  horizontal(TARGET, 'target');
  for (const [n, { records }] of sizes.entries()) {
    parts.push(
      `<path class="axis" d="M${x(logs[n]!)} ${MARGIN.top}V${bottom}"/>`,
      `<text x="${x(logs[n]!)}" y="${bottom + 18}" text-anchor="middle">${records.toLocaleString('en')}</text>`,
    );
  }
  const ends = spread(growths.map(({ times }) => y(times.at(-1)!)));
  for (const [n, { shape, times, isWithin }] of growths.entries()) {
    const className = isWithin ? 'within' : 'beyond';
    const points = times.map((at, size) => `${x(logs[size]!)},${y(at)}`);
    parts.push(
      `<polyline class="line ${className}" points="${points.join(' ')} ${right + 14},${ends[n]}"/>`,
      `<text class="name ${className}" x="${right + 18}" y="${ends[n]! + 4}">${times.at(-1)!.toFixed(2)}× ${shape}</text>`,
    );
  }
  const caption = `Time of an answer by records, as a multiple of that at ${sizes[0]!.records.toLocaleString('en')}; target ${TARGET}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${caption}">
<style>${STYLE}
</style>
${parts.join('\n')}
<text x="${MARGIN.left}" y="22">${caption}</text>
<text x="${(MARGIN.left + right) / 2}" y="${HEIGHT - 10}" text-anchor="middle">records</text>
</svg>
`;
}
