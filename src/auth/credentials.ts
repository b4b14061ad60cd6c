/** What is looked at to find out who sends a request. */
export interface Claim {
  readonly method: string;
  /** Path and query string, as they were sent. */
  readonly target: string;
  /** Names and values in the order given; a name that was sent twice is there twice. */
  readonly headers: Iterable<readonly [name: string, value: string]>;
}

/** The headers by which callers say who they are: each way has its own. */
const HEADERS = {
  signature: ['x-stardust-key', 'x-ts', 'x-sign', 'x-sign-256', 'x-nonce'],
  token: ['authorization'],
  apiKey: ['x-api-key'],
} as const;

export type Way = keyof typeof HEADERS;

/** What a request says of who sends it: by one way, each of its headers once. */
export type Credentials = { readonly way: Way; readonly values: ReadonlyMap<string, string> };

const WAY_OF_HEADER: ReadonlyMap<string, Way> = new Map(
  (Object.keys(HEADERS) as Way[]).flatMap((way) => HEADERS[way].map((name) => [name, way])),
);

/** Reads the credentials of a request; where there are none, or several, a word for the log. */
export function readCredentials({ headers }: Claim): Credentials | string {
  const values = new Map<string, string>();
  let way: Way | undefined;
  for (const [given, value] of headers) {
    const name = given.toLowerCase();
    const own = WAY_OF_HEADER.get(name);
    if (own === undefined) continue;
    if (values.has(name)) return 'repeated header';
    if (way !== undefined && way !== own) return 'several ways';
    values.set(name, value);
    way = own;
  }
  return way === undefined ? 'no credentials' : { way, values };
}
