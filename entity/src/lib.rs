//! Example domain, as SeaORM entities.
//!
//! Six small worlds that share no table, each for a kind of relation:
//!
//! | world | entities | demonstrates |
//! | --- | --- | --- |
//! | accounts | [`user`], [`profile`], [`user_info`] | one to one, beside a unique foreign key that is read as a list |
//! | publishing | [`author`], [`post`], [`book`] | one to many, twice from the same parent |
//! | enrolment | [`student`], [`course`], [`course_student`] | many to many over a junction with a key of its own |
//! | staff | [`badge`], [`employee`] | one to one whose holder also forms a tree |
//! | identity | [`person`], [`passport`] | one to one by a shared primary key |
//! | dining | [`place`], [`restaurant`], [`waiter`] | a shared primary key that other rows reference |
//!
//! The `Relation` of the entity at the far side of a foreign key decides whether that side is one row or a
//! list: `has_one` or `has_many`. The column has a unique key in both cases. So `profiles.user_id` and
//! `user_infos.user_id` are both unique, while a [`user`] has one profile and a list of infos.
//!
//! Hand-written migrations create the tables, not these entities. Only the entities have comments on tables
//! and columns.

pub mod author;
pub mod badge;
pub mod book;
pub mod course;
pub mod course_student;
pub mod employee;
pub mod passport;
pub mod person;
pub mod place;
pub mod post;
pub mod profile;
pub mod restaurant;
pub mod student;
pub mod user;
pub mod user_info;
pub mod waiter;
