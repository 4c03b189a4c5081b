import { graphql, useLazyLoadQuery, usePaginationFragment, useSubscription } from 'react-relay';
import { UserList } from '../shared/UserList';
import type { UsersLiveSubscription } from './__generated__/UsersLiveSubscription.graphql';
import type { UsersPageQuery } from './__generated__/UsersPageQuery.graphql';
import type { UsersQuery } from './__generated__/UsersQuery.graphql';
import type { Users_page$key } from './__generated__/Users_page.graphql';

const QUERY = graphql`
  query UsersQuery {
    ...Users_page
  }
`;

const PAGE = graphql`
  fragment Users_page on Query
  @argumentDefinitions(first: { type: "Int", defaultValue: 3 }, after: { type: "String" })
  @refetchable(queryName: "UsersPageQuery") {
    usersConnection(first: $first, after: $after, orderBy: [{ username: ASC }]) @connection(key: "Users_usersConnection") {
      edges {
        node {
          id
          username
        }
      }
    }
  }
`;

// Its rows go into the store under their node ids, so the fragments above show them too.
const LIVE = graphql`
  subscription UsersLiveSubscription {
    users {
      username
    }
  }
`;

const live = { subscription: LIVE, variables: {} };

/** A list with pages, with the changes of other clients as they come. */
export function Users({ chosen, choose }: { chosen: number; choose: (id: number) => void }) {
  const query = useLazyLoadQuery<UsersQuery>(QUERY, {});
  const { data, hasNext, loadNext } = usePaginationFragment<UsersPageQuery, Users_page$key>(PAGE, query);
  useSubscription<UsersLiveSubscription>(live);
  return (
    <UserList
      users={data.usersConnection.edges.map(({ node }) => node)}
      chosen={chosen}
      choose={choose}
      more={hasNext ? () => void loadNext(3) : undefined}
    />
  );
}
