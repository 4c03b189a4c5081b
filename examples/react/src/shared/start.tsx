import { Component, type ReactNode, StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { type Session, signIn } from './session';

/** Renders a page for callers who have signed in. The token is kept in memory: a reload signs out. */
export function start(library: string, page: (session: Session) => ReactNode) {
  const root = document.getElementById('root');
  if (!root) return;
  createRoot(root).render(
    <StrictMode>
      <Door library={library} page={page} />
    </StrictMode>,
  );
}

function Door({ library, page }: { library: string; page: (session: Session) => ReactNode }) {
  const [session, setSession] = useState<Session>();
  return (
    <>
      <header>
        <h1>Crowsfoot with {library}</h1>
        {session && (
          <p>
            {session.name}, {session.role} <button onClick={() => setSession(undefined)}>Sign out</button>
          </p>
        )}
      </header>
      {session ? (
        // The key takes everything of another caller away, the cache too.
        <Boundary key={session.token}>
          <main>{page(session)}</main>
        </Boundary>
      ) : (
        <SignIn enter={setSession} />
      )}
    </>
  );
}

function SignIn({ enter }: { enter: (session: Session) => void }) {
  return (
    <p>
      Sign in as{' '}
      <button onClick={() => void signIn('ada').then(enter)}>ada, a member</button>{' '}
      <button onClick={() => void signIn('chloé').then(enter)}>chloé, of the staff</button>
    </p>
  );
}

/** Shows an error in the place of the page that threw it. */
class Boundary extends Component<{ children: ReactNode }> {
  state: { error?: Error } = {};
  static getDerivedStateFromError = (error: Error) => ({ error });
  render() {
    return this.state.error ? <p role="alert">{this.state.error.message}</p> : this.props.children;
  }
}
