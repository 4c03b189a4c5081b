// Opens the React example in two windows of Chromium: pages of a list, a one-to-one row that is missing, many-to-many boxes, a
// refusal, and a change of one window that the other shows.
//
//   CROWSFOOT_BIN=… node test/react.mjs ../examples/react [screenshot.png]
//
// The example's packages are installed, and it is built. CHROMIUM names the browser where it is not /usr/bin/chromium.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';
import { start, within } from '../../tests/clients/service.mjs';

const [example, screenshot] = process.argv.slice(2);
assert.ok(example, 'usage: node test/react.mjs <folder of the example> [screenshot.png]');

const service = await start();
const vite = spawn(process.execPath, ['node_modules/vite/bin/vite.js', 'preview', '--host', '127.0.0.1', '--port', '0'], {
  cwd: resolve(example),
  env: { ...process.env, CROWSFOOT: service.origin, NO_COLOR: '1' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});

/** Address of the line in which Vite prints it. */
async function address() {
  for await (const line of createInterface(vite.stdout)) {
    const found = /http:\/\/[\d.]+:\d+\//.exec(line)?.[0];
    if (found) return found;
  }
  throw new Error('Vite printed no address');
}

try {
  const origin = await within(address(), 'the address of the page');
  const faults = [];
  async function open() {
    const page = await (await browser.newContext({ viewport: { width: 1000, height: 900 } })).newPage();
    page.setDefaultTimeout(20_000);
    page.on('pageerror', (error) => faults.push(`uncaught: ${error.stack ?? error}`));
    page.on('console', (message) => message.type() === 'error' && faults.push(`console: ${message.text()}`));
    await page.goto(origin);
    return page;
  }
  const [page, other] = [await open(), await open()];
  const rows = page.getByRole('region', { name: 'Users' }).getByRole('listitem');

  // Pages of the list: three users each, eight altogether.
  await page.getByText('Writes programs for machines').waitFor();
  assert.equal(await rows.count(), 3);
  const more = page.getByRole('button', { name: 'More' });
  await more.click();
  await rows.nth(5).waitFor();
  await more.click();
  await rows.nth(7).waitFor();
  assert.equal(await more.count(), 0);
  await rows.filter({ hasText: 'newcomer' }).getByText('no profile').waitFor();

  // A name that is taken, and one that is not, which the other window shows.
  const ada = rows.filter({ hasText: 'Writes programs for machines' });
  await ada.getByRole('button', { name: /^Rename/ }).click();
  await ada.getByLabel('Name').fill('björn');
  await ada.getByRole('button', { name: 'Save' }).click();
  await ada.getByText('This name is taken.').waitFor();
  await other.getByText('ada', { exact: true }).waitFor();
  await ada.getByLabel('Name').fill('ada l.');
  await ada.getByRole('button', { name: 'Save' }).click();
  await other.getByText('ada l.', { exact: true }).waitFor();

  // Many to many.
  const box = page.getByLabel('Zoë Lefèvre takes Medieval Accounting');
  assert.equal(await box.isChecked(), false);
  await box.click();
  await page.getByLabel('Zoë Lefèvre takes Medieval Accounting').and(page.locator(':checked')).waitFor();
  const { student } = await service.ask('{ student(id: 1) { courses { title } } }');
  assert.ok(student.courses.some(({ title }) => title === 'Medieval Accounting'), JSON.stringify(student));

  if (screenshot) await page.screenshot({ path: screenshot });
  assert.deepEqual(faults, []);
  console.log('both windows show the same; no fault');
} finally {
  await browser.close();
  vite.kill();
  await once(vite, 'exit');
  await service.stop();
}
