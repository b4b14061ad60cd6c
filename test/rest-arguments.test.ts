import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { envelopeIn, send, sendBytes } from './support/rest-client.ts';
import { startRestServer, type RestServer } from './support/rest-server.ts';

let server: RestServer;

beforeAll(async () => {
  server = await startRestServer();
});
beforeEach(() => {
  server.executions.length = 0;
  server.outcomes.length = 0;
});
afterAll(async () => {
  expect(server.failures).toEqual([]);
  await server.close();
});

/** The variables with which GET was executed, or the code of an answer for which nothing was executed. */
async function get(query: string, body?: unknown, path = '/statistics') {
  const { status, envelope } = await send(server, { path: `${path}${query}`, body });
  expect(status).toBe(200);
  const [execution] = server.executions.splice(0);
  return execution?.variables ?? envelope.code;
}

async function post(body: unknown, query = '') {
  const { status, envelope } = await send(server, {
    method: 'POST',
    path: `/task/get${query}`,
    body,
  });
  expect(status).toBe(200);
  const [execution] = server.executions.splice(0);
  return execution?.variables ?? envelope.code;
}

const FIRST_PAGE = { page: 1, pageSize: 10 };
const LONGEST_ID = 'é'.repeat(127) + 'x';

describe('ids in the query string', () => {
  it.each([
    ['one', 'annotationRequestId=a', ['a']],
    ['a repeated name', 'annotationRequestId=a&annotationRequestId=b', ['a', 'b']],
    ['brackets', 'annotationRequestId[]=a&annotationRequestId[]=b', ['a', 'b']],
    ['indexes', 'annotationRequestId[0]=a&annotationRequestId[1]=b', ['a', 'b']],
    [
      'every spelling at once',
      'annotationRequestId=a&annotationRequestId[]=b&annotationRequestId[12]=c',
      ['a', 'b', 'c'],
    ],
    ['encoded brackets', 'annotationRequestId%5B%5D=a&annotationRequestId%5b0%5d=b', ['a', 'b']],
    ['an encoded name', 'annotation%52equestId=a', ['a']],
    ['duplicates', 'annotationRequestId=a&annotationRequestId[]=a', ['a']],
    ['commas', 'annotationRequestId=a,b,a', ['a', 'b']],
    ['encoded commas', 'annotationRequestId=a%2Cb', ['a', 'b']],
    ['parts with spaces', 'annotationRequestId=a,%20b+', ['a', ' b ']],
    ['commas in two values', 'annotationRequestId=a,b&annotationRequestId=c,d', ['a,b', 'c,d']],
    [
      'commas beside another spelling',
      'annotationRequestId=a,b&annotationRequestId[]=c',
      ['a,b', 'c'],
    ],
    ['commas in brackets', 'annotationRequestId[]=a,b', ['a,b']],
    ['commas at an index', 'annotationRequestId[0]=a,b', ['a,b']],
    ['UTF-8', 'annotationRequestId=%E2%82%AC%F0%9F%98%80', ['€😀']],
    ['plus and %2B', 'annotationRequestId=a+b%2Bc', ['a b+c']],
    ['an equals sign', 'annotationRequestId=a=b', ['a=b']],
    ['empty pairs', '&&annotationRequestId=a&', ['a']],
    ['unknown arguments', 'x=1&annotationRequestId=a&constructor=2&__proto__=3', ['a']],
    ['a byte order mark', 'annotationRequestId=%EF%BB%BFa', ['\ufeffa']],
    ['255 bytes', `annotationRequestId=${encodeURIComponent(LONGEST_ID)}`, [LONGEST_ID]],
  ])('%s', async (_, query, ids) => {
    expect(await get(`?${query}`)).toEqual({ annotationRequestIds: ids, ...FIRST_PAGE });
  });

  it.each([
    ['none', ''],
    ['another name', 'annotationRequestIds=a'],
    ['another case', 'annotationrequestid=a'],
    ['brackets around a word', 'annotationRequestId[x]=a'],
    ['an empty value', 'annotationRequestId='],
    ['no value', 'annotationRequestId'],
    ['an empty value beside another', 'annotationRequestId=a&annotationRequestId='],
    ['an empty part', 'annotationRequestId=a,,b'],
    ['an empty first part', 'annotationRequestId=,a'],
    ['an empty last part', 'annotationRequestId=a,'],
    ['256 bytes in 129 characters', `annotationRequestId=${encodeURIComponent(`${LONGEST_ID}y`)}`],
    ['a NUL', 'annotationRequestId=a%00'],
    ['a lone surrogate', 'annotationRequestId=%ED%A0%80'],
    ['bytes that are no UTF-8', 'annotationRequestId=%FF'],
    ['an overlong encoding', 'annotationRequestId=%C0%80'],
    ['a broken escape', 'annotationRequestId=a%2'],
    ['an escape that is no hex', 'annotationRequestId=a%zz'],
    ['a broken escape in another argument', 'annotationRequestId=a&x=%'],
    ['broken UTF-8 in another name', 'annotationRequestId=a&%FF=1'],
  ])('4005: %s', async (_, query) => {
    expect(await get(`?${query}`)).toBe(4005);
  });

  it('is no place for bytes without escapes, which are no HTTP', async () => {
    const line = 'GET /statistics?annotationRequestId=é HTTP/1.1\r\nHost: x\r\n\r\n';
    expect(envelopeIn(await sendBytes(server, line))).toMatchObject({
      code: 400,
      message: 'Bad Request',
    });
  });

  it('takes 1,000 ids and no more, duplicates aside', async () => {
    const list = (count: number) =>
      Array.from({ length: count }, (_, index) => `annotationRequestId=${index}`).join('&');
    expect(await get(`?${list(1000)}&${list(1000)}`)).toMatchObject({
      annotationRequestIds: { length: 1000 },
    });
    expect(await get(`?${list(1001)}`)).toBe(4005);
    const commas = Array.from({ length: 1001 }, (_, index) => index).join(',');
    expect(await get(`?annotationRequestId=${commas}`)).toBe(4005);
  });

  it('takes 1,000 UUIDs in one request line', async () => {
    const uuids = Array.from(
      { length: 1000 },
      (_, index) => `7d44b43b-3bbd-4f53-9f95-${String(index).padStart(12, '0')}`,
    );
    expect(await get(`?${uuids.map((id) => `annotationRequestId%5B%5D=${id}`).join('&')}`)).toEqual(
      { annotationRequestIds: uuids, ...FIRST_PAGE },
    );
  });
});

