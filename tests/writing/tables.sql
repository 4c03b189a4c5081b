-- The tables of domain.rs. {key} stands for a primary key that the database numbers.

CREATE TABLE members (
    id {key},
    email text NOT NULL UNIQUE,
    name text NOT NULL,
    nick text,
    rank text NOT NULL DEFAULT 'novice',
    motto text DEFAULT 'none yet',
    points integer NOT NULL DEFAULT 0,
    mentor_id integer REFERENCES members (id) ON DELETE SET NULL,
    CONSTRAINT points_are_not_negative CHECK (points >= 0)
);
CREATE TABLE cards (
    id {key},
    number text NOT NULL UNIQUE,
    member_id integer NOT NULL UNIQUE REFERENCES members (id) ON DELETE CASCADE
);
CREATE TABLE lockers (
    id {key},
    floor integer NOT NULL,
    member_id integer UNIQUE REFERENCES members (id) ON DELETE SET NULL
);
CREATE TABLE seals (
    id {key},
    member_id integer NOT NULL UNIQUE REFERENCES members (id) ON DELETE CASCADE
);
CREATE TABLE diaries (
    id {key},
    title text NOT NULL,
    member_id integer NOT NULL UNIQUE REFERENCES members (id) ON DELETE CASCADE
);
CREATE TABLE captains (
    member_id integer PRIMARY KEY REFERENCES members (id) ON DELETE CASCADE ON UPDATE CASCADE,
    motto text NOT NULL DEFAULT 'onwards'
);
CREATE TABLE trophies (
    id {key},
    name text NOT NULL,
    captain_id integer NOT NULL REFERENCES captains (member_id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE oaths (
    id {key},
    words text NOT NULL,
    captain_id integer NOT NULL REFERENCES captains (member_id)
);
CREATE TABLE songs (id {key}, title text NOT NULL UNIQUE);
CREATE TABLE captain_songs (
    captain_id integer NOT NULL REFERENCES captains (member_id) ON DELETE CASCADE ON UPDATE CASCADE,
    song_id integer NOT NULL REFERENCES songs (id) ON DELETE CASCADE,
    PRIMARY KEY (captain_id, song_id)
);
CREATE TABLE articles (
    id {key},
    title text NOT NULL,
    author_id integer NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    editor_id integer REFERENCES members (id) ON DELETE SET NULL
);
CREATE TABLE comments (
    id {key},
    words text NOT NULL,
    article_id integer NOT NULL REFERENCES articles (id) ON DELETE CASCADE
);
CREATE TABLE visits (id {key}, day text NOT NULL, member_id integer NOT NULL);

CREATE TABLE teams (id {key}, name text NOT NULL UNIQUE);
CREATE TABLE games (
    id {key},
    day text NOT NULL,
    home_id integer REFERENCES teams (id) ON DELETE SET NULL,
    away_id integer REFERENCES teams (id) ON DELETE SET NULL
);
CREATE TABLE memberships (
    id {key},
    role text NOT NULL,
    shirt integer NOT NULL DEFAULT 1,
    note text,
    member_id integer NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    team_id integer NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    UNIQUE (member_id, team_id)
);
CREATE TABLE awards (
    id {key},
    name text NOT NULL,
    membership_id integer NOT NULL REFERENCES memberships (id) ON DELETE CASCADE
);
CREATE TABLE rooms (id {key}, name text NOT NULL UNIQUE);
CREATE TABLE shifts (
    id {key},
    hour integer UNIQUE,
    note text,
    member_id integer NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    room_id integer NOT NULL REFERENCES rooms (id) ON DELETE CASCADE
);
CREATE TABLE towers (id {key}, name text NOT NULL);
CREATE TABLE duties (
    tower_id integer NOT NULL REFERENCES towers (id) ON DELETE CASCADE,
    member_id integer NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    rank integer NOT NULL UNIQUE,
    note text,
    PRIMARY KEY (tower_id, member_id)
);
CREATE TABLE skills (id {key}, name text NOT NULL UNIQUE);
CREATE TABLE member_skills (
    member_id integer NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    skill_id integer NOT NULL REFERENCES skills (id) ON DELETE CASCADE,
    PRIMARY KEY (member_id, skill_id)
);
CREATE TABLE follows (
    follower_id integer NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    followed_id integer NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    PRIMARY KEY (follower_id, followed_id)
);

CREATE TABLE countries (id {key}, code text NOT NULL UNIQUE, name text NOT NULL);
CREATE TABLE letters (
    id {key},
    words text NOT NULL,
    country_code text REFERENCES countries (code)
);
CREATE TABLE shelves (
    room text NOT NULL,
    number integer NOT NULL,
    label text,
    PRIMARY KEY (room, number)
);
CREATE TABLE books (
    id {key},
    title text NOT NULL,
    shelf_room text,
    shelf_number integer,
    FOREIGN KEY (shelf_room, shelf_number) REFERENCES shelves (room, number) ON DELETE SET NULL
);
CREATE TABLE categories (
    id {key},
    name text NOT NULL,
    parent_id integer REFERENCES categories (id) ON DELETE CASCADE
);
CREATE TABLE hens (id {key}, name text NOT NULL);
CREATE TABLE eggs (id {key}, name text NOT NULL, hen_id integer REFERENCES hens (id) ON DELETE CASCADE);
ALTER TABLE hens ADD COLUMN egg_id integer REFERENCES eggs (id) ON DELETE CASCADE;

CREATE TABLE regions (id {key}, name text NOT NULL);
CREATE TABLE camps (
    id {key},
    name text NOT NULL,
    region_id integer NOT NULL REFERENCES regions (id) ON DELETE CASCADE
);
CREATE TABLE tents (id {key}, name text NOT NULL, camp_id integer REFERENCES camps (id) ON DELETE CASCADE);
CREATE TABLE flares (
    id {key},
    name text NOT NULL,
    camp_id integer NOT NULL REFERENCES camps (id) ON DELETE RESTRICT
);
CREATE TABLE permits (
    id {key},
    name text NOT NULL,
    camp_id integer NOT NULL REFERENCES camps (id) ON DELETE NO ACTION,
    region_id integer REFERENCES regions (id) ON DELETE CASCADE
);
CREATE TABLE pledges (
    id {key},
    name text NOT NULL,
    camp_id integer NOT NULL REFERENCES camps (id) ON DELETE RESTRICT,
    region_id integer REFERENCES regions (id) ON DELETE CASCADE
);
CREATE TABLE guides (
    id {key},
    name text NOT NULL,
    region_id integer REFERENCES regions (id) ON DELETE SET NULL
);
CREATE TABLE routes (
    id {key},
    name text NOT NULL,
    region_id integer NOT NULL DEFAULT 1 REFERENCES regions (id) ON DELETE SET DEFAULT,
    detour_id integer REFERENCES regions (id) ON DELETE SET DEFAULT
);
