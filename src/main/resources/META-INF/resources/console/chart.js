// uPlot in the console's colours.

import { h, number } from './ui.js';

const HEIGHT_PX = 240;
const dark = matchMedia('(prefers-color-scheme: dark)');

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/**
 * A chart over time, with a legend that tells the values under the pointer.
 *
 * @param {string} label what it shows, for who cannot see it
 * @param series {label, colour, dash, stepped, fill}; colour names one of the style sheet
 * @param format a value in words
 * @param range the first and the last second that are shown; by default those of the data
 */
export function chart(signal, label, series, format, range) {
  const values = series.map(() => h('span', { class: 'value' }));
  const when = h('span', { class: 'when' });
  const legend = h(
    'p',
    { class: 'legend', 'aria-hidden': 'true' },
    series.map((one, i) =>
      h('span', null, h('span', { class: 'key', 'data-colour': one.colour, 'data-dash': one.dash }), one.label, values[i]),
    ),
    when,
  );
  const place = h('div', { class: 'plot', role: 'img', 'aria-label': label });
  let data = null;
  let plot = null;

  function tellUnderPointer(u) {
    const at = u.cursor.idx;
    values.forEach((value, i) => {
      const told = at === null || at === undefined ? null : data[i + 1][at];
      value.textContent = told === null || told === undefined ? '' : format(told);
    });
    when.textContent = at === null || at === undefined ? '' : new Date(data[0][at] * 1_000).toLocaleTimeString(undefined, { hourCycle: 'h23' });
  }

  function draw() {
    plot?.destroy();
    const axis = {
      stroke: colour('muted'),
      grid: { stroke: colour('line'), width: 1 },
      ticks: { show: false },
      font: '12px system-ui, sans-serif',
    };
    plot = new uPlot(
      {
        width: Math.max(place.clientWidth, 200),
        height: HEIGHT_PX,
        legend: { show: false },
        padding: [8, 16, 0, 0],
        cursor: { drag: { x: false, y: false }, points: { size: 6 } },
        scales: {
          x: { range: range ?? ((u, first, last) => (last - first < 1 ? [first - 30, last + 30] : [first, last])) },
          y: { range: (u, min, max) => [0, Math.max(max * 1.1, 1)] },
        },
        axes: [
          { ...axis, values: (u, seconds) => seconds.map(clock), space: 80, size: 32 },
          { ...axis, size: roomFor, values: (u, ticks) => ticks.map(number) },
        ],
        series: [
          {},
          ...series.map((one) => ({
            label: one.label,
            stroke: colour(one.colour),
            fill: one.fill ? `${colour(one.colour)}22` : undefined,
            width: 2,
            dash: one.dash ? [6, 4] : undefined,
            paths: one.stepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
            points: { show: false },
          })),
        ],
        hooks: { setCursor: [tellUnderPointer] },
      },
      data,
      place,
    );
  }

  const roomFor = (u, texts) => 20 + 7.5 * Math.max(3, ...(texts ?? []).map((text) => text.length));

  const clock = (second, i, all) => {
    const date = new Date(second * 1_000);
    const span = all[all.length - 1] - all[0];
    if (span > 2 * 86_400) return date.toLocaleDateString(undefined, { month: 'short', day: 'numeric' });
    return date.toLocaleTimeString(undefined, {
      hourCycle: 'h23',
      hour: '2-digit',
      minute: '2-digit',
      second: span < 120 ? '2-digit' : undefined,
    });
  };

  function set(latest) {
    data = latest;
    if (plot) plot.setData(data);
    else if (place.clientWidth) draw();
  }

  const resized = new ResizeObserver(() => {
    if (!data || !place.clientWidth) return;
    if (plot) plot.setSize({ width: place.clientWidth, height: HEIGHT_PX });
    else draw();
  });
  resized.observe(place);
  dark.addEventListener('change', () => data && draw(), { signal });
  signal.addEventListener('abort', () => {
    resized.disconnect();
    plot?.destroy();
  });
  return { node: h('div', null, legend, place), set };
}
