CREATE TYPE weather AS ENUM ('sad', 'so so', '+');
COMMENT ON TABLE people IS 'Everybody';
COMMENT ON COLUMN people.name IS 'Name as it is called';
CREATE TABLE days (
    id uuid PRIMARY KEY, weather weather NOT NULL DEFAULT 'so so', address inet, numbers integer[], words tsvector, spent interval,
    counted numeric, extra jsonb, person_id integer NOT NULL REFERENCES people (id)
);
