import { defaultFieldResolver, getNamedType, isObjectType, type GraphQLSchema } from 'graphql';

/** What is written as the JSON of a value and has none of its keys. */
function wrap(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('then' in value)) return value;
  return value instanceof Promise ? value.then(wrap) : { toJSON: () => value };
}

/** Makes JSON safe from the executor, which takes whatever has a `then` for a promise: an operation key may be called that. */
export function protectJson(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      if (getNamedType(field.type).name !== 'JSON') continue;
      const { resolve = defaultFieldResolver } = field;
      field.resolve = (...args) => wrap(resolve(...args));
    }
  }
  return schema;
}
