//! Rows of a seed, table by table, as plain models without a database.
//!
//! The first copy is the example. Each further copy repeats its shape, references and omissions, with texts
//! of its own. So every table has `scale` times the rows of the example, and no key repeats. Two links
//! connect the copies. Students take courses of other copies too. The heads of all copies report to each
//! other, so that a single reporting tree grows deeper with the scale.
//!
//! The rows of a small scale are the first rows of every greater scale.

use entity::{
    author, badge, book, course, course_student, employee, passport, person, place, post, profile,
    restaurant, student, user, user_info, waiter,
};
use sea_orm::prelude::Date;

use super::{example, words};

/// Number of heads of copies that report to another head.
const HEADS_PER_HEAD: i32 = 4;

/// Position of a row in its table.
#[derive(Clone, Copy)]
struct Spot {
    /// Index in the whole table, from zero.
    place: i32,
    /// Index of the copy; the example itself is zero.
    copy: i32,
    /// Index within the copy, from zero.
    line: i32,
}

impl Spot {
    fn id(self) -> i32 {
        self.place + 1
    }

    /// Returns the id, in this copy, of the row that has the id `id` in the example of another table.
    fn id_of<T>(self, id: i32, table: &[T]) -> i32 {
        id_in_copy(self.copy, id, table)
    }

    /// Returns the text of the example, or one that `words` generates for this index in the table.
    fn text(self, example: &str, words: fn(usize) -> String) -> String {
        match self.copy {
            0 => example.to_owned(),
            _ => words(self.number()),
        }
    }

    /// Returns a name of the example, or one generated for this index; `start` makes each table begin at
    /// another name.
    fn name(self, example: &str, start: usize) -> String {
        match self.copy {
            0 => example.to_owned(),
            _ => words::full_name(start + self.number()),
        }
    }

    /// Returns the index as a number for generated texts.
    fn number(self) -> usize {
        self.place.unsigned_abs() as usize
    }
}

fn id_in_copy<T>(copy: i32, id: i32, table: &[T]) -> i32 {
    copy * table.len() as i32 + id
}

