// Settings of Apollo Client 3 and 4, by `crowsfoot client apollo`. Write them again when the schema changes.
import type { TypePolicies } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';

export const possibleTypes = {
  Node: [
    'Author',
    'Badge',
    'Book',
    'Course',
    'Employee',
    'Passport',
    'Person',
    'Place',
    'Post',
    'Profile',
    'Restaurant',
    'Student',
    'User',
    'UserInfo',
    'Waiter',
  ],
};

export const typePolicies: TypePolicies = {
  Author: {
    fields: {
      postsConnection: pages(),
      booksConnection: pages(),
    },
  },
  AuthorAverage: { keyFields: false },
  AuthorCountDistinct: { keyFields: false },
  AuthorMaximum: { keyFields: false },
  AuthorMinimum: { keyFields: false },
  AuthorSum: { keyFields: false },
  BadgeAverage: { keyFields: false },
  BadgeCountDistinct: { keyFields: false },
  BadgeMaximum: { keyFields: false },
  BadgeMinimum: { keyFields: false },
  BadgeSum: { keyFields: false },
  BookAverage: { keyFields: false },
  BookCountDistinct: { keyFields: false },
  BookMaximum: { keyFields: false },
  BookMinimum: { keyFields: false },
  BookSum: { keyFields: false },
  Course: {
    fields: {
      studentsConnection: pages(),
    },
  },
  CourseAverage: { keyFields: false },
  CourseCountDistinct: { keyFields: false },
  CourseMaximum: { keyFields: false },
  CourseMinimum: { keyFields: false },
  CourseSum: { keyFields: false },
  Employee: {
    fields: {
      reportsConnection: pages(),
    },
  },
  EmployeeAverage: { keyFields: false },
  EmployeeCountDistinct: { keyFields: false },
  EmployeeMaximum: { keyFields: false },
  EmployeeMinimum: { keyFields: false },
  EmployeeSum: { keyFields: false },
  Passport: { keyFields: ['personId'] },
  PersonAverage: { keyFields: false },
  PersonCountDistinct: { keyFields: false },
  PersonMaximum: { keyFields: false },
  PersonMinimum: { keyFields: false },
  PersonSum: { keyFields: false },
  PlaceAverage: { keyFields: false },
  PlaceCountDistinct: { keyFields: false },
  PlaceMaximum: { keyFields: false },
  PlaceMinimum: { keyFields: false },
  PlaceSum: { keyFields: false },
  PostAverage: { keyFields: false },
  PostCountDistinct: { keyFields: false },
  PostMaximum: { keyFields: false },
  PostMinimum: { keyFields: false },
  PostSum: { keyFields: false },
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
      authorsConnection: pages(),
      postsConnection: pages(),
      booksConnection: pages(),
      studentsConnection: pages(),
      coursesConnection: pages(),
      badgesConnection: pages(),
      employeesConnection: pages(),
      peopleConnection: pages(),
      passportsConnection: pages(),
      placesConnection: pages(),
      restaurantsConnection: pages(),
      waitersConnection: pages(),
    },
  },
  Restaurant: {
    keyFields: ['placeId'],
    fields: {
      waitersConnection: pages(),
    },
  },
  Student: {
    fields: {
      coursesConnection: pages(),
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
  WaiterAverage: { keyFields: false },
  WaiterCountDistinct: { keyFields: false },
  WaiterMaximum: { keyFields: false },
  WaiterMinimum: { keyFields: false },
  WaiterSum: { keyFields: false },
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
