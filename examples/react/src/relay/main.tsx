import { Suspense, useState } from 'react';
import { RelayEnvironmentProvider } from 'react-relay';
import type { Session } from '../shared/session';
import { start } from '../shared/start';
import { Students } from './Students';
import { User } from './User';
import { Users } from './Users';
import { connect } from './environment';

function Page({ session }: { session: Session }) {
  const [environment] = useState(() => connect(session));
  const [chosen, choose] = useState(1);
  return (
    <RelayEnvironmentProvider environment={environment}>
      <Suspense fallback={<p>Loading…</p>}>
        <Users chosen={chosen} choose={choose} />
      </Suspense>
      <Suspense fallback={<p>Loading…</p>}>
        <User key={chosen} id={chosen} />
      </Suspense>
      <Suspense fallback={<p>Loading…</p>}>
        <Students mayWrite={session.role === 'staff'} />
      </Suspense>
    </RelayEnvironmentProvider>
  );
}

start('Relay', (session) => <Page session={session} />);
