//! The example domain, as described for the model of expected states.

/// Table.
pub struct Table {
    pub name: &'static str,
    pub stored: &'static str,
    /// Root field of all rows.
    pub all: &'static str,
    /// Argument that identifies a row, and its column.
    pub key: (&'static str, &'static str),
    /// Compared text column, if any.
    pub text: Option<Text>,
    /// Further required input of a new row.
    pub needs: &'static str,
    pub forward: &'static [Forward],
    pub below: &'static [Below],
}

pub struct Text {
    pub field: &'static str,
    pub is_unique: bool,
}

/// Foreign key.
pub struct Forward {
    pub field: &'static str,
    pub column: &'static str,
    pub target: usize,
    pub is_unique: bool,
    /// True if nullable: deletion of the target sets NULL; otherwise it cascades.
    pub is_nullable: bool,
    /// Key field that identifies a row by this foreign key.
    pub key: Option<&'static str>,
}

/// Relation without a foreign key of its own.
pub struct Below {
    pub field: &'static str,
    pub target: usize,
    pub kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Reverse of this foreign key of the target.
    One(usize),
    Many(usize),
    Links,
}

pub const USER: usize = 0;
const PROFILE: usize = 1;
const INFO: usize = 2;
const AUTHOR: usize = 3;
const POST: usize = 4;
pub const STUDENT: usize = 5;
pub const COURSE: usize = 6;
const BADGE: usize = 7;
const EMPLOYEE: usize = 8;
const PLACE: usize = 9;
const RESTAURANT: usize = 10;
const WAITER: usize = 11;
const PERSON: usize = 12;
const PASSPORT: usize = 13;

const fn text(field: &'static str) -> Option<Text> {
    Some(Text { field, is_unique: false })
}

const fn unique(field: &'static str) -> Option<Text> {
    Some(Text { field, is_unique: true })
}

const fn to(field: &'static str, column: &'static str, target: usize) -> Forward {
    Forward { field, column, target, is_unique: false, is_nullable: false, key: None }
}

const fn only_to(field: &'static str, column: &'static str, target: usize, key: &'static str) -> Forward {
    Forward { is_unique: true, key: Some(key), ..to(field, column, target) }
}

const fn one(field: &'static str, target: usize) -> Below {
    Below { field, target, kind: Kind::One(0) }
}

const fn many(field: &'static str, target: usize, forward: usize) -> Below {
    Below { field, target, kind: Kind::Many(forward) }
}

const fn links(field: &'static str, target: usize) -> Below {
    Below { field, target, kind: Kind::Links }
}

const ROW: Table = Table {
    name: "",
    stored: "",
    all: "",
    key: ("id", "id"),
    text: None,
    needs: "",
    forward: &[],
    below: &[],
};

pub const TABLES: [Table; 14] = [
    Table {
        name: "User",
        stored: "users",
        all: "users",
        text: unique("username"),
        below: &[one("profile", PROFILE), many("userInfos", INFO, 0)],
        ..ROW
    },
    Table {
        name: "Profile",
        stored: "profiles",
        all: "profiles",
        text: text("bio"),
        forward: &[only_to("user", "user_id", USER, "userId")],
        ..ROW
    },
    Table {
        name: "UserInfo",
        stored: "user_infos",
        all: "userInfos",
        text: text("phoneNumber"),
        forward: &[only_to("user", "user_id", USER, "userId")],
        ..ROW
    },
    Table {
        name: "Author",
        stored: "authors",
        all: "authors",
        text: text("name"),
        below: &[many("posts", POST, 0)],
        ..ROW
    },
    Table {
        name: "Post",
        stored: "posts",
        all: "posts",
        text: text("title"),
        needs: ", content: \"c\"",
        forward: &[to("author", "author_id", AUTHOR)],
        ..ROW
    },
    Table {
        name: "Student",
        stored: "students",
        all: "students",
        text: text("name"),
        below: &[links("courses", COURSE)],
        ..ROW
    },
    Table {
        name: "Course",
        stored: "courses",
        all: "courses",
        text: text("title"),
        below: &[links("students", STUDENT)],
        ..ROW
    },
    Table {
        name: "Badge",
        stored: "badges",
        all: "badges",
        text: unique("code"),
        below: &[one("employee", EMPLOYEE)],
        ..ROW
    },
    Table {
        name: "Employee",
        stored: "employees",
        all: "employees",
        text: text("name"),
        forward: &[
            only_to("badge", "badge_id", BADGE, "badgeId"),
            Forward { is_nullable: true, ..to("manager", "manager_id", EMPLOYEE) },
        ],
        below: &[many("reports", EMPLOYEE, 1)],
        ..ROW
    },
    Table {
        name: "Place",
        stored: "places",
        all: "places",
        text: text("name"),
        needs: ", address: \"a\"",
        below: &[one("restaurant", RESTAURANT)],
        ..ROW
    },
    Table {
        name: "Restaurant",
        stored: "restaurants",
        all: "restaurants",
        key: ("placeId", "place_id"),
        forward: &[only_to("place", "place_id", PLACE, "placeId")],
        below: &[many("waiters", WAITER, 0)],
        ..ROW
    },
    Table {
        name: "Waiter",
        stored: "waiters",
        all: "waiters",
        text: text("name"),
        forward: &[to("restaurant", "restaurant_id", RESTAURANT)],
        ..ROW
    },
    Table {
        name: "Person",
        stored: "persons",
        all: "people",
        text: text("name"),
        below: &[one("passport", PASSPORT)],
        ..ROW
    },
    Table {
        name: "Passport",
        stored: "passports",
        all: "passports",
        key: ("personId", "person_id"),
        text: unique("number"),
        forward: &[only_to("person", "person_id", PERSON, "personId")],
        ..ROW
    },
];

impl Table {
    /// Returns true if the primary key is that of the parent row.
    pub fn is_shared(&self) -> bool {
        self.key.0 != "id"
    }

    pub fn has_unique_text(&self) -> bool {
        self.text.as_ref().is_some_and(|text| text.is_unique)
    }
}
