import { ApolloProvider } from '@apollo/client/react';
import { useState } from 'react';
import type { Session } from '../shared/session';
import { start } from '../shared/start';
import { Students } from './Students';
import { User } from './User';
import { Users } from './Users';
import { connect } from './client';

function Page({ session }: { session: Session }) {
  const [client] = useState(() => connect(session));
  const [chosen, choose] = useState(1);
  return (
    <ApolloProvider client={client}>
      <Users chosen={chosen} choose={choose} />
      <User key={chosen} id={chosen} />
      <Students mayWrite={session.role === 'staff'} />
    </ApolloProvider>
  );
}

start('Apollo Client', (session) => <Page session={session} />);
