import { useQuery, useSubscription } from '@apollo/client/react';
import { UserList } from '../shared/UserList';
import { LIVE_USERS, USERS } from './documents';

/** A list with pages, with the changes of other clients as they come. */
export function Users({ chosen, choose }: { chosen: number; choose: (id: number) => void }) {
  const { data, error, fetchMore } = useQuery(USERS);
  useSubscription(LIVE_USERS);
  if (error) throw error;
  if (!data) return <p>Loading…</p>;
  const { edges, pageInfo } = data.usersConnection;
  const more = () => void fetchMore({ variables: { after: pageInfo.endCursor } });
  return (
    <UserList
      users={edges.map(({ node }) => node)}
      chosen={chosen}
      choose={choose}
      more={pageInfo.hasNextPage ? more : undefined}
    />
  );
}
