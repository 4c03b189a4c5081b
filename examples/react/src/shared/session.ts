export interface Session {
  name: string;
  role: 'member' | 'staff';
  token: string;
}

export const endpoint = new URL('/graphql', location.href);

/** Headers of a request, and the payload with which a socket begins. */
export const credentials = ({ token }: Session) => ({ authorization: `Bearer ${token}` });

export async function signIn(name: string): Promise<Session> {
  const response = await fetch(`/sign-in?name=${encodeURIComponent(name)}`, { method: 'POST' });
  if (!response.ok) throw new Error(`${name} has no account.`);
  return response.json();
}
