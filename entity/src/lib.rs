//! The example domain, as SeaORM entities.
//!
//! Six small worlds that share no table, each there for one way in which rows can be related:
//!
//! | world | entities | what it shows |
//! | --- | --- | --- |
//! | accounts | [`user`], [`profile`], [`user_info`] | one to one, beside a unique foreign key that is read as a list |
//! | publishing | [`author`], [`post`], [`book`] | one to many, twice from the same parent |
//! | enrolment | [`student`], [`course`], [`course_student`] | many to many over a junction with a key of its own |
//! | staff | [`badge`], [`employee`] | one to one whose holder also forms a tree |
//! | identity | [`person`], [`passport`] | one to one by a shared primary key |
//! | dining | [`place`], [`restaurant`], [`waiter`] | a shared primary key that others point at in turn |
//!
//! Whether the far side of a foreign key is one row or a list is said by the `Relation` of the entity at that far side:
//! `has_one` or `has_many`. The unique key on the column is there in both cases. So `profiles.user_id` and
//! `user_infos.user_id` are both unique, while a [`user`] has one profile and a list of infos.
//!
//! The tables are made by hand-written migrations, not from these entities. The comments on tables and columns are part
//! of the entities alone.

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