/// Iterates over the rows of an example table `scale` times.
fn copies<T, M>(
    table: &'static [T],
    scale: u32,
    row: impl Fn(Spot, &'static T) -> M,
) -> impl Iterator<Item = M> {
    let lines = table.len() as i32;
    (0..).zip(table.iter().cycle()).take(table.len() * scale as usize).map(move |(place, line)| {
        let spot = Spot { place, copy: place / lines, line: place % lines };
        row(spot, line)
    })
}

/// Returns the number of rows of all tables.
pub fn total(scale: u32) -> u64 {
    let example = example::USERS.len()
        + example::PROFILES.len()
        + example::USER_INFOS.len()
        + example::AUTHORS.len()
        + example::POSTS.len()
        + example::BOOKS.len()
        + example::STUDENTS.len()
        + example::COURSES.len()
        + example::COURSE_STUDENTS.len()
        + example::BADGES.len()
        + example::EMPLOYEES.len()
        + example::PERSONS.len()
        + example::PASSPORTS.len()
        + example::PLACES.len()
        + example::RESTAURANTS.len()
        + example::WAITERS.len();
    u64::from(scale) * example as u64
}

/// Generates the rows of `users`.
pub fn users(scale: u32) -> impl Iterator<Item = user::Model> {
    copies(&example::USERS, scale, |spot, username| user::Model {
        id: spot.id(),
        username: spot.text(username, words::username),
    })
}

/// Generates the rows of `profiles`.
pub fn profiles(scale: u32) -> impl Iterator<Item = profile::Model> {
    copies(&example::PROFILES, scale, |spot, (user, bio, birthdate)| {
        let day = birthdate.map(|day| match spot.copy {
            0 => day,
            _ => words::birthdate(spot.number()),
        });
        profile::Model {
            id: spot.id(),
            user_id: spot.id_of(*user, &example::USERS),
            bio: spot.text(bio, words::bio),
            birthdate: day.and_then(|(year, month, day)| Date::from_ymd_opt(year, month, day)),
        }
    })
}

/// Generates the rows of `user_infos`.
pub fn user_infos(scale: u32) -> impl Iterator<Item = user_info::Model> {
    copies(&example::USER_INFOS, scale, |spot, (user, phone_number)| user_info::Model {
        id: spot.id(),
        user_id: spot.id_of(*user, &example::USERS),
        phone_number: spot.text(phone_number, words::phone_number),
    })
}

/// Generates the rows of `authors`.
pub fn authors(scale: u32) -> impl Iterator<Item = author::Model> {
    copies(&example::AUTHORS, scale, |spot, name| author::Model { id: spot.id(), name: spot.name(name, 0) })
}

/// Generates the rows of `posts`.
pub fn posts(scale: u32) -> impl Iterator<Item = post::Model> {
    copies(&example::POSTS, scale, |spot, (author, title, content)| post::Model {
        id: spot.id(),
        author_id: spot.id_of(*author, &example::AUTHORS),
        title: spot.text(title, words::headline),
        content: spot.text(content, words::prose),
    })
}

/// Generates the rows of `books`.
pub fn books(scale: u32) -> impl Iterator<Item = book::Model> {
    copies(&example::BOOKS, scale, |spot, (author, title, isbn)| book::Model {
        id: spot.id(),
        author_id: spot.id_of(*author, &example::AUTHORS),
        title: spot.text(title, words::book_title),
        isbn: spot.text(isbn, words::isbn),
    })
}

/// Generates the rows of `students`.
pub fn students(scale: u32) -> impl Iterator<Item = student::Model> {
    copies(&example::STUDENTS, scale, |spot, name| student::Model {
        id: spot.id(),
        name: spot.name(name, 100),
    })
}

/// Generates the rows of `courses`.
pub fn courses(scale: u32) -> impl Iterator<Item = course::Model> {
    copies(&example::COURSES, scale, |spot, title| course::Model {
        id: spot.id(),
        title: spot.text(title, words::course_title),
    })
}

/// Generates the rows of `course_students`. The course is of this copy, the student of this or an earlier
/// one. Each line and course has exactly one student, so no pair repeats.
pub fn course_students(scale: u32) -> impl Iterator<Item = course_student::Model> {
    copies(&example::COURSE_STUDENTS, scale, |spot, (course, student)| {
        let of_student = spot.copy - spot.line % (spot.copy + 1);
        course_student::Model {
            id: spot.id(),
            course_id: spot.id_of(*course, &example::COURSES),
            student_id: id_in_copy(of_student, *student, &example::STUDENTS),
        }
    })
}

/// Generates the rows of `badges`.
pub fn badges(scale: u32) -> impl Iterator<Item = badge::Model> {
    copies(&example::BADGES, scale, |spot, code| badge::Model {
        id: spot.id(),
        code: spot.text(code, words::badge_code),
    })
}

/// Generates the rows of `employees`, managers before their reports.
pub fn employees(scale: u32) -> impl Iterator<Item = employee::Model> {
    copies(&example::EMPLOYEES, scale, |spot, (badge, manager, name)| {
        let manager_id = match manager {
            Some(manager) => Some(spot.id_of(*manager, &example::EMPLOYEES)),
            None if spot.copy == 0 => None,
            None => Some(id_in_copy((spot.copy - 1) / HEADS_PER_HEAD, spot.line + 1, &example::EMPLOYEES)),
        };
        employee::Model {
            id: spot.id(),
            name: spot.name(name, 200),
            badge_id: spot.id_of(*badge, &example::BADGES),
            manager_id,
        }
    })
}

/// Generates the rows of `persons`.
pub fn persons(scale: u32) -> impl Iterator<Item = person::Model> {
    copies(&example::PERSONS, scale, |spot, name| person::Model { id: spot.id(), name: spot.name(name, 300) })
}

/// Generates the rows of `passports`.
pub fn passports(scale: u32) -> impl Iterator<Item = passport::Model> {
    copies(&example::PASSPORTS, scale, |spot, (person, number)| passport::Model {
        person_id: spot.id_of(*person, &example::PERSONS),
        number: spot.text(number, words::passport_number),
    })
}

/// Generates the rows of `places`.
pub fn places(scale: u32) -> impl Iterator<Item = place::Model> {
    copies(&example::PLACES, scale, |spot, (name, address)| place::Model {
        id: spot.id(),
        name: spot.text(name, words::place_name),
        address: spot.text(address, words::address),
    })
}

/// Generates the rows of `restaurants`.
pub fn restaurants(scale: u32) -> impl Iterator<Item = restaurant::Model> {
    copies(&example::RESTAURANTS, scale, |spot, (place, hot_dogs, pizza)| restaurant::Model {
        place_id: spot.id_of(*place, &example::PLACES),
        serves_hot_dogs: *hot_dogs,
        serves_pizza: *pizza,
    })
}

/// Generates the rows of `waiters`.
pub fn waiters(scale: u32) -> impl Iterator<Item = waiter::Model> {
    copies(&example::WAITERS, scale, |spot, (restaurant, name)| waiter::Model {
        id: spot.id(),
        restaurant_id: spot.id_of(*restaurant, &example::PLACES),
        name: spot.name(name, 400),
    })
}
