import { useMutation, useQuery } from '@apollo/client/react';
import { SET_COURSES, STUDENTS, type Student } from './documents';

/** Many to many: a box for each pair, which is there or not. */
export function Students() {
  const { data } = useQuery(STUDENTS);
  const [setCourses] = useMutation(SET_COURSES);
  if (!data) return <p>Loading…</p>;
  const toggle = (student: Student, id: number) => {
    const others = student.courses.filter((course) => course.id !== id);
    const courses = others.length < student.courses.length ? others : [...others, { id }];
    void setCourses({ variables: { id: student.id, courses: courses.map(({ id }) => ({ id })) } });
  };
  return (
    <section aria-label="Students">
      <h1>Students</h1>
      <table>
        <thead>
          <tr>
            <th />
            {data.courses.map(({ id, title }) => (
              <th key={id}>{title}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {data.students.map((student) => (
            <tr key={student.id}>
              <th>{student.name}</th>
              {data.courses.map(({ id, title }) => (
                <td key={id}>
                  <input
                    type="checkbox"
                    aria-label={`${student.name} takes ${title}`}
                    checked={student.courses.some((course) => course.id === id)}
                    onChange={() => toggle(student, id)}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
