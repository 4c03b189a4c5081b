// Runs a command beside a service; `{}` among its arguments stands for the service's address.
//
//   CROWSFOOT_BIN=… node with-service.mjs node browser.mjs {}
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { start } from './service.mjs';

const service = await start();
const [command, ...words] = process.argv.slice(2).map((word) => (word === '{}' ? service.origin : word));
const [code] = await once(spawn(command, words, { stdio: 'inherit' }), 'exit');
if (code !== 0) console.error(await service.log());
await service.stop();
process.exitCode = code ?? 1;
