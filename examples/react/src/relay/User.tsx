import { graphql, useLazyLoadQuery, useMutation } from 'react-relay';
import { UserDetail } from '../shared/UserDetail';
import { refusal } from '../shared/refusal';
import type { UserQuery } from './__generated__/UserQuery.graphql';
import type { UserRenameMutation } from './__generated__/UserRenameMutation.graphql';
import { Refused } from './environment';

const QUERY = graphql`
  query UserQuery($id: Int!) {
    user(id: $id) {
      username
      profile {
        bio
        birthdate
      }
      userInfos {
        phoneNumber
      }
    }
  }
`;

const RENAME = graphql`
  mutation UserRenameMutation($id: Int!, $username: String!) {
    updateUser(id: $id, input: { username: $username }) {
      username
    }
  }
`;

export function User({ id }: { id: number }) {
  const { user } = useLazyLoadQuery<UserQuery>(QUERY, { id });
  const [write] = useMutation<UserRenameMutation>(RENAME);
  const rename = (username: string) =>
    new Promise<string | undefined>((resolve) => {
      write({
        variables: { id, username },
        onCompleted: () => resolve(undefined),
        onError: (error) => resolve(refusal(error instanceof Refused ? error.code : undefined, error.message)),
      });
    });
  return user ? <UserDetail user={user} rename={rename} /> : <p>This user is gone.</p>;
}
