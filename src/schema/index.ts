import { specifiedDirectives } from 'graphql';
import { builder } from './builder.ts';
import { incrementalDirectives } from './directives.ts';
import { protectJson } from './json.ts';
import './scalars.ts';
import './campaign.ts';
import './annotation-request.ts';
import './pool.ts';
import './task.ts';
import './annotation-history.ts';
import './working-time.ts';
import './changes.ts';
import './ingest.ts';
import './subscriptions.ts';

export const schema = protectJson(
  builder.toSchema({
    sortSchema: false,
    directives: [...specifiedDirectives, ...incrementalDirectives],
  }),
);
