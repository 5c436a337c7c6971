// The report in a real browser: headless Chromium where it is installed. It must fit a phone, and have both colour schemes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { htmlReport } from '../../bench/report/html.js';
import { benchRecord, caseRecord } from '../helpers/bench-record.js';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome'];
const program =
  process.env.REGRAFT_CHROMIUM ?? PROGRAMS.find((name) => spawnSync(name, ['--version']).status === 0);
const skip = program === undefined ? 'Chromium is not installed (Debian package chromium)' : false;

const folder = mkdtempSync(join(tmpdir(), 'regraft-report-page-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface PageFacts {
  readonly width: number;
  readonly contentWidth: number;
  readonly background: string;
  readonly textSize: number;
  readonly charts: readonly { readonly width: number; readonly height: number }[];
  readonly overlaps: number;
  readonly cut: number;
}

/** Runs in the page: what was laid out, as JSON in an element of its own. */
const PROBE = `<script>addEventListener('load', () => {
  const root = document.documentElement;
  const box = (element) => element.getBoundingClientRect();
  const rows = [...document.querySelectorAll('svg.bars g')].map((row) => [...row.querySelectorAll('text')].map(box));
  const facts = {
    width: innerWidth,
    contentWidth: root.scrollWidth,
    background: getComputedStyle(document.body).backgroundColor,
    textSize: parseFloat(getComputedStyle(document.querySelector('svg text')).fontSize),
    charts: [...document.querySelectorAll('svg')].map((svg) => ({ width: box(svg).width, height: box(svg).height })),
    cut: [...document.querySelectorAll('svg text')].map(box).filter(({ left, right }) => left < 0 || right > innerWidth).length,
    overlaps: rows.filter(([label, value]) => label.right > value.left).length,
  };
  const out = document.createElement('pre');
  out.id = 'facts';
  out.textContent = JSON.stringify(facts);
  document.body.append(out);
});</script>`;

function look(width: number, scheme: 'light' | 'dark'): PageFacts {
  const curve = [1, 20, 400].map((x) =>
    caseRecord({
      name: `over bytes: ${x}`,
      group: 'scaling',
      series: { name: 'packages', unit: 'packages', x },
    }),
  );
  const page = htmlReport(benchRecord([caseRecord(), ...curve])).replace('</body>', `${PROBE}</body>`);
  const path = join(folder, 'page.html');
  writeFileSync(path, page);
  const args = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    `--user-data-dir=${join(folder, 'profile')}`,
    `--blink-settings=preferredColorScheme=${scheme === 'dark' ? 0 : 1}`,
    `--window-size=${width},800`,
    '--virtual-time-budget=5000',
    '--dump-dom',
    pathToFileURL(path).href,
  ];
  const { stdout, stderr, status } = spawnSync(program ?? '', args, { encoding: 'utf8', timeout: 60_000 });
  assert.equal(status, 0, stderr);
  const facts = /<pre id="facts">(.*?)<\/pre>/s.exec(stdout)?.[1];
  assert.ok(facts !== undefined, stdout.slice(0, 500));
  return JSON.parse(facts.replaceAll('&quot;', '"').replaceAll('&amp;', '&')) as PageFacts;
}

describe('the report in Chromium', { skip }, () => {
  it('fits a phone: nothing is wider than the page, text keeps its size, labels do not overlap', () => {
    const facts = look(500, 'light'); // the least width of a window
    assert.ok(facts.contentWidth <= facts.width, `${facts.contentWidth} > ${facts.width}`);
    assert.ok(facts.textSize >= 12);
    assert.equal(facts.overlaps, 0);
    assert.equal(facts.cut, 0);
  });

  it('draws its charts as wide as the page', () => {
    const { charts, width } = look(1000, 'light');
    assert.equal(charts.length, 2);
    for (const chart of charts) assert.ok(chart.width > width / 2 && chart.height > 50);
  });

  it('is dark where the reader wants it dark', () => {
    assert.notEqual(look(1000, 'dark').background, look(1000, 'light').background);
  });
});
