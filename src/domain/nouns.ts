import { isNumericId, isTextId, parseInt64 } from './ids.ts';

/** What a row's key is, by the name of its type. */
export interface NounIds {
  Campaign: string;
  AnnotationRequest: string;
  Pool: bigint;
  Task: bigint;
  AnnotationHistory: bigint;
}

export type Noun = keyof NounIds;

function readTextId(text: string): string | undefined {
  return isTextId(text) ? text : undefined;
}

function readNumericId(text: string): bigint | undefined {
  const id = parseInt64(text);
  // Only the canonical digits name a row: an id has one spelling.
  return id !== undefined && isNumericId(id) && id.toString() === text ? id : undefined;
}

const READ_ID: { readonly [N in Noun]: (text: string) => NounIds[N] | undefined } = {
  Campaign: readTextId,
  AnnotationRequest: readTextId,
  Pool: readNumericId,
  Task: readNumericId,
  AnnotationHistory: readNumericId,
};

export function isNoun(name: string): name is Noun {
  return Object.hasOwn(READ_ID, name);
}

/** Reads a key as it stands in a global id or a cursor; undefined if no row of that type can have it. */
export function readId<N extends Noun>(noun: N, text: string): NounIds[N] | undefined {
  return READ_ID[noun](text);
}
