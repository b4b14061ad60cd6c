/** What the description of every field says that may fail without taking the rest of an answer with it. */
export const SURVIVES =
  'Null with an error where that could not be found out; the rest of the answer stands.';
