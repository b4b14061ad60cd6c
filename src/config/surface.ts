import { z } from 'zod';
import { oneOf } from './values.ts';

function isOrigin(text: string): boolean {
  // A browser names one host: "*" would be taken for a part of its name.
  if (!/^https?:\/\/[^*]+$/.test(text) || !URL.canParse(text)) return false;
  return new URL(text).origin === text;
}

const origins = z
  .string()
  .transform((text) => text.split(',').map((one) => one.trim()))
  .superRefine((all, ctx) => {
    for (const one of all) {
      if (isOrigin(one)) continue;
      ctx.addIssue(
        `has ${JSON.stringify(one)}, which is no origin; allowed are origins as browsers name them, https://app.example.com for instance, separated by commas`,
      );
    }
  });

/** The variables about what is shown of the schema, to pages of whom, and which operations are executed. */
export const surfaceVariables = {
  GATEWAY_INTROSPECTION: oneOf(['on', 'off']).default('on'),
  GATEWAY_SUGGESTIONS: oneOf(['on', 'off']).optional(),
  GATEWAY_GRAPHIQL: oneOf(['on', 'off']).optional(),
  GATEWAY_CORS_ORIGINS: origins.optional(),
  GATEWAY_OPERATIONS: oneOf(['any', 'persisted']).default('any'),
  GATEWAY_OPERATIONS_MANIFEST: z.string().optional(),
};

type SurfaceEnvironment = z.output<z.ZodObject<typeof surfaceVariables>>;

/** Finds what is wrong with variables that are right each for itself. */
export function checkSurface(env: SurfaceEnvironment, ctx: z.RefinementCtx): void {
  if (env.GATEWAY_OPERATIONS !== 'persisted') return;
  const refuse = (name: keyof SurfaceEnvironment, message: string) =>
    ctx.addIssue({ code: 'custom', path: [name], message });
  if (env.GATEWAY_OPERATIONS_MANIFEST === undefined) {
    refuse(
      'GATEWAY_OPERATIONS_MANIFEST',
      'is missing; GATEWAY_OPERATIONS=persisted needs the path of a manifest',
    );
  }
  if (env.GATEWAY_GRAPHIQL === 'on') {
    refuse(
      'GATEWAY_GRAPHIQL',
      'is on, and what is asked with it would be refused; allowed is off with GATEWAY_OPERATIONS=persisted',
    );
  }
}

/** Who may not ask for the schema is not told of it in errors unless that is wanted, and has no use for GraphiQL. */
export function readSurface(env: SurfaceEnvironment) {
  const { GATEWAY_INTROSPECTION: introspection } = env;
  const isAskable = introspection === 'on' && env.GATEWAY_OPERATIONS === 'any';
  return {
    introspection: introspection === 'on',
    /** Whether errors name what the caller did not. */
    suggestions: (env.GATEWAY_SUGGESTIONS ?? introspection) === 'on',
    graphiql: env.GATEWAY_GRAPHIQL ? env.GATEWAY_GRAPHIQL === 'on' : isAskable,
    /** The origins whose pages may read answers. */
    corsOrigins: new Set(env.GATEWAY_CORS_ORIGINS),
  };
}

/** Which operations are executed. */
export function readOperations(env: SurfaceEnvironment) {
  return {
    /** The path of a file of operations that callers may name by their ids. */
    manifest: env.GATEWAY_OPERATIONS_MANIFEST,
    /** Whether no others are executed. */
    persistedOnly: env.GATEWAY_OPERATIONS === 'persisted',
  };
}
