// Settings of Apollo Client 3 and 4, by `crowsfoot client apollo`. Write them again when the schema changes.
import type { TypePolicies } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';

export const possibleTypes = {
  Node: [
    'Course',
    'Profile',
    'Student',
    'User',
    'UserInfo',
  ],
};

export const typePolicies: TypePolicies = {
  Course: {
    fields: {
      studentsConnection: pages(),
      students: { merge: false },
    },
  },
  CourseAverage: { keyFields: false },
  CourseCountDistinct: { keyFields: false },
  CourseMaximum: { keyFields: false },
  CourseMinimum: { keyFields: false },
  CourseSum: { keyFields: false },
  ProfileAverage: { keyFields: false },
  ProfileCountDistinct: { keyFields: false },
  ProfileMaximum: { keyFields: false },
  ProfileMinimum: { keyFields: false },
  ProfileSum: { keyFields: false },
  Query: {
    fields: {
      usersConnection: pages(),
      profilesConnection: pages(),
      userInfosConnection: pages(),
      studentsConnection: pages(),
      coursesConnection: pages(),
      users: { merge: false },
      profiles: { merge: false },
      userInfos: { merge: false },
      students: { merge: false },
      courses: { merge: false },
    },
  },
  Student: {
    fields: {
      coursesConnection: pages(),
      courses: { merge: false },
    },
  },
  StudentAverage: { keyFields: false },
  StudentCountDistinct: { keyFields: false },
  StudentMaximum: { keyFields: false },
  StudentMinimum: { keyFields: false },
  StudentSum: { keyFields: false },
  User: {
    fields: {
      userInfosConnection: pages(),
      userInfos: { merge: false },
    },
  },
  UserAverage: { keyFields: false },
  UserCountDistinct: { keyFields: false },
  UserInfoAverage: { keyFields: false },
  UserInfoCountDistinct: { keyFields: false },
  UserInfoMaximum: { keyFields: false },
  UserInfoMinimum: { keyFields: false },
  UserInfoSum: { keyFields: false },
  UserMaximum: { keyFields: false },
  UserMinimum: { keyFields: false },
  UserSum: { keyFields: false },
};

/** Joins the pages of a connection: a list for each filter and order. */
function pages() {
  return relayStylePagination(['where', 'orderBy']);
}

/** Types of the scalars, for graphql-codegen. */
export const scalars = {
  BigInt: 'string',
  Date: 'string',
};
