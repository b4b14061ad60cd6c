/** The largest id Rosetta gives: 2^63-1. */
export const MAX_ID = 9_223_372_036_854_775_807n;

const MIN_INT64 = -9_223_372_036_854_775_808n;

/** Bytes a text id or a name may have at most, in UTF-8. */
export const MAX_TEXT_BYTES = 255;

/** Reads a whole number in decimal digits; undefined if it is none or does not fit into 64 bits. */
export function parseInt64(text: string): bigint | undefined {
  // The length is checked first: turning a long text into a number costs more than linear time.
  if (text.length > 20 || !/^-?\d+$/.test(text)) return undefined;
  const value = BigInt(text);
  return value >= MIN_INT64 && value <= MAX_ID ? value : undefined;
}

/** Whether a text can be an id of Helix's: 1 to 255 bytes of UTF-8 without NUL. No row can have any other. */
export function isTextId(text: string): boolean {
  return (
    text.length > 0 &&
    text.length <= MAX_TEXT_BYTES &&
    !text.includes('\0') &&
    // The driver would turn a lone surrogate into another character, and find another row.
    text.isWellFormed() &&
    Buffer.byteLength(text) <= MAX_TEXT_BYTES
  );
}

/** Whether a number can be an id of Rosetta's: 0 to 2^63-1. No row can have any other. */
export function isNumericId(id: bigint): boolean {
  return id >= 0n && id <= MAX_ID;
}