describe('ids in the body of a GET', () => {
  it.each([
    ['a string', { annotationRequestId: 'a' }, ['a']],
    ['an array', { annotationRequestId: ['b', 'a', 'b'] }, ['b', 'a']],
    ['a comma', { annotationRequestId: 'a,b' }, ['a,b']],
    ['commas in an array', { annotationRequestId: ['a,b'] }, ['a,b']],
    ['escapes', '{"annotation\\u0052equestId":"\\u00e9\\ud83d\\ude00"}', ['é😀']],
    ['a byte order mark', '\ufeff{"annotationRequestId":"a"}', ['a']],
    ['white space', ' \r\n\t{ "annotationRequestId" : [ "a" ] } ', ['a']],
    [
      'unknown arguments',
      '{"x":{"annotationRequestId":"b"},"annotationRequestId":"a","x":1}',
      ['a'],
    ],
    ['structure inside strings', '{"x":"\\",{}[]:","annotationRequestId":"]}"}', [']}']],
    ['255 bytes', { annotationRequestId: LONGEST_ID }, [LONGEST_ID]],
    ['a null beside it', '{"annotationRequestId":null,"annotationRequestId":"a"}', ['a']],
  ])('%s', async (_, body, ids) => {
    expect(await get('', body)).toEqual({ annotationRequestIds: ids, ...FIRST_PAGE });
  });

  it.each([
    ['null', { annotationRequestId: null }],
    ['an empty array', { annotationRequestId: [] }],
    ['an empty string', { annotationRequestId: '' }],
    ['an empty string in an array', { annotationRequestId: ['a', ''] }],
    ['a number', { annotationRequestId: 1 }],
    ['a number in an array', { annotationRequestId: ['a', 1] }],
    ['null in an array', { annotationRequestId: ['a', null] }],
    ['an array in an array', { annotationRequestId: [['a']] }],
    ['an object', { annotationRequestId: { 0: 'a' } }],
    ['a boolean', { annotationRequestId: true }],
    ['the same one twice', '{"annotationRequestId":"a","annotationRequestId":"a"}'],
    ['a spelling of the query string', { 'annotationRequestId[]': 'a' }],
    ['256 bytes', { annotationRequestId: `${LONGEST_ID}y` }],
    ['a NUL', { annotationRequestId: 'a\0' }],
    ['a lone surrogate', '{"annotationRequestId":"a\\ud800"}'],
    ['a lone surrogate in an array', '{"annotationRequestId":["a","\\udc00"]}'],
    ['1,001 of them', { annotationRequestId: Array.from({ length: 1001 }, (_, i) => `${i}`) }],
    ['an array as the body', '["a"]'],
    ['a string as the body', '"annotationRequestId"'],
    ['null as the body', 'null'],
    ['white space as the body', ' '],
    ['only a byte order mark', '\ufeff'],
    ['a no-break space before it', '\u00a0{"annotationRequestId":"a"}'],
    ['a trailing comma', '{"annotationRequestId":"a",}'],
    ['two objects', '{"annotationRequestId":"a"}{}'],
    ['half an object', '{"annotationRequestId":"a"'],
    ['a form', 'annotationRequestId=a'],
    ['Latin-1', Buffer.from('{"annotationRequestId":"é"}', 'latin1')],
    ['UTF-16', Buffer.from('\ufeff{"annotationRequestId":"a"}', 'utf16le')],
    ['100,000 open brackets', '['.repeat(100_000)],
    ['100,000 open objects', '{"annotationRequestId":'.repeat(40_000)],
    ['an id nested 100,000 deep', `{"annotationRequestId":${'['.repeat(1e5)}${']'.repeat(1e5)}}`],
  ])('4005: %s', async (_, body) => {
    expect(await get('', body)).toBe(4005);
  });

  it('ignores an unknown argument 100,000 deep', async () => {
    const deep = `{"x":${'['.repeat(1e5)}${']'.repeat(1e5)},"annotationRequestId":"a"}`;
    expect(await get('', deep)).toMatchObject({ annotationRequestIds: ['a'] });
  });

  it('counts 1,000 ids after removing duplicates', async () => {
    const thousand = Array.from({ length: 1000 }, (_, index) => `${index}`);
    expect(await get('', { annotationRequestId: [...thousand, ...thousand] })).toMatchObject({
      annotationRequestIds: thousand,
    });
  });

  it('takes no body at all, and an empty one, as none', async () => {
    expect(await get('?annotationRequestId=a', '')).toMatchObject({ annotationRequestIds: ['a'] });
    expect(await get('?annotationRequestId=a')).toMatchObject({ annotationRequestIds: ['a'] });
    const { envelope } = await send(server, {
      path: '/statistics?annotationRequestId=a',
      headers: { 'Transfer-Encoding': 'chunked' },
    });
    expect(envelope.code).toBe(2000);
  });

  it.each([
    'application/json',
    'text/plain; charset=iso-8859-1',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    '',
  ])('is read whatever its Content-Type (%s), announced or chunked', async (contentType) => {
    for (const chunked of [false, true]) {
      const { envelope } = await send(server, {
        path: '/statistics/record',
        headers: { 'Content-Type': contentType },
        body: { annotationRequestId: ['é'] },
        chunked,
      });
      expect(envelope.code).toBe(2000);
      expect(server.executions.pop()?.variables.annotationRequestIds).toEqual(['é']);
    }
  });
});

