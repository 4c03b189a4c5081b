// What a page of a Relay application would ask for; only the compiler reads it.
import { graphql } from 'relay-runtime';

export const people = graphql`
  query PeopleQuery {
    ...People_users
    authors {
      ...People_posts
    }
  }
`;

// Pages of the root's own list.
export const users = graphql`
  fragment People_users on Query
  @argumentDefinitions(first: { type: "Int", defaultValue: 3 }, after: { type: "String" })
  @refetchable(queryName: "PeoplePageQuery") {
    usersConnection(first: $first, after: $after) @connection(key: "People_usersConnection") {
      edges {
        node {
          ...People_user
        }
      }
    }
  }
`;

// One row, asked for again by its nodeId.
export const user = graphql`
  fragment People_user on User @refetchable(queryName: "PeopleUserQuery") {
    username
    profile {
      bio
      birthdate
    }
  }
`;

// Pages of a list below a row, which is found by its nodeId.
export const posts = graphql`
  fragment People_posts on Author
  @argumentDefinitions(first: { type: "Int", defaultValue: 1 }, after: { type: "String" })
  @refetchable(queryName: "PeoplePostsQuery") {
    name
    postsConnection(first: $first, after: $after) @connection(key: "People_postsConnection") {
      edges {
        node {
          title
        }
      }
    }
  }
`;

// What a mutation answers with goes to its place in the store by its nodeId.
export const rename = graphql`
  mutation PeopleRenameMutation($id: Int!, $username: String!) {
    updateUser(id: $id, input: { username: $username }) {
      ...People_user
    }
  }
`;

// A created row goes into a list without an edge in the answer, and a deleted one leaves all lists.
export const add = graphql`
  mutation PeopleAddMutation($username: String!, $connections: [ID!]!) {
    createUser(input: { username: $username }) @appendNode(connections: $connections, edgeTypeName: "UserEdge") {
      ...People_user
    }
  }
`;

export const remove = graphql`
  mutation PeopleRemoveMutation($id: Int!) {
    deleteUser(id: $id) {
      nodeId @deleteRecord
    }
  }
`;

export const live = graphql`
  subscription PeopleLiveSubscription {
    users(limit: 1) {
      ...People_user
    }
  }
`;
