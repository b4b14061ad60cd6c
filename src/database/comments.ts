import type pg from 'pg';
import { TextsQuery } from './texts-query.ts';
import { currentRequest, type CurrentRequest } from './request.ts';

/** What stands ahead of a statement to say what it is sent for: a comment in SQL, or nothing. */
export type CommentOn = (request: CurrentRequest | undefined) => string;

/** A statement in the driver's form with parameters. */
type Statement = (pg.QueryConfig & { text: string }) | TextsQuery;

/**
 * Adds a comment to whatever is sent on a connection. It stands ahead of the statement, since the server's views show only
 * the beginning of a long one.
 * @param nameOf the name under which a text is prepared: a name that it has already is of the text without a comment,
 * and a connection has one text under a name.
 */
export function addComments<Client extends pg.ClientBase>(
  client: Client,
  commentOn: CommentOn,
  nameOf?: (sql: string) => string,
): Client {
  const send = client.query.bind(client) as (...statement: unknown[]) => Promise<unknown>;
  const query = (statement: string | Statement, ...rest: unknown[]) => {
    const comment = commentOn(currentRequest());
    if (typeof statement === 'string') return send(comment + statement, ...rest);
    const text = comment + statement.text;
    const name = nameOf && statement.name ? nameOf(text) : statement.name;
    if (statement instanceof TextsQuery) return send(Object.assign(statement, { text, name }));
    return send({ ...statement, text, name }, ...rest);
  };
  return Object.assign(client, { query });
}
