import { defineConfig } from 'prisma/config';

// For Prisma's own command line (`npx prisma migrate status`), where its engine can be had; the gateway does not read it.
const url = process.env.DATABASE_URL;

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  ...(url && { datasource: { url } }),
});
