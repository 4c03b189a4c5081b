import { useState } from 'react';

interface Props {
  user: {
    readonly username: string;
    /** The other side of a one-to-one relation: the row may be missing. */
    readonly profile: { readonly bio: string; readonly birthdate?: string | null } | null | undefined;
    readonly userInfos: readonly { readonly phoneNumber: string }[];
  };
  /** Returns the refusal, if the name is refused. */
  rename: (username: string) => Promise<string | undefined>;
}

export function UserDetail({ user, rename }: Props) {
  const [name, setName] = useState<string>();
  const [refusal, setRefusal] = useState<string>();
  const save = async (username: string) => {
    const refusal = await rename(username);
    setRefusal(refusal);
    if (refusal === undefined) setName(undefined);
  };
  return (
    <section aria-label="User">
      <h2>{user.username}</h2>
      {user.profile ? (
        <dl>
          <dt>Profile</dt>
          <dd>{user.profile.bio}</dd>
          <dt>Born</dt>
          <dd>{user.profile.birthdate ?? 'unknown'}</dd>
        </dl>
      ) : (
        <p>No profile.</p>
      )}
      <p>Telephone: {user.userInfos.map(({ phoneNumber }) => phoneNumber).join(', ') || 'none that you may see'}</p>
      {name === undefined ? (
        <button onClick={() => setName(user.username)}>Rename</button>
      ) : (
        <form action={() => save(name)}>
          <input aria-label="Name" value={name} onChange={({ target }) => setName(target.value)} /> <button>Save</button>{' '}
          {refusal && <span role="alert">{refusal}</span>}
        </form>
      )}
    </section>
  );
}
