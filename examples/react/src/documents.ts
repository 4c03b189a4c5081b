import { type TypedDocumentNode, gql } from '@apollo/client';

export interface User {
  id: number;
  username: string;
  /** The other side of a one-to-one relation: the row may be missing. */
  profile: { id: number; bio: string; birthdate: string | null } | null;
}

interface UserPage {
  usersConnection: {
    edges: { node: User }[];
    pageInfo: { endCursor: string | null; hasNextPage: boolean };
  };
}

export const USERS: TypedDocumentNode<UserPage, { after?: string | null }> = gql`
  query Users($after: String) {
    usersConnection(first: 3, after: $after, orderBy: [{ username: ASC }]) {
      edges {
        node {
          id
          username
          profile {
            id
            bio
            birthdate
          }
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`;

// Its rows go into the cache under their keys, so the list above shows them too.
export const LIVE_USERS: TypedDocumentNode<{ users: Pick<User, 'id' | 'username'>[] }> = gql`
  subscription LiveUsers {
    users {
      id
      username
    }
  }
`;

export const RENAME: TypedDocumentNode<{ updateUser: Pick<User, 'id' | 'username'> }, { id: number; username: string }> = gql`
  mutation Rename($id: Int!, $username: String!) {
    updateUser(id: $id, input: { username: $username }) {
      id
      username
    }
  }
`;

export interface Course {
  id: number;
  title: string;
}

export interface Student {
  id: number;
  name: string;
  courses: Course[];
}

export const STUDENTS: TypedDocumentNode<{ students: Student[]; courses: Course[] }> = gql`
  query Students {
    students(limit: 3) {
      id
      name
      courses {
        id
        title
      }
    }
    courses {
      id
      title
    }
  }
`;

export const SET_COURSES: TypedDocumentNode<{ updateStudent: Student }, { id: number; courses: { id: number }[] }> = gql`
  mutation SetCourses($id: Int!, $courses: [CourseKey!]!) {
    updateStudent(id: $id, input: { courses: { set: $courses } }) {
      id
      name
      courses {
        id
        title
      }
    }
  }
`;
