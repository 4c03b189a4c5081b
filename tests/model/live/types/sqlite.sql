CREATE TABLE every_types (
    id integer PRIMARY KEY,
    a_tinyint tinyint NOT NULL, a_smallint smallint, an_int int, a_mediumint mediumint, a_bigint bigint, an_int8 int8,
    an_unsigned integer unsigned, a_big_unsigned unsigned big int,
    a_real real, a_double double precision, a_float float, a_decimal decimal(10, 2), a_numeric numeric, a_money money,
    a_boolean boolean NOT NULL, a_bool bool,
    a_text text NOT NULL, a_varchar varchar(255), a_char character(3), an_nchar nchar(5), a_clob clob, a_string string,
    a_blob blob, a_binary binary(16), a_varbinary varbinary(20),
    a_uuid uuid, a_guid guid, a_uuid_text uuid_text, a_hex uuid,
    a_date date, a_time time, a_datetime datetime, a_timestamp timestamp, a_timestamptz timestamp with time zone,
    a_json json, a_jsonb jsonb, a_yes boolean,
    an_interval interval, a_point point, an_any any, untyped,
    twice integer GENERATED ALWAYS AS (a_tinyint * 2) VIRTUAL
);
INSERT INTO every_types (a_tinyint, a_boolean, a_text, a_hex, a_yes) VALUES (1, 0, '', '67e5504410b1426f9247bb680e5fe0c8', 'Y');
