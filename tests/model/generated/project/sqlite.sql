CREATE TABLE days (
    id uuid NOT NULL PRIMARY KEY, is_done boolean NOT NULL, notes json, spot point, person_id integer NOT NULL REFERENCES people (id)
);
INSERT INTO people (id, name) VALUES (1, 'Ann');
INSERT INTO days VALUES ('67e55044-10b1-426f-9247-bb680e5fe0c8', 'Y', '{}', NULL, 1);
