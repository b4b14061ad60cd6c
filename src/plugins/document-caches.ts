import type { DocumentNode } from 'graphql';
import { LRUCache } from 'lru-cache';

/** What a token of a parsed document takes in memory, as measured, and a character of text at most. */
const BYTES_OF_TOKEN = 500;
const BYTES_OF_CHARACTER = 2;

/** How much is kept of documents that callers have sent, and of the errors of those that could not be parsed. */
const MAX_DOCUMENT_BYTES = 64 * 1024 * 1024;
const MAX_ERROR_BYTES = 8 * 1024 * 1024;

const sizeOfText = (text: string) => text.length * BYTES_OF_CHARACTER + 1;

/**
 * The caches of parsed documents, which Yoga keeps the results of validation with. Yoga's own count documents: a caller who
 * sends a thousand different ones of the largest size would have gigabytes kept for him.
 */
export function createDocumentCaches() {
  return {
    documentCache: new LRUCache<string, DocumentNode>({
      maxSize: MAX_DOCUMENT_BYTES,
      sizeCalculation: ({ tokenCount = 0 }, text) => tokenCount * BYTES_OF_TOKEN + sizeOfText(text),
    }),
    errorCache: new LRUCache<string, Error>({
      maxSize: MAX_ERROR_BYTES,
      sizeCalculation: (_error, text) => sizeOfText(text),
    }),
  };
}
