// GraphQL over HTTP, as the audits of `graphql-http` see it: those of MUST, of SHOULD and of MAY.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { serverAudits } from 'graphql-http';
import { start } from './service.mjs';

let service;
before(async () => (service = await start()));
after(() => service?.stop());

const audits = serverAudits({ url: () => `${service.origin}/graphql` });

test('there are as many audits as this version of the package is known to have', () => {
  assert.equal(audits.length, 61);
});

for (const { id, name, fn } of audits) {
  test(`${id} ${name}`, async () => {
    const result = await fn();
    if (result.status === 'ok') return;
    const { response } = result;
    const headers = [...response.headers].map((header) => header.join(': ')).join('\n');
    const body = response.bodyUsed ? '(its body was read)' : await response.text();
    assert.fail(`${result.status}: ${result.reason}\n${response.status} ${response.statusText}\n${headers}\n\n${body}`);
  });
}
