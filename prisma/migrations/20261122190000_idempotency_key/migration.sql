-- The answers of requests that a caller may repeat without repeating what they do.

CREATE TABLE "idempotency_key" (
    "key" TEXT COLLATE "C" NOT NULL CHECK (octet_length("key") BETWEEN 1 AND 255),
    "purpose" TEXT COLLATE "C" NOT NULL,
    "run_id" TEXT COLLATE "C" NOT NULL,
    "fingerprint" TEXT COLLATE "C" CHECK (octet_length("fingerprint") = 64),
    "answer" TEXT COLLATE "C",
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "idempotency_key_pkey" PRIMARY KEY ("key"),
    CHECK (("fingerprint" IS NULL) = ("answer" IS NULL))
);

CREATE INDEX "idempotency_key_expires_at_idx" ON "idempotency_key"("expires_at");
