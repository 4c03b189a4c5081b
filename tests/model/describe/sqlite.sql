CREATE TABLE types (
    id INTEGER PRIMARY KEY, untyped, flag boolean, small smallint, whole integer, big bigint, positive integer unsigned,
    price decimal(6, 2), weight real, exact numeric, title varchar(40), code char(3), note text, day date, noon time,
    made datetime, seen timestamp, "at" timestamp_with_timezone_text, extra json_text, token uuid_text, data blob,
    place point
);
CREATE TABLE defaults (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    zero integer NOT NULL DEFAULT 0, minus bigint NOT NULL DEFAULT -1, plus real NOT NULL DEFAULT +1.5,
    price decimal(6, 2) NOT NULL DEFAULT 19.90, word varchar(10) NOT NULL DEFAULT 'it''s', old text DEFAULT "draft",
    yes bool NOT NULL DEFAULT TRUE, never bool NOT NULL DEFAULT 0, empty text DEFAULT NULL,
    made datetime NOT NULL DEFAULT CURRENT_TIMESTAMP, sum integer NOT NULL DEFAULT (1 + 2), long varchar(3) DEFAULT 'abcd',
    twice integer GENERATED ALWAYS AS (zero * 2) STORED, thrice integer AS (zero * 3)
);
CREATE TABLE "Names" (code text PRIMARY KEY, "Odd name" text);
CREATE TABLE tags (name text, kind text NOT NULL, PRIMARY KEY (kind, name)) WITHOUT ROWID;
CREATE TABLE strict_keys (id int PRIMARY KEY, anything any) STRICT;
CREATE TABLE descending (id INTEGER PRIMARY KEY DESC);
CREATE TABLE no_key (a integer UNIQUE, b integer, UNIQUE (b, a));
CREATE UNIQUE INDEX partial ON no_key (b) WHERE a > 0;
CREATE UNIQUE INDEX of_expression ON no_key (a, abs(b));
CREATE INDEX not_unique ON no_key (b, a);
CREATE TABLE pairs (kind text, name text, owner integer,
    FOREIGN KEY (name, kind) REFERENCES TAGS (NAME, Kind) ON DELETE CASCADE ON UPDATE SET NULL,
    FOREIGN KEY (kind, name) REFERENCES tags,
    FOREIGN KEY (owner) REFERENCES types DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE nodes (id INTEGER PRIMARY KEY, parent integer REFERENCES nodes ON DELETE SET DEFAULT,
    lost integer REFERENCES gone (id) ON DELETE RESTRICT);
CREATE VIEW totals AS SELECT b AS plain, count(*) AS number, sum(a) AS sum, 'x' AS word FROM no_key GROUP BY b;
CREATE VIEW above AS SELECT * FROM totals;
CREATE TABLE soon_gone (id INTEGER);
CREATE VIEW broken AS SELECT id FROM soon_gone;
DROP TABLE soon_gone;
CREATE VIRTUAL TABLE search USING fts5(body);