describe('pages', () => {
  const routes = [
    { path: '/statistics', number: 'offset', size: 'limit', max: 100 },
    { path: '/statistics/record', number: 'pageNumber', size: 'pageSize', max: 1000 },
  ];

  describe.each(routes)('of $path', ({ path, number, size, max }) => {
    const ids = { annotationRequestId: 'a' };

    it('start at 1 with 10 rows', async () => {
      expect(await get('?annotationRequestId=a', undefined, path)).toMatchObject(FIRST_PAGE);
      expect(await get('', { ...ids, [number]: null, [size]: null }, path)).toMatchObject(
        FIRST_PAGE,
      );
    });

    it.each([
      ['1', 1],
      ['7', 7],
      ['007', 7],
      ['2147483647', 2_147_483_647],
    ])('take %s', async (text, value) => {
      const expected = { page: value, pageSize: Math.min(value, max) };
      const query = `?annotationRequestId=a&${number}=${text}&${size}=${text}`;
      expect(await get(query, undefined, path)).toMatchObject(expected);
      expect(await get('', { ...ids, [number]: text, [size]: text }, path)).toMatchObject(expected);
      expect(await get('', { ...ids, [number]: value, [size]: value }, path)).toMatchObject(
        expected,
      );
    });

    it.each([
      ...['0', '00', '-1', '-0', '+1', '%2B1', '1.5', '1.0', '1e3', '1E0', '0x1', 'abc', ''],
      ...['2147483648', '99999999999999999999', 'Infinity', 'NaN', '%201', '1%20', '1%0A', '1,2'],
      ...['%D9%A1', 'null', 'true', '1_0', '1n'],
    ])('refuse "%s" in the query string', async (text) => {
      for (const name of [number, size]) {
        expect(await get(`?annotationRequestId=a&${name}=${text}`, undefined, path)).toBe(4005);
      }
    });

    it.each([
      ...['0', '-1', '-0', '1.5', '1.0', '1e3', '1E0', '2147483648', '1e400', '10000000000000001'],
      ...['""', '"0"', '"-1"', '"1.0"', '"1e3"', '" 1"', '"1\\n"', '"\\u0661"', '"abc"'],
      ...['true', '[]', '[1]', '{}', '{"a":1}'],
    ])('refuse %s in the body', async (source) => {
      for (const name of [number, size]) {
        expect(await get('', `{"annotationRequestId":"a","${name}":${source}}`, path)).toBe(4005);
      }
    });

    it('refuse the same one twice', async () => {
      for (const name of [number, size]) {
        expect(await get(`?annotationRequestId=a&${name}=2&${name}=2`, undefined, path)).toBe(4005);
        expect(await get('', `{"annotationRequestId":"a","${name}":2,"${name}":2}`, path)).toBe(
          4005,
        );
      }
    });

    it('say the size that is served, and report a cut', async () => {
      for (const [asked, served] of [
        [1, 1],
        [max, max],
        [max + 1, max],
        [2_147_483_647, max],
      ] as const) {
        const answer = await send(server, {
          path: `${path}?annotationRequestId=a&${size}=${asked}`,
        });
        expect(answer.headers['x-page-size']).toBe(String(served));
        expect(server.outcomes.pop()).toEqual({
          route: path,
          status: 200,
          code: 2000,
          ...(asked > served && { warning: { asked, served } }),
        });
      }
      expect((await send(server, { path, body: ids })).headers['x-page-size']).toBe('10');
    });

    it('say the size on failures too, where it could be read', async () => {
      const sizeOf = async (query: string, body?: unknown) =>
        (await send(server, { path: path + query, body })).headers['x-page-size'];
      expect(await sizeOf('')).toBe('10');
      expect(await sizeOf(`?${size}=5000&${number}=0`)).toBe(String(max));
      expect(await sizeOf(`?${size}=7`, '[]')).toBe('7');
      expect(await sizeOf(`?${size}=0`)).toBeUndefined();
      expect(await sizeOf('?%FF', { [size]: 7 })).toBeUndefined();
      expect(await sizeOf('', '[]')).toBeUndefined();
      for (const errorCode of ['ANNOTATION_REQUEST_NOT_FOUND', 'SERVICE_UNAVAILABLE'] as const) {
        server.answer = { errorCode };
        expect(await sizeOf(`?annotationRequestId=a&${size}=7`)).toBe('7');
      }
      server.answer = undefined;
    });
  });

  it('of one route are unknown to the other', async () => {
    expect(await get('?annotationRequestId=a&pageNumber=x&pageSize=x')).toMatchObject(FIRST_PAGE);
    expect(
      await get('?annotationRequestId=a&offset=x&limit=x', undefined, '/statistics/record'),
    ).toMatchObject(FIRST_PAGE);
  });
});

