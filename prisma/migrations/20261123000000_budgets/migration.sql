-- What callers may cost.

-- Points a minute; 0: without end; null: as the gateway is configured.
ALTER TABLE "access_key" ADD COLUMN "budget" INTEGER CHECK ("budget" >= 0);

-- The budgets that are not full, for all copies of the gateway. A crash may fill them: nothing is written ahead, and nothing
-- is indexed but the name, so that a row is changed where it stands.
CREATE UNLOGGED TABLE "caller_budget" (
    "name" TEXT COLLATE "C" NOT NULL,
    "full_at" TIMESTAMPTZ(6) NOT NULL,
    "leased" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "caller_budget_pkey" PRIMARY KEY ("name")
);
