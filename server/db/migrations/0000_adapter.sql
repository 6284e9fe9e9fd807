CREATE SCHEMA IF NOT EXISTS "cscx_zapier";
--> statement-breakpoint
CREATE TABLE "cscx_zapier"."api_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"name" text NOT NULL,
	"hash" "bytea" NOT NULL,
	"scopes" text[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_used_at" timestamp with time zone,
	"revoked_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "cscx_zapier"."idempotent_requests" (
	"organization_id" uuid NOT NULL,
	"operation" text NOT NULL,
	"key" text NOT NULL,
	"fingerprint" "bytea" NOT NULL,
	"response_status" integer NOT NULL,
	"response_body" json NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotent_requests_organization_id_operation_key_pk" PRIMARY KEY("organization_id","operation","key")
);
--> statement-breakpoint
CREATE TABLE "cscx_zapier"."settings" (
	"name" text PRIMARY KEY NOT NULL,
	"value" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cscx_zapier"."changes" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "cscx_zapier"."changes_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"table_name" text NOT NULL,
	"operation" text NOT NULL,
	"organization_id" text,
	"old_row" jsonb,
	"new_row" jsonb,
	"origin" jsonb,
	"captured_at" timestamp with time zone DEFAULT now() NOT NULL,
	"error" text
);
--> statement-breakpoint
CREATE TABLE "cscx_zapier"."events" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"type" text NOT NULL,
	"customer_id" text,
	"data" json NOT NULL,
	"is_test" boolean DEFAULT false NOT NULL,
	"occurred_at" timestamp with time zone NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "cscx_zapier"."renewal_notices" (
	"organization_id" uuid NOT NULL,
	"customer_id" text NOT NULL,
	"renewal_date" date NOT NULL,
	"threshold_days" integer NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "renewal_notices_organization_id_customer_id_renewal_date_threshold_days_pk" PRIMARY KEY("organization_id","customer_id","renewal_date","threshold_days")
);
--> statement-breakpoint
CREATE TABLE "cscx_zapier"."delivery_attempts" (
	"id" uuid PRIMARY KEY NOT NULL,
	"delivery_id" uuid NOT NULL,
	"organization_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"started_at" timestamp with time zone NOT NULL,
	"duration_ms" integer NOT NULL,
	"response_status" integer,
	"response_body" text,
	"error" text,
	"error_detail" text
);
--> statement-breakpoint
CREATE TABLE "cscx_zapier"."outbound_webhooks" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"organization_id" uuid NOT NULL,
	"user_id" text,
	"kind" text DEFAULT 'custom' NOT NULL,
	"name" text NOT NULL,
	"url" text NOT NULL,
	"events" text[] NOT NULL,
	"headers" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"active" boolean DEFAULT true NOT NULL,
	"disabled_reason" text,
	"secret" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	"deleted_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "cscx_zapier"."webhook_deliveries" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"webhook_id" uuid NOT NULL,
	"event_id" uuid NOT NULL,
	"event_type" text NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"next_attempt_at" timestamp with time zone DEFAULT now() NOT NULL,
	"leased_by" integer,
	"attempts" integer DEFAULT 0 NOT NULL,
	"retry_count" integer DEFAULT 0 NOT NULL,
	"response_status" integer,
	"response_body" text,
	"last_error" text,
	"delivered_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "cscx_zapier"."webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_webhook_id_outbound_webhooks_id_fk" FOREIGN KEY ("webhook_id") REFERENCES "cscx_zapier"."outbound_webhooks"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "cscx_zapier"."webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_event_id_events_id_fk" FOREIGN KEY ("event_id") REFERENCES "cscx_zapier"."events"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "api_keys_by_organization" ON "cscx_zapier"."api_keys" USING btree ("organization_id");--> statement-breakpoint
CREATE INDEX "idempotent_requests_by_age" ON "cscx_zapier"."idempotent_requests" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "changes_waiting" ON "cscx_zapier"."changes" USING btree ("id") WHERE "cscx_zapier"."changes"."error" is null;--> statement-breakpoint
CREATE INDEX "events_by_type" ON "cscx_zapier"."events" USING btree ("organization_id","type","id");--> statement-breakpoint
CREATE INDEX "delivery_attempts_by_delivery" ON "cscx_zapier"."delivery_attempts" USING btree ("delivery_id");--> statement-breakpoint
CREATE INDEX "outbound_webhooks_by_organization" ON "cscx_zapier"."outbound_webhooks" USING btree ("organization_id","id") WHERE "cscx_zapier"."outbound_webhooks"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX "webhook_deliveries_due" ON "cscx_zapier"."webhook_deliveries" USING btree ("next_attempt_at") WHERE "cscx_zapier"."webhook_deliveries"."status" = 'pending';--> statement-breakpoint
CREATE INDEX "webhook_deliveries_by_webhook" ON "cscx_zapier"."webhook_deliveries" USING btree ("webhook_id","id");--> statement-breakpoint
CREATE INDEX "webhook_deliveries_waiting" ON "cscx_zapier"."webhook_deliveries" USING btree ("webhook_id") WHERE "cscx_zapier"."webhook_deliveries"."status" = 'pending';--> statement-breakpoint
CREATE INDEX "webhook_deliveries_parked" ON "cscx_zapier"."webhook_deliveries" USING btree ("webhook_id") WHERE "cscx_zapier"."webhook_deliveries"."status" = 'pending' and "cscx_zapier"."webhook_deliveries"."next_attempt_at" = 'infinity';