-- A rental of films: keys of NUMERIC and SMALLINT that are no number of the row, tables that reference each other, and triggers.
CREATE TABLE actor (
    actor_id numeric NOT NULL,
    first_name VARCHAR(45) NOT NULL,
    last_update TIMESTAMP NOT NULL,
    PRIMARY KEY (actor_id)
);
CREATE TABLE language (language_id SMALLINT NOT NULL, name CHAR(20) NOT NULL, last_update TIMESTAMP NOT NULL, PRIMARY KEY (language_id));
CREATE TABLE film (
    film_id int NOT NULL,
    title VARCHAR(255) NOT NULL,
    description BLOB SUB_TYPE TEXT DEFAULT NULL,
    release_year VARCHAR(4) DEFAULT NULL,
    language_id SMALLINT NOT NULL,
    original_language_id SMALLINT DEFAULT NULL,
    rental_rate DECIMAL(4,2) DEFAULT 4.99 NOT NULL,
    rating VARCHAR(10) DEFAULT 'G',
    last_update TIMESTAMP NOT NULL,
    PRIMARY KEY (film_id),
    CONSTRAINT CHECK_special_rating CHECK(rating in ('G','PG','PG-13','R','NC-17')),
    CONSTRAINT fk_film_language FOREIGN KEY (language_id) REFERENCES language (language_id),
    CONSTRAINT fk_film_language_original FOREIGN KEY (original_language_id) REFERENCES language (language_id)
);
CREATE TABLE film_actor (
    actor_id INT NOT NULL,
    film_id INT NOT NULL,
    last_update TIMESTAMP NOT NULL,
    PRIMARY KEY (actor_id,film_id),
    CONSTRAINT fk_film_actor_actor FOREIGN KEY (actor_id) REFERENCES actor (actor_id) ON DELETE NO ACTION ON UPDATE CASCADE,
    CONSTRAINT fk_film_actor_film FOREIGN KEY (film_id) REFERENCES film (film_id) ON DELETE NO ACTION ON UPDATE CASCADE
);
CREATE TABLE film_text (film_id SMALLINT NOT NULL, title VARCHAR(255) NOT NULL, PRIMARY KEY (film_id));
CREATE TABLE store (
    store_id INT NOT NULL,
    manager_staff_id SMALLINT NOT NULL UNIQUE,
    PRIMARY KEY (store_id),
    CONSTRAINT fk_store_staff FOREIGN KEY (manager_staff_id) REFERENCES staff (staff_id)
);
CREATE TABLE staff (
    staff_id SMALLINT NOT NULL,
    first_name VARCHAR(45) NOT NULL,
    picture BLOB DEFAULT NULL,
    store_id INT NOT NULL,
    active SMALLINT DEFAULT 1 NOT NULL,
    PRIMARY KEY (staff_id),
    CONSTRAINT fk_staff_store FOREIGN KEY (store_id) REFERENCES store (store_id)
);
CREATE TABLE inventory (
    inventory_id INT NOT NULL,
    film_id INT NOT NULL REFERENCES film,
    store_id INT NOT NULL REFERENCES store (store_id),
    PRIMARY KEY (inventory_id)
);
CREATE TRIGGER film_trigger_ai AFTER INSERT ON film BEGIN
    UPDATE film SET last_update = DATETIME('NOW') WHERE rowid = new.rowid;
END;
CREATE VIEW film_list AS SELECT film.film_id AS FID, film.title AS title, film.rental_rate AS price, actor.first_name||' ' AS actors
    FROM film JOIN film_actor ON film.film_id = film_actor.film_id JOIN actor ON film_actor.actor_id = actor.actor_id;

INSERT INTO actor VALUES (1, 'PENELOPE', '2020-12-23 07:12:29'), (2, 'NICK', '2020-12-23 07:12:30'), (3, 'ED', '2020-12-23 07:12:31');
INSERT INTO language VALUES (1, 'English', '2020-12-23 07:12:12'), (2, 'Italian', '2020-12-23 07:12:12');
INSERT INTO film VALUES (1, 'ACADEMY DINOSAUR', 'A Epic Drama', '2006', 1, NULL, 0.99, 'PG', '2020-12-23 07:12:31'),
    (2, 'ACE GOLDFINGER', NULL, '2006', 1, 2, 4.99, 'G', '2020-12-23 07:12:31'), (3, 'ADAPTATION HOLES', x'41', NULL, 2, 1, 2.99, NULL, '2020-12-23');
INSERT INTO film_actor VALUES (1, 1, '2020-12-23 07:13:47'), (1, 2, '2020-12-23 07:13:47'), (3, 1, '2020-12-23 07:13:47');
INSERT INTO film_text VALUES (1, 'ACADEMY DINOSAUR'), (3, 'ADAPTATION HOLES');
INSERT INTO store VALUES (1, 1), (2, 2);
INSERT INTO staff VALUES (1, 'Mike', x'89504E47', 1, 1), (2, 'Jon', NULL, 2, 0), (3, 'Ann', NULL, 1, 1);
INSERT INTO inventory VALUES (1, 1, 1), (2, 1, 2), (3, 3, 1);
