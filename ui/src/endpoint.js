// Relative to the page, so that a proxy may serve it under a path of its own.
export const endpoint = new URL('graphql', document.baseURI);
export const model = new URL('model', document.baseURI);

// The same address over WebSocket, for subscriptions: `http:` gives `ws:` and `https:` gives `wss:`.
export const socketEndpoint = new URL(endpoint);
socketEndpoint.protocol = endpoint.protocol.replace('http', 'ws');
