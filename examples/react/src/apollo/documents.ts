import { type TypedDocumentNode, gql } from '@apollo/client';

type Name = { id: number; username: string };

interface UserPage {
  usersConnection: {
    edges: { node: Name }[];
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
        }
      }
      pageInfo {
        endCursor
        hasNextPage
      }
    }
  }
`;

export interface User extends Name {
  profile: { id: number; bio: string; birthdate: string | null } | null;
  userInfos: { id: number; phoneNumber: string }[];
}

export const USER: TypedDocumentNode<{ user: User | null }, { id: number }> = gql`
  query User($id: Int!) {
    user(id: $id) {
      id
      username
      profile {
        id
        bio
        birthdate
      }
      userInfos {
        id
        phoneNumber
      }
    }
  }
`;

// Its rows go into the cache under their keys, so the queries above show them too.
export const LIVE_USERS: TypedDocumentNode<{ users: Name[] }> = gql`
  subscription LiveUsers {
    users {
      id
      username
    }
  }
`;

export const RENAME: TypedDocumentNode<{ updateUser: Name }, Name> = gql`
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
