import { EventEmitter, once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createOverload } from '../src/app/overload.ts';
import { createTestGateway, type TestGateway } from './support/gateway.ts';
import { readSeries } from './support/metrics.ts';

const MAX_REQUESTS = 5;
const QUERY = JSON.stringify({ query: '{ campaigns { totalCount } }' });

let gateway: TestGateway;
let url: string;
beforeAll(async () => {
  gateway = await createTestGateway({
    environment: { GATEWAY_MAX_REQUESTS: String(MAX_REQUESTS), GATEWAY_INGEST: 'on' },
  });
  ({ url } = await gateway.listen());
});
afterAll(() => gateway.close());

/** A request whose body has not arrived yet: it is under way for as long as the test likes. */
async function begin(path = '/graphql', body = QUERY): Promise<ClientRequest> {
  const begun = request(`${url}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) },
  });
  begun.write(body.slice(0, 5));
  await once(begun, 'socket');
  return begun;
}

async function finish(begun: ClientRequest, body = QUERY): Promise<string> {
  const answered = once(begun, 'response') as Promise<[IncomingMessage]>;
  begun.end(body.slice(5));
  const [response] = await answered;
  return text(response);
}

const ask = () =>
  fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: QUERY,
  });

/** Waits until the gateway turns requests away, or takes them again. */
async function untilStatus(status: number): Promise<Response> {
  for (;;) {
    const answer = await ask();
    if (answer.status === status) return answer;
    await answer.text();
  }
}

it('turns away what is too much, at once, and answers what it has taken on', async () => {
  const begun = await Promise.all(Array.from({ length: MAX_REQUESTS }, () => begin()));

  const refused = await untilStatus(503);
  expect(refused.headers.get('Retry-After')).toBe('1');
  expect(await refused.json()).toMatchObject({
    errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }],
  });
  const SHED = 'rosetta_gateway_shed_requests_total{reason="overload"}';
  const shed = async () => (await readSeries(gateway.metrics)).get(SHED);
  const before = await shed();
  const rest = await fetch(`${url}/statistics?annotationRequestId=a`);
  expect(await shed()).toBe(before! + 1);
  expect(rest.status).toBe(503);
  expect(rest.headers.get('Retry-After')).toBe('1');
  expect(await rest.json()).toMatchObject({
    code: 5000,
    message: 'Service hiccuped, please try again later.',
    success: false,
  });
  const { text } = await gateway.metrics.render();
  expect(text).not.toContain('auth_refusals_total{');
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);

  const answers = await Promise.all(begun.map((one) => finish(one)));
  const data = { campaigns: { totalCount: 0 } };
  for (const answer of answers) expect(JSON.parse(answer)).toMatchObject({ data });
  expect(await (await untilStatus(200)).json()).toMatchObject({ data });
});

it('gives the place of a caller who hangs up to others', async () => {
  const begun = await Promise.all(Array.from({ length: MAX_REQUESTS }, () => begin()));
  await untilStatus(503);
  for (const one of begun) one.on('error', () => {}).destroy();
  expect((await untilStatus(200)).status).toBe(200);
});

it('does not count what may last: imports and subscriptions', async () => {
  const line = '{"type":"campaign","id":"c","projectId":1,"name":"c","campaignType":"POC"}\n';
  const imports = await Promise.all(
    Array.from({ length: MAX_REQUESTS }, () => begin('/import', line)),
  );
  const query = 'subscription { taskChanged { taskId } }';
  const end = new AbortController();
  const subscriptions = [];
  for (let n = 0; n < MAX_REQUESTS; n++) {
    subscriptions.push(
      await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
        body: JSON.stringify({ query }),
        signal: end.signal,
      }),
    );
  }
  expect(subscriptions.map(({ status }) => status)).toEqual(Array(MAX_REQUESTS).fill(200));
  expect((await ask()).status).toBe(200);
  end.abort();
  const answers = await Promise.all(imports.map((one) => finish(one, line)));
  for (const answer of answers) expect(answer).toContain('"code":2000');
});

it('lets 200 small requests through at once, unless told otherwise', async () => {
  const usual = await createTestGateway({ database: gateway.database });
  const { url: base } = await usual.listen();
  const asked = Array.from({ length: 100 }, () => [
    fetch(`${base}/graphql?query={__typename}`),
    fetch(`${base}/statistics?annotationRequestId=unknown`),
  ]).flat();
  const answers = await Promise.all(asked);
  expect(answers.map(({ status }) => status)).toEqual(Array(200).fill(200));
});

it.each(['lag', 'longestWaitMs'] as const)(
  'takes nothing on while %s is long and much is under way',
  (late) => {
    let lag = 0;
    const overload = createOverload({
      log: pino({ level: 'silent' }),
      metrics: gateway.metrics,
      maxRequests: 100,
      maxLagMs: 500,
      lag: () => 0,
      longestWaitMs: () => 0,
      [late]: () => lag,
    });
    const enter = () => {
      const res = new EventEmitter();
      return { res, place: overload.enter(res as ServerResponse) };
    };
    lag = 501;
    const taken = Array.from({ length: 10 }, enter);
    expect(taken.every(({ place }) => place)).toBe(true);
    expect(enter().place).toBeUndefined();
    lag = 500;
    expect(enter().place).toBeDefined();
    lag = 501;
    for (const { res } of taken) res.emit('close');
    expect(overload.underWay()).toBe(1);
    expect(enter().place).toBeDefined();
  },
);
