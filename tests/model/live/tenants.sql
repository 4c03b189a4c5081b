CREATE TABLE orgs (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE people (id integer PRIMARY KEY, org_id integer NOT NULL REFERENCES orgs (id), name text NOT NULL,
    boss_id integer REFERENCES people (id));
CREATE TABLE teams (id integer PRIMARY KEY, org_id integer NOT NULL REFERENCES orgs (id), name text NOT NULL);
CREATE TABLE memberships (team_id integer NOT NULL REFERENCES teams (id), person_id integer NOT NULL REFERENCES people (id),
    org_id integer NOT NULL REFERENCES orgs (id), role text NOT NULL, PRIMARY KEY (team_id, person_id));
CREATE TABLE tasks (id integer PRIMARY KEY, org_id integer NOT NULL REFERENCES orgs (id), title text NOT NULL,
    person_id integer NOT NULL REFERENCES people (id), team_id integer REFERENCES teams (id), UNIQUE (org_id, id));
CREATE TABLE labels (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE task_labels (task_id integer NOT NULL REFERENCES tasks (id), label_id integer NOT NULL REFERENCES labels (id),
    org_id integer NOT NULL, PRIMARY KEY (task_id, label_id));
CREATE TABLE notes (org_id integer NOT NULL REFERENCES orgs (id), id integer NOT NULL, task_id integer NOT NULL,
    text text NOT NULL, PRIMARY KEY (org_id, id), FOREIGN KEY (org_id, task_id) REFERENCES tasks (org_id, id));
CREATE INDEX tasks_by_person ON tasks (org_id, person_id);
CREATE INDEX links_by_label ON task_labels (label_id);
INSERT INTO orgs VALUES (1, 'Red'), (2, 'Blue'), (3, 'Empty');
INSERT INTO people VALUES (1, 1, 'Ada', NULL), (2, 2, 'Bob', NULL), (3, 1, 'Cem', 1), (4, 2, 'Dee', 2), (5, 1, 'Eve', 3),
    (6, 2, 'Fay', 2);
INSERT INTO teams VALUES (1, 1, 'sales'), (2, 2, 'sales'), (3, 1, 'tools'), (4, 2, 'none');
INSERT INTO memberships VALUES (1, 1, 1, 'lead'), (1, 3, 1, 'member'), (3, 3, 1, 'lead'), (3, 5, 1, 'member'), (2, 2, 2, 'lead'),
    (2, 6, 2, 'member');
INSERT INTO tasks VALUES (1, 1, 'plan', 1, 1), (2, 2, 'plan', 2, 2), (3, 1, 'buy', 3, NULL), (4, 2, 'sell', 6, 2), (5, 1, 'mend', 3, 3),
    (6, 1, 'rest', 5, 3);
INSERT INTO labels VALUES (1, 'urgent'), (2, 'later'), (3, 'unused');
INSERT INTO task_labels VALUES (1, 1, 1), (1, 2, 1), (2, 1, 2), (4, 2, 2), (6, 2, 1);
INSERT INTO notes VALUES (1, 1, 1, 'a'), (2, 1, 2, 'b'), (1, 2, 1, 'c'), (1, 3, 5, 'd');
