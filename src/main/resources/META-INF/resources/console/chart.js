// Charts: uPlot in the console's colours.

import { h, number } from './ui.js';

const HEIGHT_PX = 240;
const dark = matchMedia('(prefers-color-scheme: dark)');

/** Loads the chart library, on the first page that has a chart. */
const library = new Promise((resolve, reject) => {
  document.head.append(
    h('link', { rel: 'stylesheet', href: 'lib/uPlot.min.css' }),
    h('script', { src: 'lib/uPlot.iife.min.js', onload: resolve, onerror: reject }),
  );
});

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/**
 * A time series chart whose legend shows the values under the pointer.
 *
 * @param {string} label text alternative for screen readers
 * @param series {label, colour, dash, stepped, fill}; colour is the name of a custom property in the style sheet
 * @param format formats a value for the legend
 * @param range returns the first and last second to show; defaults to the range of the data
 */
export function chart(signal, label, series, format, range) {
  const values = series.map(() => h('span', { class: 'value' }));
  const when = h('span', { class: 'when' });
  const legend = h(
    'p',
    { class: 'legend', 'aria-hidden': 'true' },
    series.map((line, i) =>
      h('span', null, h('span', { class: 'key', 'data-colour': line.colour, 'data-dash': line.dash }), line.label, values[i]),
    ),
    when,
  );
  const container = h('div', { class: 'plot', role: 'img', 'aria-label': label });
  let data = null;
  let plot = null;

  function updateLegend(u) {
    const index = u.cursor.idx;
    const isOverPlot = index !== null && index !== undefined;
    values.forEach((element, i) => {
      const value = isOverPlot ? data[i + 1][index] : null;
      element.textContent = value === null || value === undefined ? '' : format(value);
    });
    when.textContent = isOverPlot ? new Date(data[0][index] * 1_000).toLocaleTimeString(undefined, { hourCycle: 'h23' }) : '';
  }

  function draw() {
    if (!window.uPlot || signal.aborted) return;
    plot?.destroy();
    const axis = {
      stroke: colour('muted'),
      grid: { stroke: colour('line'), width: 1 },
      ticks: { show: false },
      font: '12px system-ui, sans-serif',
    };
    plot = new uPlot(
      {
        width: Math.max(container.clientWidth, 200),
        height: HEIGHT_PX,
        legend: { show: false },
        padding: [8, 16, 0, 0],
        cursor: { drag: { x: false, y: false }, points: { size: 6 } },
        scales: {
          x: { range: range ?? ((u, first, last) => (last - first < 1 ? [first - 30, last + 30] : [first, last])) },
          y: { range: (u, min, max) => [0, Math.max(max * 1.1, 1)] },
        },
        axes: [
          { ...axis, values: (u, seconds, index, space, increment) => timeTicks(seconds, increment), space: 80, size: labelHeight },
          { ...axis, size: labelWidth, values: (u, ticks) => ticks.map(number) },
        ],
        series: [
          {},
          ...series.map((line) => ({
            label: line.label,
            stroke: colour(line.colour),
            fill: line.fill ? `${colour(line.colour)}22` : undefined,
            width: 2,
            dash: line.dash ? [6, 4] : undefined,
            paths: line.stepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
            points: { show: false },
          })),
        ],
        hooks: { setCursor: [updateLegend] },
      },
      data,
      container,
    );
  }

  const labelHeight = (u, texts) => (texts?.some((text) => text.includes('\n')) ? 46 : 32);

  const labelWidth = (u, texts) => 20 + 7.5 * Math.max(3, ...(texts ?? []).map((text) => text.length));

  function setData(latest) {
    data = latest;
    if (plot) plot.setData(data);
    else if (container.clientWidth) draw();
  }

  const resized = new ResizeObserver(() => {
    if (!data || !container.clientWidth) return;
    if (plot) plot.setSize({ width: container.clientWidth, height: HEIGHT_PX });
    else draw();
  });
  resized.observe(container);
  library.then(
    () => data && !plot && container.clientWidth && draw(),
    () => container.replaceChildren(h('p', null, 'The chart did not load. Reload the page.')),
  );
  dark.addEventListener('change', () => data && draw(), { signal });
  signal.addEventListener('abort', () => {
    resized.disconnect();
    plot?.destroy();
  });
  return { node: h('div', null, legend, container), setData };
}

/** Labels for the ticks of the time axis: a date only where it changes, so that none is there twice. */
function timeTicks(seconds, increment) {
  const dates = seconds.map((second) => new Date(second * 1_000));
  const differ = (format) => new Set(dates.map(format)).size > 1;
  const year = differ((date) => date.getFullYear()) ? 'numeric' : undefined;
  const dayOf = (date) => date.toLocaleDateString(undefined, { year, month: 'short', day: 'numeric' });
  if (increment >= 86_400) return dates.map(dayOf);
  const time = {
    hourCycle: 'h23',
    hour: '2-digit',
    minute: '2-digit',
    second: increment < 60 ? '2-digit' : undefined,
    fractionalSecondDigits: increment < 1 ? 3 : undefined,
  };
  if (!differ(dayOf)) return dates.map((date) => date.toLocaleTimeString(undefined, time));
  return dates.map((date, i) => {
    const text = date.toLocaleTimeString(undefined, time);
    if (i > 0 && dayOf(date) === dayOf(dates[i - 1])) return text;
    return date.getHours() + date.getMinutes() + date.getSeconds() === 0 ? dayOf(date) : `${text}\n${dayOf(date)}`;
  });
}
