import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import type { TestGateway } from './gateway.ts';

/** A client whose answers have the types that were generated for its operations. */
export function createClient(gateway: TestGateway) {
  return {
    /** The data of an operation that must succeed. */
    execute: <Data, Variables extends object>(
      document: TypedDocumentNode<Data, Variables>,
      variables: Variables,
    ): Promise<Data> => gateway.gql<Data>(print(document), variables),
  };
}
