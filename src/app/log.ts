import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { Config } from '../config/config.ts';

/** The log: JSON lines on standard output, readable lines where that is a terminal. */
export function createLog({ logLevel, logFormat }: Pick<Config, 'logLevel' | 'logFormat'>): Logger {
  const readable = logFormat === undefined ? process.stdout.isTTY : logFormat === 'pretty';
  const options = { level: logLevel, base: undefined, timestamp: pino.stdTimeFunctions.isoTime };
  return readable
    ? pino(options, pretty({ ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l' }))
    : pino(options);
}
