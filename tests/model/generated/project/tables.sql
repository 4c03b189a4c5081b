CREATE TABLE people (
    id {key}, name varchar(40) NOT NULL, "Odd name" text, type text, born date, active boolean NOT NULL DEFAULT true,
    boss_id integer REFERENCES people (id) ON DELETE SET NULL
);
CREATE TABLE passports (
    id integer PRIMARY KEY, person_id integer NOT NULL UNIQUE REFERENCES people (id) ON DELETE CASCADE,
    number char(8) NOT NULL UNIQUE
);
CREATE TABLE rooms (
    floor integer NOT NULL, "no" integer NOT NULL, label text NOT NULL DEFAULT 'plain', price decimal(6, 2),
    PRIMARY KEY (floor, "no")
);
CREATE TABLE bookings (
    id integer PRIMARY KEY, floor integer NOT NULL, "no" integer NOT NULL, at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    guest_id integer NOT NULL REFERENCES people (id), payer_id integer REFERENCES people (id) ON UPDATE CASCADE,
    FOREIGN KEY (floor, "no") REFERENCES rooms (floor, "no")
);
CREATE TABLE tags (name text PRIMARY KEY);
CREATE TABLE person_tags (
    person_id integer NOT NULL REFERENCES people (id), tag_name text NOT NULL REFERENCES tags (name),
    PRIMARY KEY (person_id, tag_name)
);
CREATE TABLE clubs (id integer PRIMARY KEY, self text NOT NULL, twice integer GENERATED ALWAYS AS (id * 2) STORED);
CREATE TABLE memberships (
    club_id integer NOT NULL REFERENCES clubs (id), person_id integer NOT NULL REFERENCES people (id), role text NOT NULL,
    PRIMARY KEY (club_id, person_id)
);
