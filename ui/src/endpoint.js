// Relative to the page, so that a proxy may serve it under a path of its own.
export const endpoint = new URL('graphql', document.baseURI);
export const model = new URL('model', document.baseURI);
const guide = new URL('guide/', document.baseURI);

/** Gives the address of the guide, or nothing where the service does not have it: in production. */
export async function findGuide() {
  const style = new URL('guide.css', guide);
  const found = await fetch(style).then((response) => response.ok && response.text(), () => undefined);
  return found ? guide.href : undefined;
}

// The same address over WebSocket, for subscriptions: `http:` gives `ws:` and `https:` gives `wss:`.
export const socketEndpoint = new URL(endpoint);
socketEndpoint.protocol = endpoint.protocol.replace('http', 'ws');
