import {
  DirectiveLocation,
  GraphQLBoolean,
  GraphQLDirective,
  GraphQLInt,
  GraphQLNonNull,
  GraphQLString,
} from 'graphql';

/** What both directives take; the executor finds them by their names. */
const timing = {
  if: {
    description: 'Whether it is sent later; it is part of the first answer otherwise.',
    type: new GraphQLNonNull(GraphQLBoolean),
    defaultValue: true,
  },
  label: {
    description: 'A name for the part that is sent later, unique in the document.',
    type: GraphQLString,
  },
};

/** The directives for answers in parts. */
export const incrementalDirectives = [
  new GraphQLDirective({
    name: 'defer',
    description:
      'Sends a fragment after the rest of the answer, to who accepts `multipart/mixed` or `text/event-stream`.',
    locations: [DirectiveLocation.FRAGMENT_SPREAD, DirectiveLocation.INLINE_FRAGMENT],
    args: timing,
  }),
  new GraphQLDirective({
    name: 'stream',
    description:
      'Sends the items of a list one after the other, to who accepts `multipart/mixed` or `text/event-stream`.',
    locations: [DirectiveLocation.FIELD],
    args: {
      ...timing,
      initialCount: {
        description: 'How many items are part of the first answer, 0 or more.',
        type: GraphQLInt,
        defaultValue: 0,
      },
    },
  }),
];
