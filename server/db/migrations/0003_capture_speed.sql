-- A row of any table, its values kept as they are: making JSON of them would cost the writer four times as much, so that is
-- left to the reader. Attributes come by type; `others` has, as JSON, the columns whose type has none (left). A layout, which
-- is stored beside the rows, says which column lies where.
CREATE TYPE cscx_zapier.captured_row AS (
  uuid_1 uuid, uuid_2 uuid, uuid_3 uuid, uuid_4 uuid, uuid_5 uuid, uuid_6 uuid,
  text_1 text, text_2 text, text_3 text, text_4 text, text_5 text, text_6 text, text_7 text, text_8 text,
  text_9 text, text_10 text, text_11 text, text_12 text, text_13 text, text_14 text, text_15 text, text_16 text,
  text_17 text, text_18 text, text_19 text, text_20 text, text_21 text, text_22 text, text_23 text, text_24 text,
  integer_1 integer, integer_2 integer, integer_3 integer, integer_4 integer, integer_5 integer, integer_6 integer,
  integer_7 integer, integer_8 integer, bigint_1 bigint, bigint_2 bigint,
  numeric_1 numeric, numeric_2 numeric, numeric_3 numeric, numeric_4 numeric, numeric_5 numeric, numeric_6 numeric,
  boolean_1 boolean, boolean_2 boolean, boolean_3 boolean, boolean_4 boolean, boolean_5 boolean, boolean_6 boolean,
  timestamptz_1 timestamptz, timestamptz_2 timestamptz, timestamptz_3 timestamptz, timestamptz_4 timestamptz,
  timestamptz_5 timestamptz, timestamptz_6 timestamptz, date_1 date, date_2 date, date_3 date, date_4 date,
  jsonb_1 jsonb, jsonb_2 jsonb, jsonb_3 jsonb,
  others json
);
--> statement-breakpoint
ALTER TABLE cscx_zapier.changes
  ALTER COLUMN old_row TYPE json,
  ALTER COLUMN new_row TYPE json,
  ADD COLUMN row_count integer NOT NULL DEFAULT 1,
  ADD COLUMN layout json,
  ADD COLUMN old_rows cscx_zapier.captured_row[],
  ADD COLUMN new_rows cscx_zapier.captured_row[];
--> statement-breakpoint
-- Chunks hold much that repeats: lz4, where this Postgres has it, makes them smaller in less time than it saves by writing
-- less. pglz takes longer than writing all of it. What is captured goes soon: what dies is to go soon as well.
DO $$
BEGIN
  IF (SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression') THEN
    ALTER TABLE cscx_zapier.changes ALTER COLUMN old_rows SET COMPRESSION lz4, ALTER COLUMN new_rows SET COMPRESSION lz4;
  ELSE
    ALTER TABLE cscx_zapier.changes ALTER COLUMN old_rows SET STORAGE EXTERNAL, ALTER COLUMN new_rows SET STORAGE EXTERNAL;
  END IF;
  ALTER TABLE cscx_zapier.changes SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0,
    toast.autovacuum_vacuum_scale_factor = 0.02, toast.autovacuum_vacuum_cost_delay = 0);
