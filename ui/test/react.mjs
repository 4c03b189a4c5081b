// Opens both pages of the React example, each in two windows of Chromium: sign-in of two roles, pages of a list, a one-to-one row
// that is missing, refusals, many-to-many boxes, and a change of one window that the other shows.
//
//   CROWSFOOT_BIN=… node test/react.mjs ../examples/react [folder of screenshots]
//
// The example's packages are installed, and it is built. CHROMIUM names the browser where it is not /usr/bin/chromium.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';
import { start, within } from '../../tests/clients/service.mjs';

const [folder, screenshots] = process.argv.slice(2);
assert.ok(folder, 'usage: node test/react.mjs <folder of the example> [folder of screenshots]');
const example = resolve(folder);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});

/** Serves the pages of the build, beside a service. */
async function preview(service) {
  const vite = spawn(process.execPath, ['node_modules/vite/bin/vite.js', 'preview', '--host', '127.0.0.1', '--port', '0'], {
    cwd: example,
    env: { ...process.env, CROWSFOOT: service.origin, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const address = async () => {
    for await (const line of createInterface(vite.stdout)) {
      const found = /http:\/\/[\d.]+:\d+\//.exec(line)?.[0];
      if (found) return found;
    }
    throw new Error('Vite printed no address');
  };
  const stop = () => (vite.kill(), once(vite, 'exit'));
  return { origin: await within(address(), 'the address of the pages'), stop };
}

async function visit(library, origin) {
  const faults = [];
  async function open(name) {
    const page = await (await browser.newContext({ viewport: { width: 1000, height: 660 } })).newPage();
    page.setDefaultTimeout(20_000);
    page.on('pageerror', (error) => faults.push(`uncaught: ${error.stack ?? error}`));
    page.on('console', (message) => message.type() === 'error' && faults.push(`console: ${message.text()}`));
    await page.goto(`${origin}${library}/`);
    await page.getByRole('button', { name }).click();
    await page.getByRole('banner').getByText(name.split(',')[0]).waitFor();
    return page;
  }
  const view = (page) => {
    const users = page.getByRole('region', { name: 'Users' });
    const user = page.getByRole('region', { name: 'User', exact: true });
    return {
      page,
      users,
      user,
      rows: users.getByRole('listitem'),
      async choose(name) {
        await users.getByRole('button', { name, exact: true }).click();
        await user.getByRole('heading', { name, exact: true }).waitFor();
      },
      async rename(name) {
        const rename = user.getByRole('button', { name: 'Rename' });
        if (await rename.isVisible()) await rename.click();
        await user.getByLabel('Name').fill(name);
        await user.getByRole('button', { name: 'Save' }).click();
      },
    };
  };
  const [member, staff] = [view(await open('ada, a member')), view(await open('chloé, of the staff'))];

  // Pages of the list: three users each, eight altogether.
  await member.rows.nth(2).waitFor();
  assert.equal(await member.rows.count(), 3);
  const more = member.users.getByRole('button', { name: 'More' });
  await more.click();
  await member.rows.nth(5).waitFor();
  await more.click();
  await member.rows.nth(7).waitFor();
  assert.equal(await more.count(), 0);

  // A row of a one-to-one relation, and a missing one. A member sees its own telephone numbers alone.
  await member.user.getByText('Writes programs for machines').waitFor();
  await member.user.getByText('Telephone: +44 113 496 0101').waitFor();
  await member.choose('newcomer');
  await member.user.getByText('No profile.').waitFor();

  // A name of another, one that is taken, and a free one, which the other window shows.
  await member.rename('ben');
  await member.user.getByText('You may change your own name alone.').waitFor();
  await member.choose('ada');
  await member.rename('björn');
  await member.user.getByText('This name is taken.').waitFor();
  if (screenshots) await member.page.locator('body').screenshot({ path: join(screenshots, `${library}-member.png`) });
  await member.rename('ada l.');
  await staff.users.getByText('ada l.', { exact: true }).waitFor();
  await staff.user.getByRole('heading', { name: 'ada l.', exact: true }).waitFor();

  // The staff renames others, and writes the boxes that a member only reads.
  await staff.choose('björn');
  await staff.rename('bjarne');
  await member.users.getByText('bjarne', { exact: true }).waitFor();
  const label = 'Zoë Lefèvre takes Medieval Accounting';
  assert.equal(await member.page.getByLabel(label).isDisabled(), true);
  const box = staff.page.getByLabel(label);
  assert.equal(await box.isChecked(), false);
  await box.click();
  await box.and(staff.page.locator(':checked')).waitFor();
  if (screenshots) await staff.page.locator('body').screenshot({ path: join(screenshots, `${library}-staff.png`) });

  // The next caller finds nothing of the last one.
  await staff.page.getByRole('button', { name: 'Sign out' }).click();
  assert.equal(await staff.users.count(), 0);
  await staff.page.getByRole('button', { name: 'ada, a member' }).click();
  await staff.user.getByText('Telephone: +44 113 496 0101').waitFor();
  assert.equal(await box.isDisabled(), true);
  assert.equal(await box.isChecked(), true);

  // A refusal is an answer that the page expects, and Chromium logs each status of 400 and above.
  assert.deepEqual(faults, []);
}

try {
  for (const library of ['apollo', 'relay']) {
    const service = await start('--options', join(example, 'crowsfoot.toml'));
    const pages = await preview(service);
    try {
      await visit(library, pages.origin);
      console.log(`${library}: both windows show the same; no fault`);
    } finally {
      await pages.stop();
      await service.stop();
    }
  }
} finally {
  await browser.close();
}