describe('an argument in both', () => {
  it('is taken from the query string, whatever the body says', async () => {
    expect(
      await get('?annotationRequestId[]=a&offset=2', {
        annotationRequestId: 'b',
        offset: 3,
        limit: 4,
      }),
    ).toEqual({ annotationRequestIds: ['a'], page: 2, pageSize: 4 });
    expect(
      await get(
        '?annotationRequestId=a&limit=2',
        '{"annotationRequestId":[],"limit":"abc","limit":0}',
      ),
    ).toEqual({ annotationRequestIds: ['a'], page: 1, pageSize: 2 });
  });

  it('does not save a wrong one in the query string', async () => {
    expect(await get('?annotationRequestId=', { annotationRequestId: 'b' })).toBe(4005);
    expect(await get('?offset=', { annotationRequestId: 'b', offset: 1 })).toBe(4005);
  });

  it('does not save a body that is no JSON object', async () => {
    expect(await get('?annotationRequestId=a&offset=1&limit=1', 'x')).toBe(4005);
  });
});

describe('POST /task/get', () => {
  const ids = { campaignId: 'c', annotationRequestId: 'a', sceneId: 's' };

  it('takes three ids from the body', async () => {
    expect(await post(ids)).toEqual(ids);
    expect(await post({ ...ids, sceneId: LONGEST_ID, x: 1, y: null })).toEqual({
      ...ids,
      sceneId: LONGEST_ID,
    });
    expect(await post({ ...ids, annotationRequestId: 'a,b' })).toEqual({
      ...ids,
      annotationRequestId: 'a,b',
    });
  });

  it('ignores the query string, even a broken one', async () => {
    expect(await post(ids, '?campaignId=x&%FF=%')).toEqual(ids);
    expect(await post({}, '?campaignId=c&annotationRequestId=a&sceneId=s')).toBe(4005);
  });

  it.each(Object.keys(ids))('refuses a bad %s', async (name) => {
    const bad = ['', null, 1, true, [], ['a'], {}, 'a\0', `${LONGEST_ID}y`, 'x'.repeat(256)];
    for (const value of bad) expect(await post({ ...ids, [name]: value })).toBe(4005);
    const rest = JSON.stringify({ ...ids, [name]: undefined }).slice(1);
    expect(await post(`{${rest}`)).toBe(4005);
    expect(await post(`{"${name}":"\\udfff",${rest}`)).toBe(4005);
    expect(await post(`{"${name}":"a","${name}":"a",${rest}`)).toBe(4005);
  });

  it.each([
    ['an empty body', ''],
    ['an array', '[]'],
    ['a form', 'campaignId=c&sceneId=s'],
  ])('refuses %s', async (_, body) => {
    expect(await post(body)).toBe(4005);
  });

  it('has no page size to say', async () => {
    const { headers } = await send(server, { method: 'POST', path: '/task/get', body: ids });
    expect(headers['x-page-size']).toBeUndefined();
  });
});
