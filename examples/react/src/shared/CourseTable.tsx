interface Course {
  readonly id: number;
  readonly title: string;
}

export interface Student {
  readonly id: number;
  readonly name: string;
  readonly courses: readonly Course[];
}

interface Props {
  students: readonly Student[];
  courses: readonly Course[];
  /** Writes the courses of a student; absent for roles that may not. */
  write?: ((student: number, courses: { id: number }[]) => void) | undefined;
}

/** Many to many: a box for each pair, which is there or not. */
export function CourseTable({ students, courses, write }: Props) {
  const toggle = (student: Student, id: number) => {
    const others = student.courses.filter((course) => course.id !== id);
    const chosen = others.length < student.courses.length ? others : [...others, { id }];
    write?.(student.id, chosen.map(({ id }) => ({ id })));
  };
  return (
    <section aria-label="Students">
      <h2>Students</h2>
      <table>
        <thead>
          <tr>
            <td />
            {courses.map(({ id, title }) => (
              <th key={id}>{title}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {students.map((student) => (
            <tr key={student.id}>
              <th>{student.name}</th>
              {courses.map(({ id, title }) => (
                <td key={id}>
                  <input
                    type="checkbox"
                    aria-label={`${student.name} takes ${title}`}
                    checked={student.courses.some((course) => course.id === id)}
                    disabled={!write}
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
