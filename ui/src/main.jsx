import './workers.js';
import { explorerPlugin } from '@graphiql/plugin-explorer';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { endpoint, findGuide, model, socketEndpoint } from './endpoint.js';
import { examples } from './examples.js';
import 'graphiql/style.css';
import '@graphiql/plugin-explorer/style.css';
import './page.css';

// The service answers each request whole: it has no use for the multipart protocol of `@defer` and `@stream`.
const fetcher = createGraphiQLFetcher({
  url: endpoint.href,
  subscriptionUrl: socketEndpoint.href,
  enableIncrementalDelivery: false,
});
const defaultTabs = await examples();
// Made once: a new list at each rendering would reset the open plugin.
const plugins = [HISTORY_PLUGIN, explorerPlugin()];

function Guide() {
  const [address, setAddress] = useState();
  useEffect(() => void findGuide().then(setAddress), []);
  return (
    address && (
      <a href={address} target="_blank" rel="noopener" title="The guide to Crowsfoot">
        Guide
      </a>
    )
  );
}

createRoot(document.getElementById('graphiql')).render(
  <GraphiQL
    fetcher={fetcher}
    plugins={plugins}
    defaultTabs={defaultTabs}
    defaultQuery=""
    schemaDescription
    inputValueDeprecation
    shouldPersistHeaders={false}
  >
    <GraphiQL.Logo>
      Crowsfoot{' '}
      <a href={model.href} target="_blank" rel="noopener" title="The model as an entity diagram">
        Model
      </a>
      <Guide />
    </GraphiQL.Logo>
  </GraphiQL>,
);
