/** A part of the driver of which there are no types. */
declare module 'pg/lib/utils.js' {
  const utils: {
    /** Makes of a value what PostgreSQL is sent: text, bytes or nothing. */
    prepareValue(this: void, value: unknown): string | Buffer | null;
  };
  export default utils;
}
