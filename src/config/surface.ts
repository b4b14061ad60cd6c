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

/** The variables about what is shown of the schema, and to pages of whom. */
export const surfaceVariables = {
  GATEWAY_INTROSPECTION: oneOf(['on', 'off']).default('on'),
  GATEWAY_SUGGESTIONS: oneOf(['on', 'off']).optional(),
  GATEWAY_GRAPHIQL: oneOf(['on', 'off']).optional(),
  GATEWAY_CORS_ORIGINS: origins.optional(),
};

type SurfaceEnvironment = z.output<z.ZodObject<typeof surfaceVariables>>;

/** Who may not ask for the schema is not told of it in errors, and has no use for GraphiQL, unless that is wanted. */
export function readSurface(env: SurfaceEnvironment) {
  const { GATEWAY_INTROSPECTION: introspection } = env;
  return {
    introspection: introspection === 'on',
    /** Whether errors name what the caller did not. */
    suggestions: (env.GATEWAY_SUGGESTIONS ?? introspection) === 'on',
    graphiql: (env.GATEWAY_GRAPHIQL ?? introspection) === 'on',
    /** The origins whose pages may read answers. */
    corsOrigins: new Set(env.GATEWAY_CORS_ORIGINS),
  };
}
