// Starts GraphiQL 4 from the globals that the page's other scripts have made; as a module it runs after all of them.
// It has no WebSocket client: subscriptions need the bundled page.
/* global GraphiQL, GraphiQLPluginExplorer, React, ReactDOM */
import { endpoint, findGuide, model } from './endpoint.js';
import { examples } from './examples.js';

const root = document.getElementById('graphiql');
if (globalThis.React && globalThis.ReactDOM && globalThis.GraphiQL && globalThis.GraphiQLPluginExplorer) {
  const [guide, defaultTabs] = await Promise.all([findGuide(), examples()]);
  const link = (href, title, text) => React.createElement('a', { href, target: '_blank', rel: 'noopener', title }, text);
  const fetcher = GraphiQL.createFetcher({ url: endpoint.href, enableIncrementalDelivery: false });
  const plugins = [GraphiQLPluginExplorer.explorerPlugin()];
  ReactDOM.createRoot(root).render(
    React.createElement(
      GraphiQL,
      { fetcher, plugins, defaultTabs, defaultQuery: '', schemaDescription: true, inputValueDeprecation: true },
      React.createElement(
        GraphiQL.Logo,
        null,
        'Crowsfoot ',
        link(model.href, 'The model as an entity diagram', 'Model'),
        guide && link(guide, 'The guide to Crowsfoot', 'Guide'),
      ),
    ),
  );
} else {
  root.textContent =
    'This binary was built without GraphiQL, and the copy on unpkg.com could not be loaded. ' +
    'Build it with the feature bundled-graphiql where npm can reach a registry, or send queries to /graphql with another client.';
}
