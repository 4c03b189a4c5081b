CREATE TABLE organisation (
  id INTEGER NOT NULL PRIMARY KEY,
  name TEXT NOT NULL
);
CREATE TABLE member (
  id INTEGER NOT NULL PRIMARY KEY,
  organisation_id INTEGER NOT NULL REFERENCES organisation (id) ON DELETE CASCADE,
  user_id INTEGER NOT NULL,
  admin BOOLEAN NOT NULL DEFAULT FALSE,
  UNIQUE (organisation_id, user_id)
);
CREATE TABLE document (
  id INTEGER NOT NULL PRIMARY KEY,
  organisation_id INTEGER NOT NULL REFERENCES organisation (id) ON DELETE CASCADE,
  author_id INTEGER NOT NULL REFERENCES member (id),
  title TEXT NOT NULL,
  UNIQUE (organisation_id, title)
);
INSERT INTO organisation VALUES (1, 'Red'), (2, 'Blue');
INSERT INTO member VALUES (1, 1, 10, TRUE), (2, 1, 11, FALSE), (3, 2, 20, TRUE);
INSERT INTO document VALUES (1, 1, 1, 'plan'), (2, 1, 2, 'notes'), (3, 2, 3, 'plan');
