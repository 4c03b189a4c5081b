import { type TransformOptions, transformAsync } from '@babel/core';
import react from '@vitejs/plugin-react';
import { type Plugin, defineConfig } from 'vite';
import { issuer } from './issuer.ts';

/** Puts the artifacts of Relay's compiler in the place of documents. */
const relay: Plugin = {
  name: 'relay',
  enforce: 'pre',
  async transform(text, filename) {
    if (!text.includes('graphql`')) return;
    const options: TransformOptions = {
      filename,
      configFile: false,
      sourceMaps: true,
      parserOpts: { plugins: ['typescript', 'jsx'] },
      plugins: [['relay', { eagerEsModules: true }]],
    };
    const { code, map } = (await transformAsync(text, options)) ?? {};
    return { code: code ?? text, map };
  },
};

// The service, whose endpoint stands beside the page: no other origin is involved.
const service = process.env.CROWSFOOT ?? 'http://127.0.0.1:8000';
const proxy = { '/graphql': { target: service, ws: true } };

export default defineConfig({
  plugins: [relay, react(), issuer],
  server: { proxy },
  preview: { proxy },
  build: { rolldownOptions: { input: ['index.html', 'apollo/index.html', 'relay/index.html'] } },
});
