import { createClient } from 'graphql-sse';
import { Environment, Network, Observable, RecordSource, Store } from 'relay-runtime';
import { type Session, credentials, endpoint } from '../shared/session';

/** An answer without data: Relay gives it to `onError` of mutations, and to the boundary around queries. */
export class Refused extends Error {
  readonly code: unknown;
  constructor({ message, extensions }: { message: string; extensions?: { code?: unknown } }) {
    super(message);
    this.code = extensions?.code;
  }
}

/** An environment of one caller: the store holds what this caller may see. */
export function connect(session: Session): Environment {
  const headers = credentials(session);
  // A live query outlasts restarts of the service.
  const events = createClient({ url: endpoint.href, headers, retryAttempts: Infinity });
  return new Environment({
    // The column `id` identifies a row among those of its table alone.
    getDataID: (row: { nodeId?: string }) => row.nodeId,
    store: new Store(new RecordSource()),
    network: Network.create(
      async ({ text: query }, variables) => {
        const response = await fetch(endpoint, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify({ query, variables }),
        });
        const answer = await response.json();
        if (!answer.data) throw new Refused(answer.errors[0]);
        return answer;
      },
      ({ text }, variables) =>
        Observable.create((sink) => events.subscribe({ query: text ?? '', variables }, sink as never)),
    ),
  });
}
