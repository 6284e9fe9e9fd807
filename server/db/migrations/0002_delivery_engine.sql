CREATE TABLE "cscx_zapier"."redeliveries" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"webhook_id" uuid,
	"kind" text NOT NULL,
	"selection" jsonb NOT NULL,
	"status" text DEFAULT 'running' NOT NULL,
	"total" integer NOT NULL,
	"released" integer DEFAULT 0 NOT NULL,
	"per_second" real NOT NULL,
	"position" uuid,
	"next_step_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_by" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "cscx_zapier"."webhook_revisions" (
	"webhook_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"version" integer NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"events" text[] NOT NULL,
	"filter" jsonb,
	"active" boolean NOT NULL,
	"disabled_reason" text,
	"deleted" boolean NOT NULL,
	CONSTRAINT "webhook_revisions_webhook_id_version_pk" PRIMARY KEY("webhook_id","version")
);
--> statement-breakpoint
ALTER TABLE "cscx_zapier"."webhook_deliveries" DROP CONSTRAINT "webhook_deliveries_event_id_events_id_fk";
--> statement-breakpoint
DROP INDEX "cscx_zapier"."delivery_attempts_by_delivery";--> statement-breakpoint
DROP INDEX "cscx_zapier"."webhook_deliveries_waiting";--> statement-breakpoint
DROP INDEX "cscx_zapier"."webhook_deliveries_parked";--> statement-breakpoint
DROP INDEX "cscx_zapier"."outbound_webhooks_by_organization";--> statement-breakpoint
DROP INDEX "cscx_zapier"."webhook_deliveries_due";--> statement-breakpoint
ALTER TABLE "cscx_zapier"."delivery_attempts" DROP COLUMN "id";--> statement-breakpoint
ALTER TABLE "cscx_zapier"."delivery_attempts" ADD CONSTRAINT "delivery_attempts_delivery_id_number_started_at_pk" PRIMARY KEY("delivery_id","number","started_at");--> statement-breakpoint
ALTER TABLE "cscx_zapier"."delivery_attempts" ADD COLUMN "dns_ms" real;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."delivery_attempts" ADD COLUMN "connect_ms" real;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."delivery_attempts" ADD COLUMN "tls_ms" real;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."delivery_attempts" ADD COLUMN "first_byte_ms" real;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."delivery_attempts" ADD COLUMN "address" text;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."delivery_attempts" ADD COLUMN "request_headers" json;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."delivery_attempts" ADD COLUMN "key_id" text;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."delivery_attempts" ADD COLUMN "response_headers" json;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."outbound_webhooks" ADD COLUMN "filter" jsonb;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."outbound_webhooks" ADD COLUMN "ordered" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."outbound_webhooks" ADD COLUMN "rate_per_second" real;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."outbound_webhooks" ADD COLUMN "rate_burst" integer;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."outbound_webhooks" ADD COLUMN "inactive_since" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."outbound_webhooks" ADD COLUMN "failing_since" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."outbound_webhooks" ADD COLUMN "throttled_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."outbound_webhooks" ADD COLUMN "ed25519_key" text;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."outbound_webhooks" ADD COLUMN "retired_keys" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."outbound_webhooks" ADD COLUMN "replaces" uuid;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."outbound_webhooks" ADD COLUMN "end_notice_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."outbound_webhooks" ADD COLUMN "end_notice_attempts" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."outbound_webhooks" ADD COLUMN "version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."webhook_deliveries" ADD COLUMN "due_since" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."webhook_deliveries" ADD COLUMN "ordered" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."webhook_deliveries" ADD COLUMN "unmet" jsonb;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."webhook_deliveries" ADD COLUMN "redelivery_id" uuid;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."events" ADD COLUMN "size" integer GENERATED ALWAYS AS (octet_length(data::text)) STORED;--> statement-breakpoint
CREATE INDEX "redeliveries_running" ON "cscx_zapier"."redeliveries" USING btree ("next_step_at") WHERE "cscx_zapier"."redeliveries"."status" = 'running';--> statement-breakpoint
CREATE INDEX "redeliveries_by_organization" ON "cscx_zapier"."redeliveries" USING btree ("organization_id","id");--> statement-breakpoint
CREATE INDEX "events_by_customer" ON "cscx_zapier"."events" USING btree ("organization_id","customer_id","id") WHERE "cscx_zapier"."events"."customer_id" is not null;--> statement-breakpoint
CREATE INDEX "outbound_webhooks_end_notices" ON "cscx_zapier"."outbound_webhooks" USING btree ("end_notice_at") WHERE "cscx_zapier"."outbound_webhooks"."end_notice_at" is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "webhook_deliveries_by_event" ON "cscx_zapier"."webhook_deliveries" USING btree ("event_id","webhook_id");--> statement-breakpoint
CREATE INDEX "webhook_deliveries_queued" ON "cscx_zapier"."webhook_deliveries" USING btree ("webhook_id","event_id") WHERE "cscx_zapier"."webhook_deliveries"."status" = 'pending' and "cscx_zapier"."webhook_deliveries"."next_attempt_at" = 'infinity';--> statement-breakpoint
CREATE INDEX "webhook_deliveries_planned" ON "cscx_zapier"."webhook_deliveries" USING btree ("webhook_id") WHERE "cscx_zapier"."webhook_deliveries"."status" = 'pending' and "cscx_zapier"."webhook_deliveries"."next_attempt_at" < 'infinity';--> statement-breakpoint
CREATE INDEX "webhook_deliveries_held" ON "cscx_zapier"."webhook_deliveries" USING btree ("webhook_id","id") WHERE "cscx_zapier"."webhook_deliveries"."status" = 'held';--> statement-breakpoint
CREATE INDEX "webhook_deliveries_dead_letters" ON "cscx_zapier"."webhook_deliveries" USING btree ("webhook_id","id") WHERE "cscx_zapier"."webhook_deliveries"."status" = 'dead_letter';--> statement-breakpoint
CREATE INDEX "webhook_deliveries_redelivered" ON "cscx_zapier"."webhook_deliveries" USING btree ("redelivery_id","status") WHERE "cscx_zapier"."webhook_deliveries"."redelivery_id" is not null;--> statement-breakpoint
CREATE INDEX "outbound_webhooks_by_organization" ON "cscx_zapier"."outbound_webhooks" USING btree ("organization_id","id");--> statement-breakpoint
CREATE INDEX "webhook_deliveries_due" ON "cscx_zapier"."webhook_deliveries" USING btree ("next_attempt_at") WHERE "cscx_zapier"."webhook_deliveries"."status" = 'pending' and "cscx_zapier"."webhook_deliveries"."next_attempt_at" < 'infinity';
--> statement-breakpoint
-- Every pending delivery is updated once or twice and then rests: what dies goes soon, or claims would step over it.
ALTER TABLE cscx_zapier.webhook_deliveries SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.05);
--> statement-breakpoint
-- An id for the delivery of an event: UUIDv7 (RFC 9562 §5.7) that sorts where its event does. It has the first half of the
-- event's id, which holds the time, and a random second half with its variant bits.
CREATE FUNCTION cscx_zapier.delivery_id(event_id uuid) RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
  SELECT encode(overlay(uuid_send(gen_random_uuid()) PLACING substring(uuid_send(event_id) FROM 1 FOR 8) FROM 1 FOR 8), 'hex')::uuid
