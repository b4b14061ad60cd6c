import { Kind, type FieldNode, type GraphQLResolveInfo, type SelectionSetNode } from 'graphql';

/** The fields of a selection, those of its fragments included, whatever the type they are on. */
function* fieldsOf(
  selections: SelectionSetNode | undefined,
  info: GraphQLResolveInfo,
): Generator<FieldNode> {
  for (const selection of selections?.selections ?? []) {
    if (selection.kind === Kind.FIELD) yield selection;
    else if (selection.kind === Kind.INLINE_FRAGMENT) yield* fieldsOf(selection.selectionSet, info);
    else yield* fieldsOf(info.fragments[selection.name.value]?.selectionSet, info);
  }
}

/**
 * The names of the fields that an operation may ask for at some places below a field: all that it asks for, and those
 * that it would skip.
 */
export function selectedBelow(
  info: GraphQLResolveInfo,
  paths: readonly (readonly string[])[],
): Set<string> {
  const names = new Set<string>();
  for (const path of paths) {
    const found = path.reduce(
      (nodes, step) =>
        nodes.flatMap((node) =>
          [...fieldsOf(node.selectionSet, info)].filter(({ name }) => name.value === step),
        ),
      [...info.fieldNodes],
    );
    for (const node of found) {
      for (const field of fieldsOf(node.selectionSet, info)) names.add(field.name.value);
    }
  }
  return names;
}
