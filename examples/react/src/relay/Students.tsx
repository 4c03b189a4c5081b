import { graphql, useLazyLoadQuery, useMutation } from 'react-relay';
import { CourseTable } from '../shared/CourseTable';
import type { StudentsQuery } from './__generated__/StudentsQuery.graphql';
import type { StudentsSetMutation } from './__generated__/StudentsSetMutation.graphql';

const QUERY = graphql`
  query StudentsQuery {
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

const SET = graphql`
  mutation StudentsSetMutation($id: Int!, $courses: [CourseKey!]!) {
    updateStudent(id: $id, input: { courses: { set: $courses } }) {
      courses {
        id
        title
      }
    }
  }
`;

export function Students({ mayWrite }: { mayWrite: boolean }) {
  const { students, courses } = useLazyLoadQuery<StudentsQuery>(QUERY, {});
  const [setCourses] = useMutation<StudentsSetMutation>(SET);
  const write = (id: number, courses: { id: number }[]) => void setCourses({ variables: { id, courses } });
  return <CourseTable students={students} courses={courses} write={mayWrite ? write : undefined} />;
}
