import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  TypeInfo,
  valueFromASTUntyped,
  visit,
  visitWithTypeInfo,
  type ExecutionArgs,
  type GraphQLInputType,
} from 'graphql';
import { createGraphQLError, type Plugin } from 'graphql-yoga';
import { PEOPLE_FIELDS, PEOPLE_LISTS, peopleAreHidden, type Viewer } from '../domain/viewer.ts';

/** The value that names a field in an enum. */
const constantOf = (field: string) => field.replace(/[A-Z]/g, '_$&').toUpperCase();
const PEOPLE_CONSTANTS: ReadonlySet<unknown> = new Set([...PEOPLE_FIELDS].map(constantOf));

/** Whether an argument filters, orders or groups by people. */
function namesPeople(value: unknown, type: GraphQLInputType): boolean {
  if (value === null || value === undefined) return false;
  if (Array.isArray(value)) return value.some((one) => namesPeople(one, type));
  const named = getNamedType(type);
  if (isEnumType(named)) return PEOPLE_CONSTANTS.has(value);
  if (!isInputObjectType(named)) return false;
  const fields = named.getFields();
  return Object.entries(value).some(
    ([name, one]: [string, unknown]) =>
      (PEOPLE_FIELDS.has(name) && one !== null) ||
      (fields[name] !== undefined && namesPeople(one, fields[name].type)),
  );
}

/** The variables as the executor will take them: where one is not given, its default counts. */
function variablesOf({ document, variableValues }: ExecutionArgs) {
  const defaults: Record<string, unknown> = {};
  visit(document, {
    VariableDefinition({ variable, defaultValue }) {
      if (defaultValue) defaults[variable.name.value] = valueFromASTUntyped(defaultValue);
    },
  });
  return { ...defaults, ...variableValues };
}

/** Whether an operation asks who did something, otherwise than by fields that can be empty. */
function asksForPeople(args: ExecutionArgs): boolean {
  const { schema, document } = args;
  const variables = variablesOf(args);
  const types = new TypeInfo(schema);
  let asks = false;
  visit(
    document,
    visitWithTypeInfo(types, {
      Field({ name }) {
        asks ||= PEOPLE_LISTS.has(name.value);
      },
      Argument({ value }) {
        const type = types.getInputType();
        asks ||= !!type && namesPeople(valueFromASTUntyped(value, variables), type);
      },
    }),
  );
  return asks;
}

/**
 * A Yoga plugin that refuses operations which ask who did something, to viewers from whom that is hidden. It is there for
 * the clear word: the database client of such a viewer has nobody to show.
 */
export function useHiddenPeople(): Plugin {
  const refusal = (args: unknown) => {
    const { viewer } = (args as { contextValue: { viewer?: Viewer } }).contextValue;
    if (viewer?.people !== 'hidden' || !asksForPeople(args as ExecutionArgs)) return undefined;
    const error = peopleAreHidden();
    // It is an answer, as where the database client refuses; without a word on it, Yoga takes it for a fault of ours.
    const extensions = { ...error.extensions, http: { status: 200 } };
    return { errors: [createGraphQLError(error.message, { originalError: error, extensions })] };
  };
  return {
    onExecute({ args, setResultAndStopExecution }) {
      const result = refusal(args);
      if (result) setResultAndStopExecution(result);
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      const result = refusal(args);
      if (result) setResultAndStopExecution(result);
    },
  };
}
