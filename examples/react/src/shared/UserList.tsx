interface Props {
  users: readonly { id: number; username: string }[];
  chosen: number;
  choose: (id: number) => void;
  /** Loads the next page, if it exists. */
  more?: (() => void) | undefined;
}

export function UserList({ users, chosen, choose, more }: Props) {
  return (
    <section aria-label="Users">
      <h2>Users</h2>
      <ul>
        {users.map(({ id, username }) => (
          <li key={id}>
            <button aria-pressed={id === chosen} onClick={() => choose(id)}>
              {username}
            </button>
          </li>
        ))}
      </ul>
      {more && <button onClick={more}>More</button>}
    </section>
  );
}
