import { CombinedGraphQLErrors } from '@apollo/client';
import { useMutation, useQuery } from '@apollo/client/react';
import { UserDetail } from '../shared/UserDetail';
import { refusal } from '../shared/refusal';
import { RENAME, USER } from './documents';

export function User({ id }: { id: number }) {
  const { data, error } = useQuery(USER, { variables: { id } });
  const [write] = useMutation(RENAME);
  const rename = async (username: string) => {
    try {
      await write({ variables: { id, username } });
    } catch (error) {
      const code = CombinedGraphQLErrors.is(error) ? error.errors[0]?.extensions?.code : undefined;
      return refusal(code, String(error));
    }
  };
  if (error) throw error;
  if (!data) return <p>Loading…</p>;
  return data.user ? <UserDetail user={data.user} rename={rename} /> : <p>This user is gone.</p>;
}
