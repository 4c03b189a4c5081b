-- Databases of a device: upper case with a prefix, tables without foreign keys, times as numbers, FTS, generated columns, words of SQL as
-- names, and keys that lead to nothing that is unique.
CREATE TABLE ZPERSON (Z_PK INTEGER PRIMARY KEY, Z_ENT INTEGER, Z_OPT INTEGER, ZNAME VARCHAR, ZBORN TIMESTAMP, ZSCORE FLOAT, ZEXTRA BLOB);
CREATE TABLE Z_1FRIENDS (Z_1FRIENDS INTEGER, REFLEXIVE INTEGER, PRIMARY KEY (Z_1FRIENDS, REFLEXIVE));
CREATE TABLE Z_METADATA (Z_VERSION INTEGER PRIMARY KEY, Z_UUID VARCHAR(255), Z_PLIST BLOB);
CREATE TABLE moz_places (
    id INTEGER PRIMARY KEY, url LONGVARCHAR, rev_host LONGVARCHAR, visit_count INTEGER DEFAULT 0, hidden INTEGER DEFAULT 0 NOT NULL,
    last_visit_date INTEGER, guid TEXT, url_hash INTEGER DEFAULT 0 NOT NULL, origin_id INTEGER REFERENCES moz_origins(id)
);
CREATE TABLE moz_origins (id INTEGER PRIMARY KEY, prefix TEXT NOT NULL, host TEXT NOT NULL, frecency INTEGER NOT NULL, UNIQUE (prefix, host));
CREATE TABLE moz_historyvisits (id INTEGER PRIMARY KEY, from_visit INTEGER, place_id INTEGER, visit_date INTEGER, visit_type INTEGER);
CREATE UNIQUE INDEX moz_places_guid_uniqueindex ON moz_places (guid);
CREATE INDEX moz_places_url_hashindex ON moz_places (url_hash);
CREATE TABLE "order" (
    "group" INTEGER NOT NULL, "index" INTEGER NOT NULL, "Unit Price ($)" DOUBLE, "select" BOOL DEFAULT FALSE, "when" DATE, "größe" CHAR,
    total REAL GENERATED ALWAYS AS ("Unit Price ($)" * 2) VIRTUAL, note, PRIMARY KEY ("group", "index" DESC)
) WITHOUT ROWID;
CREATE TABLE "line.item" (
    id INT PRIMARY KEY, "group" INTEGER, "index" INTEGER, place TEXT REFERENCES moz_places (url), origin INTEGER REFERENCES moz_origins,
    FOREIGN KEY ("group", "index") REFERENCES "ORDER" ON DELETE SET NULL
);
CREATE TABLE log (at INTEGER, level TEXT COLLATE NOCASE, message TEXT);
CREATE TABLE strict_log (id INTEGER PRIMARY KEY, at INT NOT NULL, value ANY, message TEXT) STRICT;
CREATE VIRTUAL TABLE notes USING fts5 (title, body);

INSERT INTO ZPERSON VALUES (1, 1, 1, 'Ada', 700000000.25, 1.5, x'00'), (2, 1, 3, 'Bo', 2451545.25, NULL, NULL), (3, 1, 1, NULL, NULL, -0.5, 'text');
INSERT INTO Z_1FRIENDS VALUES (1, 2), (2, 1), (1, 3);
INSERT INTO Z_METADATA VALUES (1, 'A40E2A79-0A0C-4A52-9C07-7C4B9C6C9A11', NULL);
INSERT INTO moz_origins VALUES (1, 'https://', 'a.example', 100), (2, 'http://', 'a.example', -1);
INSERT INTO moz_places VALUES (1, 'https://a.example/', 'elpmaxe.a.', 3, 0, 1700000000000000, 'aaaaaaaaaaaa', 47358, 1),
    (2, 'http://a.example/x', 'elpmaxe.a.', 0, 1, NULL, NULL, 12558, 2), (3, NULL, NULL, NULL, 0, NULL, 'b', 0, NULL);
INSERT INTO moz_historyvisits VALUES (1, 0, 1, 1700000000000000, 1), (2, 1, 1, 1700000000000001, 2);
INSERT INTO "order" ("group", "index", "Unit Price ($)", "select", "when", "größe", note) VALUES (1, 1, 2.5, TRUE, '2024-02-29', 'L', 'n'),
    (1, 2, NULL, FALSE, NULL, '', 5), (2, 1, 0.1, 1, '2024-03-01', NULL, NULL);
INSERT INTO "line.item" VALUES (1, 1, 1, NULL, 1), (2, 1, 1, NULL, 2), (3, 2, 1, NULL, NULL), (4, NULL, 2, NULL, 1);
INSERT INTO log VALUES (1, 'INFO', 'a'), (2, 'info', 'b'), (2, 'Warn', NULL), (NULL, NULL, NULL), (1, 'INFO', 'a');
INSERT INTO strict_log VALUES (1, 1, 'any', 'm'), (2, 2, 5, NULL);
INSERT INTO notes VALUES ('a', 'b');