END
$$;
--> statement-breakpoint
-- How the rows of a table become captured_rows, as the table is now: CSCX adds and drops columns as it likes. `expression`
-- makes one of a row named r, `size` tells how many bytes are stored of what varies in length.
CREATE FUNCTION cscx_zapier.row_layout(captured oid, OUT layout json, OUT expression text, OUT size text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  WITH attributes AS (
    SELECT a.attname AS name, a.atttypid AS type, a.attnum AS place, row_number() OVER (PARTITION BY a.atttypid ORDER BY a.attnum) AS number
    FROM pg_attribute a JOIN pg_type t ON t.typrelid = a.attrelid
    WHERE t.oid = 'cscx_zapier.captured_row'::regtype AND a.attname <> 'others'
  ), columns AS (
    SELECT 'r.' || quote_ident(a.attname) AS value, a.attname AS name, a.attlen, t.type, a.attnum AS place, row_number() OVER (PARTITION BY t.type ORDER BY a.attnum) AS number
    FROM pg_attribute a
    CROSS JOIN LATERAL (SELECT CASE a.atttypid WHEN 'varchar'::regtype THEN 'text'::regtype WHEN 'int2'::regtype THEN 'int4'::regtype ELSE a.atttypid END) t(type)
    WHERE a.attrelid = captured AND a.attnum > 0 AND NOT a.attisdropped
  )
  SELECT json_object_agg(c.name, coalesce(a.name, 'others') ORDER BY c.place) FILTER (WHERE c.name IS NOT NULL),
    format('row(%s, %s)::cscx_zapier.captured_row',
      string_agg(coalesce(c.value, 'NULL'), ', ' ORDER BY a.place) FILTER (WHERE a.name IS NOT NULL),
      coalesce(format('(SELECT row_to_json(o.*) FROM (SELECT %s) o)', string_agg(c.value, ', ' ORDER BY c.place) FILTER (WHERE a.name IS NULL)), 'NULL')),
    coalesce(string_agg(format('coalesce(pg_column_size(%s), 0)', c.value), ' + ') FILTER (WHERE c.attlen = -1), '0')
  INTO layout, expression, size
  FROM attributes a FULL JOIN columns c ON c.type = a.type AND c.number = a.number;
END
$$;
--> statement-breakpoint
-- One function for every captured table; see 0001_capture.sql. It joins nothing: which row before belongs to which row after
-- is for the reader to find out. What a statement wrote is stored at once, as JSON, where it is little; else in chunks of
-- captured_rows, of which each has all rows whose ids hash to it, so that the row before and the row after of a change are
-- in the same one. A column of CSCX's may have any name: what reads a row names nothing else beside it, and calls it r.*,
-- since r may be a column.
CREATE OR REPLACE FUNCTION cscx_zapier.capture_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- Grouping by sorting has one chunk at a time in memory, however much was written.
SET enable_hashagg = off
AS $$
DECLARE
  -- For more rows than these, planning a statement that is made for the table costs less than JSON does.
  few CONSTANT integer := 32;
  chunk_rows CONSTANT integer := 128;
  chunk_bytes CONSTANT integer := 262144;
  -- What the writer's memory has room for all at once: so many rows, and so much of those that are too large for a page.
  many CONSTANT integer := 20000;
  large CONSTANT integer := 1048576;
  one_chunk CONSTANT text := '(SELECT array_agg(%s) FROM %s r)';
  chunked CONSTANT text := '(SELECT %s & $5 AS chunk, array_agg(%s) AS rows FROM %s r GROUP BY 1)';
  no_chunks CONSTANT text := '(SELECT NULL::integer AS chunk, NULL::cscx_zapier.captured_row[] AS rows WHERE false)';
  origin jsonb := nullif(current_setting('cscx_zapier.origin', true), '')::jsonb;
  total bigint;
  bytes bigint := 0;
  large_bytes bigint := 0;
  layout json;
  expression text;
  size text;
  chunks integer;
  hash text;
BEGIN
  IF TG_OP = 'DELETE' THEN
    SELECT count(*) INTO total FROM old_rows;
  ELSE
    SELECT count(*) INTO total FROM new_rows;
  END IF;
  IF total = 0 THEN
    RETURN NULL;
  END IF;
  IF total BETWEEN 2 AND few THEN
    IF TG_OP <> 'INSERT' THEN
      bytes := (SELECT sum(pg_column_size(r.*)) FROM old_rows r);
    END IF;
    IF TG_OP <> 'DELETE' THEN
      bytes := bytes + (SELECT sum(pg_column_size(r.*)) FROM new_rows r);
    END IF;
  END IF;
  IF total > few OR bytes > chunk_bytes THEN
    SELECT l.layout, l.expression, l.size INTO layout, expression, size FROM cscx_zapier.row_layout(TG_RELID) l;
    -- Without ids no event is made of a table (any more), but its writers must not fail.
    IF layout ->> 'id' IS NULL THEN
      RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM pg_class WHERE oid = TG_RELID AND (relhassubclass OR pg_relation_size(nullif(reltoastrelid, 0)) > 0)) THEN
      EXECUTE format('SELECT coalesce(sum(size), 0), coalesce(sum(size) FILTER (WHERE size > 1500), 0) FROM (%s) s(size)',
        CASE TG_OP WHEN 'UPDATE' THEN format('SELECT %1$s FROM old_rows r UNION ALL SELECT %1$s FROM new_rows r', size)
          WHEN 'DELETE' THEN format('SELECT %s FROM old_rows r', size) ELSE format('SELECT %s FROM new_rows r', size) END)
      INTO bytes, large_bytes;
    END IF;
    chunks := 1 << ceil(log(2, greatest(total::numeric / chunk_rows, bytes::numeric / chunk_bytes, 1)))::integer;
    IF chunks = 1 THEN
      EXECUTE format('INSERT INTO cscx_zapier.changes (table_name, operation, origin, row_count, layout, old_rows, new_rows) VALUES ($1, $2, $3, $4, $5, %s, %s)',
        CASE TG_OP WHEN 'INSERT' THEN 'NULL' ELSE format(one_chunk, expression, 'old_rows') END,
        CASE TG_OP WHEN 'DELETE' THEN 'NULL' ELSE format(one_chunk, expression, 'new_rows') END)
      USING TG_TABLE_NAME, TG_OP, origin, total, layout;
    ELSE
      IF total <= many AND large_bytes <= large THEN
        SET LOCAL enable_hashagg = on;
      END IF;
      hash := CASE WHEN layout ->> 'id' LIKE 'uuid%' THEN 'uuid_hash(r.id)' ELSE 'hashtext(r.id::text)' END;
      EXECUTE format('INSERT INTO cscx_zapier.changes (table_name, operation, origin, row_count, layout, old_rows, new_rows)
        SELECT $1, $2, $3, greatest(cardinality(o.rows), cardinality(n.rows)), $4, o.rows, n.rows FROM %s o FULL JOIN %s n ON n.chunk = o.chunk',
        CASE TG_OP WHEN 'INSERT' THEN no_chunks ELSE format(chunked, hash, expression, 'old_rows') END,
        CASE TG_OP WHEN 'DELETE' THEN no_chunks ELSE format(chunked, hash, expression, 'new_rows') END)
      USING TG_TABLE_NAME, TG_OP, origin, layout, chunks - 1;
    END IF;
  ELSIF TG_OP = 'INSERT' THEN
    INSERT INTO cscx_zapier.changes (table_name, operation, origin, row_count, new_row)
    VALUES (TG_TABLE_NAME, TG_OP, origin, total, (SELECT json_agg(r.*) FROM new_rows r));
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO cscx_zapier.changes (table_name, operation, origin, row_count, old_row)
    VALUES (TG_TABLE_NAME, TG_OP, origin, total, (SELECT json_agg(r.*) FROM old_rows r));
  ELSE
    INSERT INTO cscx_zapier.changes (table_name, operation, origin, row_count, old_row, new_row)
    VALUES (TG_TABLE_NAME, TG_OP, origin, total, (SELECT json_agg(r.*) FROM old_rows r), (SELECT json_agg(r.*) FROM new_rows r));
  END IF;
  PERFORM pg_notify('cscx_zapier_changes', '');
  RETURN NULL;
END
$$;
