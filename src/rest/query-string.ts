/**
 * The parameters of a query string: the values of each name, both decoded, in the order given.
 * @param text what follows the `?` of the request target.
 * @returns undefined where the percent-encoding of any name or value is broken or is no UTF-8.
 */
export function parseQueryString(text: string): ReadonlyMap<string, string[]> | undefined {
  const parameters = new Map<string, string[]>();
  for (const part of text.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decode(equals === -1 ? part : part.slice(0, equals));
    const value = equals === -1 ? '' : decode(part.slice(equals + 1));
    if (name === undefined || value === undefined) return undefined;
    const values = parameters.get(name);
    if (values === undefined) parameters.set(name, [value]);
    else values.push(value);
  }
  return parameters;
}

/** URLSearchParams would put U+FFFD where the encoding is broken, and so find another row, or none. */
function decode(encoded: string): string | undefined {
  try {
    // Bytes above 127 that came without an escape never get here: Node's parser answers them with 400.
    return decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
