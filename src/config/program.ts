import { createRequire } from 'node:module';

/** What the package says of itself. */
export const { version, description } = createRequire(import.meta.url)('../../package.json') as {
  version: string;
  description: string;
};
