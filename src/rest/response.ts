import { ServerResponse, type IncomingMessage } from 'node:http';

/**
 * An answer that is told most of its headers in passing. Node checks each header that is set by itself, files it and looks it
 * up again, which takes twice as long as to write all at once.
 */
export class GatewayResponse<
  Request extends IncomingMessage = IncomingMessage,
> extends ServerResponse<Request> {
  /** Names and values in turn. */
  #inPassing: (string | number)[] = [];

  /** Gives it a header, unless one of that name is set by the time the head is written. Until then no other method knows of it. */
  tell(name: string, value: string | number): void {
    const index = this.#inPassing.indexOf(name);
    if (index === -1) this.#inPassing.push(name, value);
    else this.#inPassing[index + 1] = value;
  }

  // Node calls this itself before the first bytes go out, where nobody has.
  override writeHead(status: number, ...more: unknown[]): this {
    const told = this.#inPassing;
    this.#inPassing = [];
    if (more.length === 0 && this.getHeaderNames().length === 0) {
      return super.writeHead(status, told);
    }
    for (let n = 0; n < told.length; n += 2) {
      const name = told[n] as string;
      if (!this.hasHeader(name)) this.setHeader(name, told[n + 1]!);
    }
    return super.writeHead(status, ...(more as []));
  }
}

/** Tells any answer a header, in the place of what it was told before under this very name. */
export function tellHeader(res: ServerResponse, name: string, value: string | number): void {
  if (res instanceof GatewayResponse) res.tell(name, value);
  else res.setHeader(name, value);
}
