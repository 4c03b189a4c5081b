import { CombinedGraphQLErrors } from '@apollo/client';
import { useMutation, useQuery, useSubscription } from '@apollo/client/react';
import { useState } from 'react';
import { LIVE_USERS, RENAME, USERS, type User } from './documents';

/** A list with pages, the row of each user that may be missing, and changes of other clients as they come. */
export function Users() {
  const { data, error, fetchMore } = useQuery(USERS);
  useSubscription(LIVE_USERS);
  if (error) return <p role="alert">{error.message}</p>;
  if (!data) return <p>Loading…</p>;
  const { edges, pageInfo } = data.usersConnection;
  return (
    <section aria-label="Users">
      <h1>Users</h1>
      <ul>
        {edges.map(({ node }) => (
          <UserRow key={node.id} user={node} />
        ))}
      </ul>
      {pageInfo.hasNextPage && (
        <button onClick={() => void fetchMore({ variables: { after: pageInfo.endCursor } })}>More</button>
      )}
    </section>
  );
}

function UserRow({ user }: { user: User }) {
  const [name, setName] = useState<string>();
  const [fault, setFault] = useState<string>();
  const [rename] = useMutation(RENAME);
  const save = async (username: string) => {
    try {
      await rename({ variables: { id: user.id, username } });
      setName(undefined);
      setFault(undefined);
    } catch (error) {
      setFault(message(error));
    }
  };
  return (
    <li>
      <strong>{user.username}</strong> {user.profile ? user.profile.bio : <em>no profile</em>}{' '}
      {name === undefined ? (
        <button onClick={() => setName(user.username)}>Rename {user.username}</button>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void save(name);
          }}
        >
          <input aria-label="Name" value={name} onChange={({ target }) => setName(target.value)} />
          <button>Save</button>
        </form>
      )}
      {fault && <span role="alert">{fault}</span>}
    </li>
  );
}

/** A program decides by codes, and people read messages. */
function message(error: unknown): string {
  if (CombinedGraphQLErrors.is(error) && error.errors[0]?.extensions?.code === 'UNIQUE_VIOLATION') {
    return 'This name is taken.';
  }
  return error instanceof Error ? error.message : String(error);
}