$$;
--> statement-breakpoint
DROP FUNCTION cscx_zapier.uuid_v7();
--> statement-breakpoint
-- The first condition of a webhook's filter (see server/outbound/webhooks/filter.ts) that an event's data does not meet;
-- null when it meets them all. `actual` is what is at the path: of a path through a list all that is there, and absent when
-- nothing is. What is long is cut: one of these is stored for every delivery that a filter holds back.
-- A predicate sees the times at its path as $times, in the spelling that .datetime() reads in every PostgreSQL from 15 on:
-- with an offset in place of Z, and six digits of a second at most.
CREATE FUNCTION cscx_zapier.unmet_condition(filter jsonb, data jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT jsonb_object_agg(name, CASE WHEN length(found::text) <= 1000 THEN found ELSE to_jsonb(left(found #>> '{}', 1000) || '…') END)
  FROM (
    SELECT c FROM jsonb_array_elements(filter) WITH ORDINALITY AS conditions(c, n)
    WHERE NOT coalesce(jsonb_path_match(data, (c ->> 'jsonpath')::jsonpath, CASE WHEN c ? 'times' THEN jsonb_build_object('times',
      (SELECT jsonb_agg(regexp_replace(regexp_replace(found #>> '{}', 'Z$', '+00:00'), '(\.\d{6})\d+', '\1')) FROM jsonb_path_query(data, (c ->> 'at')::jsonpath, '{}', true) found))
      ELSE '{}' END, true), false)
    ORDER BY n LIMIT 1
  ) AS unmet CROSS JOIN LATERAL (VALUES
    ('path', c -> 'path'), ('operator', c -> 'operator'), ('value', c -> 'value'),
    ('actual', CASE WHEN c ->> 'path' LIKE '%[*]%' THEN jsonb_path_query_array(data, (c ->> 'at')::jsonpath, '{}', true)
      ELSE jsonb_path_query_first(data, (c ->> 'at')::jsonpath, '{}', true) END)
  ) AS members(name, found)
  WHERE found IS NOT NULL
$$;
--> statement-breakpoint
-- Counts the versions of a webhook, and notes what it asked for in each.
CREATE FUNCTION cscx_zapier.webhook_changed() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF (NEW.url, NEW.kind, NEW.user_id, NEW.headers, NEW.events, NEW.filter, NEW.ordered, NEW.rate_per_second, NEW.rate_burst, NEW.active, NEW.disabled_reason, NEW.secret, NEW.ed25519_key, NEW.retired_keys, NEW.deleted_at)
      IS NOT DISTINCT FROM (OLD.url, OLD.kind, OLD.user_id, OLD.headers, OLD.events, OLD.filter, OLD.ordered, OLD.rate_per_second, OLD.rate_burst, OLD.active, OLD.disabled_reason, OLD.secret, OLD.ed25519_key, OLD.retired_keys, OLD.deleted_at) THEN
      RETURN NEW;
    END IF;
    NEW.version := OLD.version + 1;
  END IF;
  NEW.inactive_since := CASE WHEN NEW.active THEN NULL WHEN TG_OP = 'UPDATE' THEN coalesce(OLD.inactive_since, now()) ELSE now() END;
  IF TG_OP = 'UPDATE' AND (NEW.events, NEW.filter, NEW.active, NEW.disabled_reason, NEW.deleted_at)
    IS NOT DISTINCT FROM (OLD.events, OLD.filter, OLD.active, OLD.disabled_reason, OLD.deleted_at) THEN
    RETURN NEW;
  END IF;
  -- The clock, not now(): an event whose transaction began before this one ended has seen the version before.
  INSERT INTO cscx_zapier.webhook_revisions (webhook_id, organization_id, version, at, events, filter, active, disabled_reason, deleted)
  VALUES (NEW.id, NEW.organization_id, NEW.version, clock_timestamp(), NEW.events, NEW.filter, NEW.active, NEW.disabled_reason, NEW.deleted_at IS NOT NULL);
  RETURN NEW;
END
$$;
--> statement-breakpoint
INSERT INTO cscx_zapier.webhook_revisions (webhook_id, organization_id, version, at, events, filter, active, disabled_reason, deleted)
SELECT id, organization_id, version, created_at, events, filter, active, disabled_reason, deleted_at IS NOT NULL FROM cscx_zapier.outbound_webhooks;
--> statement-breakpoint
UPDATE cscx_zapier.outbound_webhooks SET inactive_since = updated_at WHERE NOT active;
--> statement-breakpoint
UPDATE cscx_zapier.webhook_deliveries SET due_since = created_at WHERE status = 'pending';
--> statement-breakpoint
UPDATE cscx_zapier.webhook_deliveries SET status = 'held' WHERE status = 'pending' AND next_attempt_at = 'infinity';
--> statement-breakpoint
CREATE TRIGGER webhook_changed BEFORE INSERT OR UPDATE ON cscx_zapier.outbound_webhooks
FOR EACH ROW EXECUTE FUNCTION cscx_zapier.webhook_changed();
