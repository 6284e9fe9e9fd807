-- One function for every captured table. It runs once a statement, over transition tables: a bulk update of 10,000 rows
-- costs one INSERT, not 10,000 calls. SECURITY DEFINER, because writers (browsers through PostgREST among them) have no
-- rights on this schema.
CREATE FUNCTION cscx_zapier.capture_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- plpgsql keeps the first plan it makes: a nested loop, fine for one row, would take minutes for 10,000.
SET enable_nestloop = off
AS $$
DECLARE
  origin jsonb := nullif(current_setting('cscx_zapier.origin', true), '')::jsonb;
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO cscx_zapier.changes (table_name, operation, organization_id, new_row, origin)
    SELECT TG_TABLE_NAME, 'INSERT', r.row ->> 'organization_id', r.row, origin
    FROM (SELECT to_jsonb(n) AS row FROM new_rows n) r;
  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO cscx_zapier.changes (table_name, operation, organization_id, old_row, origin)
    SELECT TG_TABLE_NAME, 'DELETE', r.row ->> 'organization_id', r.row, origin
    FROM (SELECT to_jsonb(o) AS row FROM old_rows o) r;
  ELSE
    -- A row whose id changed has no partner: to readers of events it is one row gone and another come.
    INSERT INTO cscx_zapier.changes (table_name, operation, organization_id, old_row, new_row, origin)
    SELECT TG_TABLE_NAME,
           CASE WHEN r.old_row IS NULL THEN 'INSERT' WHEN r.new_row IS NULL THEN 'DELETE' ELSE 'UPDATE' END,
           coalesce(r.new_row, r.old_row) ->> 'organization_id', r.old_row, r.new_row, origin
    FROM (SELECT to_jsonb(o) AS old_row, to_jsonb(n) AS new_row FROM old_rows o FULL JOIN new_rows n ON n.id = o.id) r
    WHERE r.old_row - 'updated_at' IS DISTINCT FROM r.new_row - 'updated_at';
  END IF;
  IF FOUND THEN
    PERFORM pg_notify('cscx_zapier_changes', '');
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
-- UUIDv7 (RFC 9562 §5.7), which Postgres has of its own only from 18 on: ids in the order of their making.
CREATE FUNCTION cscx_zapier.uuid_v7() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
  SELECT encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
      52, 1), 53, 1), 'hex')::uuid
$$;
