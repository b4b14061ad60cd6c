-- The keys of callers, what of their signatures must not come again, and whose a repeatable request is.

CREATE TABLE "access_key" (
    "id" TEXT COLLATE "C" NOT NULL CHECK ("id" ~ '^[0-9a-f]{24}$'),
    "kind" TEXT COLLATE "C" NOT NULL CHECK ("kind" IN ('signed', 'api')),
    "name" TEXT COLLATE "C" NOT NULL CHECK (octet_length("name") <= 255),
    "role" TEXT COLLATE "C" NOT NULL CHECK ("role" IN ('admin', 'reader', 'ingest')),
    -- A flag of its own: no list of campaigns, lost or empty, may come to mean all of them.
    "all_campaigns" BOOLEAN NOT NULL,
    "campaigns" TEXT[] COLLATE "C" CHECK ("campaigns" IS NOT NULL AND (NOT "all_campaigns" OR "campaigns" = '{}')),
    "people" TEXT COLLATE "C" NOT NULL CHECK ("people" IN ('shown', 'hidden')),
    "secret" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "access_key_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "used_nonce" (
    "access_key_id" TEXT COLLATE "C" NOT NULL,
    "nonce" TEXT COLLATE "C" NOT NULL CHECK (octet_length("nonce") BETWEEN 1 AND 255),
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "used_nonce_pkey" PRIMARY KEY ("access_key_id", "nonce")
);

CREATE INDEX "used_nonce_expires_at_idx" ON "used_nonce"("expires_at");

-- Two callers who choose the same key mean two requests. Until now there was one caller: anybody.
ALTER TABLE "idempotency_key" ADD COLUMN "viewer" TEXT COLLATE "C" NOT NULL DEFAULT 'anybody';
ALTER TABLE "idempotency_key" DROP CONSTRAINT "idempotency_key_pkey";
ALTER TABLE "idempotency_key" ADD CONSTRAINT "idempotency_key_pkey" PRIMARY KEY ("viewer", "key");
