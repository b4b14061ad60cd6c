// Generates the types of the operations beside this file from schema.graphql, so that the compiler holds tests to both.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codegen } from '@graphql-codegen/core';
import * as typedDocuments from '@graphql-codegen/typed-document-node';
import * as operations from '@graphql-codegen/typescript-operations';
import { parse, Source } from 'graphql';

const directory = import.meta.dirname;
const filename = join(directory, 'generated/operations.ts');
// The name is for the error messages.
const read = (path) => parse(new Source(readFileSync(path, 'utf8'), path));

const text = await codegen({
  filename,
  schema: read(join(directory, '../../schema.graphql')),
  documents: readdirSync(directory)
    .filter((name) => name.endsWith('.graphql'))
    .map((location) => ({ location, document: read(join(directory, location)) })),
  plugins: [{ operations: {} }, { typedDocuments: {} }],
  pluginMap: { operations, typedDocuments },
  config: {
    strictScalars: true,
    scalars: {
      BigInt: { input: 'string | number', output: 'string' },
      DateTime: 'string',
      JSON: 'Record<string, number>',
    },
    skipTypename: true,
    useTypeImports: true,
  },
});

mkdirSync(join(directory, 'generated'), { recursive: true });
writeFileSync(filename, text);
