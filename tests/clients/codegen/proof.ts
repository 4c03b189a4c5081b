// What the generated types must be. The compiler is the test: nothing of this is ever run.
import type * as operations from './operations';
import type * as schema from './schema';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Proof<Holds extends true> = Holds;

// An `Equal` that holds for everything would prove nothing.
// @ts-expect-error: null is not among them
type Vacuous = Proof<Equal<schema.Profile, schema.Profile | null>>;
// @ts-expect-error: a list is not one
type VacuousList = Proof<Equal<schema.Post[], schema.Post>>;

export type Schema = [
  // The reverse side of a one-to-one relation may be missing; it is one, not a list.
  Proof<Equal<schema.User['profile'], schema.Profile | null>>,
  Proof<Equal<schema.Place['restaurant'], schema.Restaurant | null>>,
  Proof<Equal<schema.Badge['employee'], schema.Employee | null>>,
  // The reverse side of a foreign key is a list without holes; so are both sides of many-to-many.
  Proof<Equal<schema.User['userInfos'], schema.UserInfo[]>>,
  Proof<Equal<schema.Author['posts'], schema.Post[]>>,
  Proof<Equal<schema.Employee['reports'], schema.Employee[]>>,
  Proof<Equal<schema.Student['courses'], schema.Course[]>>,
  Proof<Equal<schema.Course['students'], schema.Student[]>>,
  // A forward key that is NOT NULL has its row, also where it is the primary key itself; a nullable one may have none.
  Proof<Equal<schema.Profile['user'], schema.User>>,
  Proof<Equal<schema.Post['author'], schema.Author>>,
  Proof<Equal<schema.Employee['badge'], schema.Badge>>,
  Proof<Equal<schema.Restaurant['place'], schema.Place>>,
  Proof<Equal<schema.Employee['manager'], schema.Employee | null>>,
  // Roots: a list is complete, a row by its key may not be there.
  Proof<Equal<schema.Query['users'], schema.User[]>>,
  Proof<Equal<schema.Query['user'], schema.User | null>>,
  Proof<Equal<schema.Query['userByUsername'], schema.User | null>>,
  Proof<Equal<schema.Query['nodes'], (schema.Node | null)[]>>,
  Proof<Equal<schema.Subscription['users'], schema.User[]>>,
  // What writes either answers with the row or fails.
  Proof<Equal<schema.Mutation['createUser'], schema.User>>,
  Proof<Equal<schema.Mutation['deleteUser'], schema.User>>,
  // Connections.
  Proof<Equal<schema.Query['usersConnection'], schema.UserConnection>>,
  Proof<Equal<schema.UserConnection['edges'], schema.UserEdge[]>>,
  Proof<Equal<schema.UserEdge['node'], schema.User>>,
  // A stored value that cannot be read has no cursor; the row is answered all the same.
  Proof<Equal<schema.UserEdge['cursor'], string | null>>,
  Proof<Equal<schema.PageInfo['endCursor'], string | null>>,
];

export const one: schema.PostCreate = { title: 'Notes', content: '', author: { id: 1 } };
export const made: schema.PostCreate = { title: 'Notes', content: '', author: { create: { name: 'Ada' } } };
// @ts-expect-error: a post has an author
export const nobody: schema.PostCreate = { title: 'Notes', content: '' };
// @ts-expect-error: by exactly one of its keys, or a new one
export const both: schema.PostCreate = { title: 'Notes', content: '', author: { id: 1, create: { name: 'Ada' } } };

type User = operations.RelationsQuery['users'][number];
type Post = operations.RelationsQuery['authors'][number]['posts'][number];
type Employee = operations.RelationsQuery['employees'][number];

export type Operations = [
  Proof<Equal<User['profile'], { bio: string; birthdate: string | null; user: { username: string } } | null>>,
  Proof<Equal<User['userInfos'], { phoneNumber: string }[]>>,
  Proof<Equal<Post, { title: string; author: { name: string } }>>,
  Proof<Equal<Employee['badge'], { code: string }>>,
  Proof<Equal<Employee['manager'], { name: string } | null>>,
  Proof<Equal<Employee['reports'], { name: string }[]>>,
  Proof<Equal<operations.RelationsQuery['students'], { courses: { title: string }[] }[]>>,
  Proof<Equal<operations.UserByKeyQuery['user'], { username: string } | null>>,
  Proof<Equal<operations.MakePostMutation['createPost'], { id: number; author: { name: string } }>>,
  Proof<Equal<operations.LiveSubscription['users'], { username: string; profile: { bio: string } | null }[]>>,
];

export function read({ users, authors }: operations.RelationsQuery): string[] {
  const [user] = users;
  // @ts-expect-error: there may be no profile
  const bio = user.profile.bio;
  // No question mark is needed along a forward key or in a list.
  return [bio, ...authors.flatMap(({ posts }) => posts.map((post) => post.author.name))];
}
