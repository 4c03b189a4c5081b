import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import { type Session, credentials, endpoint } from '../shared/session';
import { possibleTypes, typePolicies } from './crowsfoot';

/** A client of one caller: the cache holds what this caller may see. */
export function connect(session: Session): ApolloClient {
  const socket = new URL(endpoint);
  socket.protocol = endpoint.protocol.replace('http', 'ws');
  // A live query outlasts restarts of the service.
  const sockets = createClient({
    url: socket.href,
    connectionParams: credentials(session),
    retryAttempts: Infinity,
    shouldRetry: () => true,
  });
  return new ApolloClient({
    cache: new InMemoryCache({ possibleTypes, typePolicies }),
    link: ApolloLink.split(
      ({ operationType }) => operationType === 'subscription',
      new GraphQLWsLink(sockets),
      new HttpLink({ uri: endpoint.href, headers: credentials(session) }),
    ),
  });
}
