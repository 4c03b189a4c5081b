import { useMutation, useQuery } from '@apollo/client/react';
import { CourseTable } from '../shared/CourseTable';
import { SET_COURSES, STUDENTS } from './documents';

export function Students({ mayWrite }: { mayWrite: boolean }) {
  const { data, error } = useQuery(STUDENTS);
  const [setCourses] = useMutation(SET_COURSES);
  if (error) throw error;
  if (!data) return <p>Loading…</p>;
  const write = (id: number, courses: { id: number }[]) => void setCourses({ variables: { id, courses } });
  return <CourseTable students={data.students} courses={data.courses} write={mayWrite ? write : undefined} />;
}
