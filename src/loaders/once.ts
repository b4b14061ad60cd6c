/** Makes each loader once: those of the same name and arguments are the same. */
export function once() {
  const made = new Map<string, unknown>();
  return <T>(name: string, args: readonly unknown[], create: () => T): T => {
    const key = JSON.stringify([name, ...args], (_key, value: unknown) =>
      typeof value === 'bigint' ? `${value}n` : value,
    );
    if (!made.has(key)) made.set(key, create());
    return made.get(key) as T;
  };
}

/** What is made for one key of a batch: what it throws belongs to that key alone. */
export function orError<T>(make: () => T): T | Error {
  try {
    return make();
  } catch (error) {
    return error as Error;
  }
}
